"""Telling about products and delivery. Asking changes nothing in the basket."""

from __future__ import annotations

from actions.absorbing import find, sold_out, take_details
from actions.adding import show_category
from actions.questions import ask_again, ask_next, item_choices
from actions.turns import Turn
from bot.core.catalogue import Product, match_commune
from bot.core.checkout import under_way
from bot.core.matching import Item
from bot.core.messages import Awaiting
from bot.core.money import francs
from bot.core.words import asks


def tell_named(turn: Turn) -> bool:
    """Tell of the products a text names, or show its category; False when it names neither."""
    items = find(turn).items
    category = turn.shelf.index.category_named(turn.text)
    if category is not None and not any(item.product for item in items):
        show_category(turn, category)
    elif items:
        tell_items(turn, items)
    else:
        return False
    return True


def tell_items(turn: Turn, items: tuple[Item, ...]) -> None:
    """Price and stock of each item asked about, then an offer to take it or the question that was pending."""
    sure: list[tuple[Product, int | None]] = []
    for item in items:
        if item.product is None:
            turn.say("utter_which_of", item_choices(item), Awaiting.PRODUCT, phrase=item.phrase)
            return
        if item.product.sold_out:
            sold_out(turn, item.product)
            return
        sure.append((item.product, item.quantity))
    for product, quantity in sure:
        tell_product(turn, product, quantity)
    if turn.pending is None or turn.pending in (Awaiting.OTHER, Awaiting.PRODUCT):
        choices = tuple(choice for item in items for choice in item_choices(item))
        turn.say("utter_offer", choices, Awaiting.PRODUCT)
    else:
        ask_again(turn)


def tell_product(turn: Turn, product: Product, quantity: int | None) -> None:
    """A product's price and options; for several pieces what they make together."""
    turn.topic = product.id
    options = "; ".join(f"{name} : {', '.join(values)}" for name, values in product.options)
    if quantity is not None and quantity > 1:
        turn.say(
            "utter_price_of_several",
            item=product.name,
            price=francs(product.price_xof),
            quantity=min(quantity, 999),
            total=francs(min(quantity, 999) * product.price_xof),
        )
    elif options:
        turn.say("utter_price_options", item=product.name, price=francs(product.price_xof), options=options)
    else:
        turn.say("utter_price", item=product.name, price=francs(product.price_xof))


def tell_delivery(turn: Turn) -> None:
    """Fee and time for the commune named, else for all; "livrez plutôt à Cocody" in a checkout is no question."""
    zone = match_commune(turn.text, turn.shelf.zones)
    if zone is not None and under_way(turn.basket, turn.pending) and not asks(turn.text):
        take_details(turn, turn.text)
        ask_next(turn)
        return
    if zone is not None:
        turn.say("utter_delivery", commune=zone.commune, fee=francs(zone.fee_xof), eta=zone.eta_text)
    else:
        fees = ", ".join(f"{z.commune} {francs(z.fee_xof)}" for z in turn.shelf.zones)
        turn.say("utter_delivery_all", fees=fees)
    ask_again(turn)
