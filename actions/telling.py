"""Telling about products and delivery. Asking changes nothing in the basket."""

from __future__ import annotations

from actions import texts
from actions.absorbing import find, sold_out, take_details
from actions.adding import show_category
from actions.questions import ask_again, ask_next, item_choices, product_choices
from actions.turns import Turn
from bot.core.catalogue import Product, match_commune
from bot.core.checkout import under_way
from bot.core.matching import Item
from bot.core.messages import Awaiting, Choice
from bot.core.money import francs
from bot.core.words import asks, asks_picture

MOST_PICTURES = 3
"""In one turn: each is a message of its own where it has no room beside another."""


def tell_named(turn: Turn) -> bool:
    """Tell of the products a text names, or show its category; False when it names neither."""
    items = find(turn).items
    category = turn.shelf.index.category_named(turn.text)
    spoken_of = turn.products.get(turn.topic or "")
    if category is not None and not any(item.product for item in items) and not _which_picture(turn, items):
        show_category(turn, category)
    elif items:
        tell_items(turn, items)
    elif asks_picture(turn.text) and spoken_of is not None:
        show(turn, spoken_of)
    else:
        return False
    return True


def tell_items(turn: Turn, items: tuple[Item, ...]) -> None:
    """Price and stock of each item asked about, then an offer to take it or the question that was pending."""
    sure: list[tuple[Product, int | None]] = []
    for item in items:
        if item.product is None:
            choices = item_choices(item, "photo" if asks_picture(turn.text) else "product")
            turn.say("utter_which_of", choices, Awaiting.PRODUCT, phrase=item.phrase)
            return
        if item.product.sold_out:
            sold_out(turn, item.product)
            return
        sure.append((item.product, item.quantity))
    asked = asks_picture(turn.text)
    pictured = MOST_PICTURES if asked else int(turn.intent == "browse_catalogue" and len(sure) == 1)
    for position, (product, quantity) in enumerate(sure):
        if asked and not product.photo:
            turn.say("utter_no_picture", item=product.name)
        tell_product(turn, product, quantity, pictured=position < pictured)
    _offer(turn, tuple(choice for item in items for choice in item_choices(item)))


def show(turn: Turn, product: Product) -> None:
    """The picture of one product, if there is one, with its price and the offer to take it."""
    if product.sold_out:
        sold_out(turn, product)
        return
    if not product.photo:
        turn.say("utter_no_picture", item=product.name)
    tell_product(turn, product, None, pictured=True)
    _offer(turn, product_choices([product]))


def _which_picture(turn: Turn, items: tuple[Item, ...]) -> bool:
    """ "Photo du sac": one of several, not the list of all."""
    return len(items) == 1 and asks_picture(turn.text) and any(c.product.photo for c in items[0].candidates)


def _offer(turn: Turn, choices: tuple[Choice, ...]) -> None:
    if len(choices) == 1:
        # Its name and price have just been said.
        take = Choice(choices[0].value, texts.title("product", turn.language))
        choices = (take, *turn.simple("browse_catalogue"))
    if turn.pending is None or turn.pending in (Awaiting.OTHER, Awaiting.PRODUCT):
        turn.say("utter_offer", choices, Awaiting.PRODUCT)
    else:
        ask_again(turn)


def tell_product(turn: Turn, product: Product, quantity: int | None, *, pictured: bool = False) -> None:
    """A product's price and options; for several pieces what they make together. ``pictured``: with its picture."""
    turn.topic = product.id
    image = product.photo if pictured else ""
    options = "; ".join(f"{name} : {', '.join(values)}" for name, values in product.options)
    if quantity is not None and quantity > 1:
        turn.say(
            "utter_price_of_several",
            item=product.name,
            price=francs(product.price_xof),
            quantity=min(quantity, 999),
            total=francs(min(quantity, 999) * product.price_xof),
            image=image,
        )
    elif options:
        price = francs(product.price_xof)
        turn.say("utter_price_options", item=product.name, price=price, options=options, image=image)
    else:
        turn.say("utter_price", item=product.name, price=francs(product.price_xof), image=image)


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
