"""Take from a message all it tells: items, commune, phone, payment. Several answers in one message are all kept."""

from __future__ import annotations

from dataclasses import dataclass, replace

from actions import texts
from actions.questions import ask_next, ask_product, item_choices, lines_text, product_choices
from actions.turns import Turn
from bot.core.basket import MAX_QUANTITY, Options
from bot.core.cart import added, room_for
from bot.core.catalogue import Product, match_commune
from bot.core.checkout import (
    delivered_to,
    first_open_line,
    read_payment,
    read_phone,
    under_way,
    unpaid_by,
    without_phone,
)
from bot.core.matching import Found, Item, find_items
from bot.core.messages import Awaiting
from bot.core.money import francs


@dataclass(slots=True)
class Absorbed:
    """What one message changed. ``asked``: a question about it was put, so no other may follow."""

    items: bool = False
    details: bool = False
    asked: bool = False


def find(turn: Turn, text: str | None = None) -> Found:
    """The items of the turn's text; phone numbers are no quantities."""
    return find_items(without_phone(turn.text if text is None else text), turn.shelf.index)


def take_details(turn: Turn, rest: str, asked: Awaiting | None = None) -> bool:
    """Keep the commune, phone and payment that a text names. True: something is new. ``rest``: without its items."""
    known = turn.basket.checkout
    zone = match_commune(without_phone(rest), turn.shelf.zones, asked is Awaiting.COMMUNE)
    if zone is not None and zone.commune != known.commune:
        turn.basket = turn.basket.changed(checkout=delivered_to(turn.basket.checkout, zone))
        turn.say("utter_commune_noted", commune=zone.commune, fee=francs(zone.fee_xof), eta=zone.eta_text)
    phone = read_phone(turn.text)
    if phone is not None:
        turn.basket = turn.basket.changed(checkout=replace(turn.basket.checkout, phone=phone))
    method = read_payment(rest, tuple(turn.shelf.shop.payments), asked is Awaiting.PAYMENT)
    if method is not None:
        turn.basket = turn.basket.changed(checkout=replace(turn.basket.checkout, payment=method))
    elif unpaid_by(rest, tuple(turn.shelf.shop.payments)):
        methods = ", ".join(texts.payment(name, turn.language) for name in turn.shelf.shop.payments)
        turn.say("utter_payment_not_taken", methods=methods)
    return turn.basket.checkout != known


def take_items(turn: Turn, items: tuple[Item, ...]) -> Absorbed:
    """Put items into the basket. A doubtful, sold-out or impossible one is told or asked."""
    absorbed = Absorbed()
    noted: list[str] = []
    doubtful: list[Item] = []
    gone: list[Product] = []
    refused: list[Product] = []
    for item in items:
        quantity = 1 if item.quantity is None else item.quantity
        product = item.product
        if product is None:
            doubtful.append(item)
        elif product.sold_out:
            gone.append(product)
        elif quantity < 1:
            turn.say("utter_quantity_impossible", item=product.name)
        elif quantity > room_for(turn.basket, product):
            refused.append(product)
        else:
            put(turn, product, item.candidates[0].options, quantity)
            noted.append(_label(product, item.candidates[0].options, quantity))
            absorbed.items = True
    if noted:
        turn.say("utter_added", items=", ".join(noted))
    for product in gone:
        sold_out(turn, product)
        absorbed.asked = True
    for product in refused:
        too_many(turn, product)
        absorbed.asked = True
    if doubtful:
        ask_which(turn, doubtful)
        absorbed.asked = True
    return absorbed


def put(turn: Turn, product: Product, options: Options, quantity: int) -> None:
    """Add so many pieces; the product becomes what "mets-en 2" is about."""
    turn.basket = added(turn.basket, product, options, quantity)
    turn.topic = product.id


def _label(product: Product, options: Options, quantity: int) -> str:
    values = ", ".join(value for _, value in options)
    return f"{quantity} x {product.name}" + (f" ({values})" if values else "")


def sold_out(turn: Turn, product: Product) -> None:
    """Say so, and offer what is near: the same kind of thing first."""
    index = turn.shelf.index
    near = [*index.in_category(product.category), *index.near(product.name)]
    offered = list(dict.fromkeys(other for other in near if not other.sold_out))[:4]
    turn.say("utter_sold_out", item=product.name)
    if offered:
        turn.say("utter_instead", product_choices(offered), Awaiting.PRODUCT)


def too_many(turn: Turn, product: Product) -> None:
    """Say how many are left, and offer that many."""
    room = room_for(turn.basket, product)
    turn.topic = product.id
    if room == 0:
        turn.say("utter_no_more", item=product.name)
        return
    if room >= MAX_QUANTITY:
        turn.say("utter_quantity_too_large", item=product.name, most=MAX_QUANTITY)
        return
    choices = product_choices((product,), room)
    turn.say("utter_only_left", item=product.name, left=room)
    turn.say("utter_take_left", choices, Awaiting.PRODUCT, left=room)


def ask_which(turn: Turn, doubtful: list[Item]) -> None:
    """Put the first doubtful name as a choice; the others are named, so that none is lost in silence."""
    item = doubtful[0]
    choices = item_choices(item)
    if not choices:
        sold_out(turn, item.candidates[0].product)
        return
    turn.say("utter_which_of", choices, Awaiting.PRODUCT, phrase=item.phrase)
    if len(doubtful) > 1:
        turn.say("utter_later", phrases=", ".join(other.phrase for other in doubtful[1:]))


def go_on(turn: Turn, told: bool = False) -> None:
    """After something was noted: an open option, the checkout's next question, or "anything else?".

    ``told``: the total was just said.
    """
    if first_open_line(turn.basket, turn.products) is not None or under_way(turn.basket, turn.pending):
        ask_next(turn)
    elif turn.basket.lines:
        if not told:
            turn.say("utter_items_total", total=francs(turn.basket.items_total_xof))
        turn.say("utter_what_next", turn.simple("checkout", "browse_catalogue", "view_cart"), Awaiting.OTHER)
    else:
        ask_product(turn)


def show_basket(turn: Turn) -> None:
    """The basket with its total."""
    turn.say("utter_basket", lines=lines_text(turn), total=francs(turn.basket.items_total_xof))
