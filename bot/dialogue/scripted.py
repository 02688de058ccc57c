"""A small deterministic ``Dialogue`` for flow tests and simulations: orders by keyword, no Rasa, no ledger of its own.

It keeps the real one's promises: the same turn id gets the same answer, the basket comes back whole with version + 1,
and only a confirmation of exactly the basket that was asked about places an order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.core.addresses import ChannelName
from bot.core.basket import Basket
from bot.core.cart import added, with_option
from bot.core.catalogue import Product, Zone, index, match_commune
from bot.core.checkout import (
    delivered_to,
    missing,
    prefilled,
    read_landmark,
    read_name,
    read_option,
    read_payment,
    read_phone,
)
from bot.core.matching import find_items
from bot.core.messages import Awaiting, Choice, Purpose, Reply
from bot.core.money import francs
from bot.core.orders import OrderRequest, Placed
from bot.core.words import fold
from bot.ports import Answer, Orders, Turn

PAYMENTS = ("cash", "wave", "orange_money", "mtn_momo", "moov_money")
_YES = frozenset({"oui", "ok", "d'accord", "confirmer", "yes"})


class ScriptedDialogue:
    """Understands items, a commune, "commander", "oui", "non", "annule", "telegram"; anything else is answered with a question."""

    def __init__(self, products: Sequence[Product], zones: Sequence[Zone], orders: Orders) -> None:
        self._index = index(products)
        self._zones = tuple(zones)
        self._orders = orders
        self._answers: dict[tuple[str, str], Answer] = {}

    async def ask(self, turn: Turn) -> Answer:
        """Answer a turn; a repeated turn id gets the first answer again."""
        key = (turn.conversation_id, turn.turn_id)
        if key not in self._answers:
            self._answers[key] = await self._answer(turn)
        return self._answers[key]

    async def _answer(self, turn: Turn) -> Answer:
        word = turn.choice or fold(turn.text).strip(" .!")
        if word in ("talk_to_human", "parler a quelqu'un"):
            return Answer((Reply("Une personne va vous répondre ici."),), turn.basket, hand_over=True)
        if word in ("telegram", "je prefere telegram"):
            return Answer((), turn.basket, move_to=ChannelName.TELEGRAM)
        basket = Basket("", 0) if turn.basket.closed else turn.basket
        if word in ("annule", "cancel_order") and basket.lines:
            closed = replace(turn.basket, version=turn.basket.version + 1, closed=True)
            return Answer((Reply("C'est annulé."),), closed)
        confirms = turn.choice == "confirm" or word in _YES
        if confirms and turn.awaiting is Awaiting.CONFIRMATION and turn.asked_version == turn.basket.version:
            return await self._place(turn)
        changed = self._understood(turn, basket, word)
        if (changed.lines, changed.checkout) == (basket.lines, basket.checkout):
            changed = turn.basket
        else:
            changed = replace(changed, version=1 if turn.basket.closed else turn.basket.version + 1)
        name = changed.checkout.name if changed.checkout.name != turn.basket.checkout.name else None
        return Answer((self._question(changed, word == "commander" or word == "checkout"),), changed, name)

    async def _place(self, turn: Turn) -> Answer:
        request = OrderRequest(
            turn.shop_id, turn.conversation_id, turn.customer_id, turn.channel, turn.basket, turn.turn_id
        )
        placed = await self._orders.place(request)
        if not isinstance(placed, Placed):
            return Answer((Reply(f"Pas possible : {type(placed).__name__}."),), turn.basket)
        said = f"Commande {placed.number} confirmée. Total : {francs(placed.total_xof)}."
        closed = replace(turn.basket, version=turn.basket.version + 1, closed=True)
        return Answer((Reply(said, Purpose.ORDER_CONFIRMATION),), closed, order_id=placed.order_id)

    def _understood(self, turn: Turn, basket: Basket, word: str) -> Basket:
        """The basket with what the turn told."""
        name, _, value = word.partition("=")
        text = value if value else turn.text
        checkout = basket.checkout
        match turn.awaiting:
            case Awaiting.OPTION if basket.lines:
                return self._with_options(basket, text.partition(":")[2] or text)
            case Awaiting.LANDMARK:
                return basket.changed(checkout=replace(checkout, landmark=read_landmark(text)))
            case Awaiting.NAME:
                return basket.changed(checkout=replace(checkout, name=read_name(text)))
            case Awaiting.PHONE:
                return basket.changed(checkout=replace(checkout, phone=read_phone(text)))
            case Awaiting.PAYMENT:
                paid = value if name == "payment" else read_payment(text, PAYMENTS, asked=True)
                return basket.changed(checkout=replace(checkout, payment=paid))
            case _:
                return self._with_items(prefilled(basket, turn.customer_name, turn.known_phone), text)

    def _with_options(self, basket: Basket, text: str) -> Basket:
        """One option of every line that lacks it; lines that become equal are joined."""
        for position in reversed(range(len(basket.lines))):
            product = self._index.products[basket.lines[position].product_id]
            for option, values in product.options:
                read = read_option(text, values)
                if read is not None and option not in dict(basket.lines[position].options):
                    basket = with_option(basket, position, product, option, read)
                    break
        return basket

    def _with_items(self, basket: Basket, text: str) -> Basket:
        found = find_items(text, self._index)
        for item in found.items:
            if item.product is not None and not item.product.sold_out:
                basket = added(basket, item.product, item.candidates[0].options, max(1, item.quantity or 1))
        zone = match_commune(found.rest, self._zones)
        if zone is not None:
            basket = basket.changed(checkout=delivered_to(basket.checkout, zone))
        payment = read_payment(found.rest, PAYMENTS, asked=False)
        if payment is not None:
            basket = basket.changed(checkout=replace(basket.checkout, payment=payment))
        return basket

    def _question(self, basket: Basket, checkout: bool) -> Reply:
        """The next question; an empty or fresh basket is asked about before the checkout."""
        step = missing(basket, self._index.products)
        told = any((basket.checkout.commune, basket.checkout.payment))
        if step is Awaiting.COMMUNE and not checkout and not told:
            choices: tuple[Choice, ...] = (Choice("checkout", "Commander"),)
            said = f"Total des articles : {francs(basket.items_total_xof)}. Autre chose ?"
            return Reply(said, Purpose.QUESTION, choices, Awaiting.OTHER)
        match step:
            case None:
                lines = "\n".join(f"{line.quantity} x {line.label}" for line in basket.lines)
                choices = (Choice("confirm", "Confirmer"), Choice("cancel_order", "Annuler"))
                said = f"{lines}\nTotal : {francs(basket.total_xof)}\nJe confirme ?"
                return Reply(said, Purpose.QUESTION, choices, Awaiting.CONFIRMATION)
            case Awaiting.PAYMENT:
                choices = tuple(Choice(f"payment={method}", method) for method in PAYMENTS)
                return Reply("Comment voulez-vous payer ?", Purpose.QUESTION, choices, step)
            case Awaiting.COMMUNE:
                choices = tuple(Choice(f"commune={zone.commune}", zone.commune) for zone in self._zones[:10])
                return Reply("Dans quelle commune ?", Purpose.QUESTION, choices, step)
            case _:
                return Reply(_WORDS[step], Purpose.QUESTION, (), step)


_WORDS = {
    Awaiting.PRODUCT: "Que voulez-vous ?",
    Awaiting.OPTION: "Quelle taille ou couleur ?",
    Awaiting.LANDMARK: "Quel est le repère pour le livreur ?",
    Awaiting.NAME: "À quel nom ?",
    Awaiting.PHONE: "Quel numéro le livreur peut-il appeler ?",
}
