"""Putting what a message asks for into the basket, or saying why not."""

from __future__ import annotations

from actions.absorbing import find, go_on, put, sold_out, take_details, take_items, too_many
from actions.questions import ask_again, ask_product, product_choices
from actions.turns import Turn
from bot.core.cart import room_for
from bot.core.catalogue import match_commune
from bot.core.matching import Found
from bot.core.messages import Awaiting
from bot.core.words import content, first_number

MAX_QUOTED = 60
"""Characters of a shopper's words that we repeat."""


def add(turn: Turn) -> None:
    """Take the items and details of the text; say what could not be found."""
    found = find(turn)
    if not found.items:
        _add_unnamed(turn, found.rest)
        return
    absorbed = take_items(turn, found.items)
    _tell_unknown(turn, found)
    details = take_details(turn, found.rest)
    if absorbed.asked:
        return
    if absorbed.items or details:
        go_on(turn)
    else:
        ask_again(turn)


def _tell_unknown(turn: Turn, found: Found) -> None:
    """Name what was asked for beside the rest and is not sold here, so that nothing is lost in silence."""
    unknown = [phrase for phrase in found.unknown if match_commune(phrase, turn.shelf.zones) is None]
    if unknown:
        turn.say("utter_unknown_items", phrases=", ".join(unknown)[:MAX_QUOTED])


def _add_unnamed(turn: Turn, rest: str) -> None:
    """No product named: "mets-en deux" is about the last one; else what is near, else the categories."""
    details = take_details(turn, rest)
    category = turn.shelf.index.category_named(turn.text)
    product = turn.products.get(turn.topic or "")
    quantity = first_number(turn.text)
    if category is not None:
        show_category(turn, category)
    elif product is not None and quantity is not None and not details:
        if product.sold_out:
            sold_out(turn, product)
        elif quantity < 1:
            turn.say("utter_quantity_impossible", item=product.name)
        elif quantity > room_for(turn.basket, product):
            too_many(turn, product)
        else:
            put(turn, product, (), quantity)
            turn.say("utter_added", items=f"{quantity} x {product.name}")
            go_on(turn)
    elif details:
        go_on(turn)
    else:
        not_found(turn, rest)


def not_found(turn: Turn, text: str) -> None:
    """No product is called so: offer what is near, else all there is."""
    near = [product for product in turn.shelf.index.near(content(text)) if not product.sold_out]
    if near:
        turn.say("utter_not_found")
        turn.say("utter_near", product_choices(near), Awaiting.PRODUCT)
        return
    if content(text):
        turn.say("utter_not_found")
    ask_product(turn)


def show_category(turn: Turn, category: str) -> None:
    """The products of a category as choices with prices."""
    products = turn.shelf.index.in_category(category)
    available = [product for product in products if not product.sold_out]
    choices = product_choices(available)
    turn.say("utter_category", choices, Awaiting.PRODUCT, category=category)
