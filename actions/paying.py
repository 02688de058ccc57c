"""A shopper who wants to pay an order: the payment link is put again. Making it is not an action's work."""

from __future__ import annotations

import re

from actions import services
from actions.turns import Turn
from bot.core.wording import plain

_PAY = re.compile(r"\b(pay|paie|paye|payer|paiement|payment|regler)\b")


async def offer_link(turn: Turn) -> bool:
    """Have the last order's link put, where the text speaks of paying and nothing else is under way. False: no link."""
    if turn.basket.lines or not _PAY.search(plain(turn.text)):
        return False
    if not any(payment.link for payment in turn.shelf.shop.payments.values()):
        return False
    number = await services.current().ask_to_pay(turn.conversation_id, turn.turn_id)
    if number is None:
        return False
    said = f"by the link of order {number}, coming now" if turn.language == "en" else f"le lien de la commande {number} arrive"
    turn.say("utter_payments", methods=said)
    return True
