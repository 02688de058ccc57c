"""A picked choice ``name=value``; one whose question is no longer open is checked like any other."""

from __future__ import annotations

from dataclasses import replace

from actions import again, changing
from actions.absorbing import go_on, put, sold_out, too_many
from actions.adding import show_category
from actions.answers import chosen_options
from actions.questions import ask_again, ask_next, ask_product
from actions.telling import show
from actions.turns import Turn
from bot.core.cart import room_for, with_option
from bot.core.catalogue import Zone
from bot.core.checkout import delivered_to, first_open_line, open_options, reopened, under_way
from bot.core.messages import Awaiting
from bot.core.words import number


def choose(turn: Turn) -> None:
    """Do what the picked choice says."""
    name, _, value = (turn.choice or "").partition("=")
    match name:
        case "product":
            choose_product(turn, value)
        case "photo":
            _show(turn, value)
        case "category":
            show_category(turn, value)
        case "option":
            _choose_option(turn, value)
        case "commune":
            zone = next((zone for zone in turn.shelf.zones if zone.commune == value), None)
            _choose_commune(turn, zone)
        case "payment" if value in turn.shelf.shop.payments:
            turn.basket = turn.basket.changed(checkout=replace(turn.basket.checkout, payment=value))
            ask_next(turn)
        case "quantity":
            changing.set_quantity(turn, changing.spoken_of(turn), number(value))
        case "remove":
            changing.remove_line(turn, value)
        case "channel":
            turn.outcome(move_to=value)
            turn.say("utter_moving", channel=value.capitalize())
            ask_again(turn)
        case "cancel_no":
            turn.say("utter_order_kept", number=value)
            ask_again(turn)
        case "again":
            again.choose(turn, value)
        case "field":
            _reopen(turn, value)
        case _:
            turn.say("utter_choice_gone")
            ask_next(turn)


def choose_product(turn: Turn, value: str) -> None:
    """Put the product of a choice (``id:quantity:options``) into the basket, if there is enough of it."""
    parts = value.split(":")
    product = turn.products.get(parts[0])
    quantity = number(parts[1]) if len(parts) > 1 else 1
    if product is None or quantity is None:
        turn.say("utter_choice_gone")
        ask_product(turn)
    elif product.sold_out:
        sold_out(turn, product)
    elif not 1 <= quantity <= room_for(turn.basket, product):
        too_many(turn, product)
    else:
        put(turn, product, chosen_options(turn, parts), quantity)
        turn.say("utter_added", items=f"{quantity} x {product.name}")
        go_on(turn)


def _show(turn: Turn, value: str) -> None:
    product = turn.products.get(value.split(":")[0])
    if product is None:
        turn.say("utter_choice_gone")
        ask_product(turn)
    else:
        show(turn, product)


def _choose_option(turn: Turn, value: str) -> None:
    name, _, wanted = value.partition(":")
    position = first_open_line(turn.basket, turn.products)
    if position is not None:
        line = turn.basket.lines[position]
        product = turn.products[line.product_id]
        if wanted in dict(open_options(line, product)).get(name, ()):
            turn.basket = with_option(turn.basket, position, product, name, wanted)
    go_on(turn)


def _choose_commune(turn: Turn, zone: Zone | None) -> None:
    if zone is None:
        turn.say("utter_choice_gone")
    else:
        turn.basket = turn.basket.changed(checkout=delivered_to(turn.basket.checkout, zone))
    ask_next(turn)


def _reopen(turn: Turn, field: str) -> None:
    if field == "items":
        changing.show_basket_or_ask(turn)
        turn.say(
            "utter_how_to_change",
            turn.simple("remove_from_cart", "browse_catalogue", "checkout"),
            Awaiting.OTHER,
        )
    elif under_way(turn.basket, turn.pending):
        turn.basket = turn.basket.changed(checkout=reopened(turn.basket.checkout, field))
        turn.customer_name = None if field == "name" else turn.customer_name
        turn.known_phone = None if field == "phone" else turn.known_phone
        ask_next(turn)
    else:
        ask_next(turn)
