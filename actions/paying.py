"""A shopper who wants to pay an order: the payment link is put again. Making it is not an action's work."""

from __future__ import annotations

import re

from actions import services, texts
from actions.turns import Turn
from bot.core.wording import plain

_PAY = re.compile(r"\b(pay|paie|paye|payer|paiement|payment|regler)\b")


async def offer_link(turn: Turn) -> bool:
    """Have the last order's link put, where the text speaks of paying and nothing else is under way. False: no link."""
    if turn.basket.lines or not _PAY.search(plain(turn.text)):
        return False
    by_link = [method for method, payment in turn.shelf.shop.payments.items() if payment.link]
    if not by_link:
        return False
    number = await services.current().ask_to_pay(turn.conversation_id, turn.turn_id)
    if number is None:
        return False
    names = ", ".join(texts.payment(method, turn.language) for method in by_link)
    coming = f"the link of order {number} is coming" if turn.language == "en" else f"le lien de la commande {number} arrive"
    turn.say("utter_payments", methods=f"{names}, {coming}")
    return True
