"""An answer typed to the pending question, before any intent is considered: an address is not a greeting."""

from __future__ import annotations

from dataclasses import replace

from actions.absorbing import find, go_on, put, take_details, take_items, too_many
from actions.fallbacks import not_understood
from actions.questions import ask_commune, ask_next
from actions.telling import show
from actions.turns import Turn
from bot.core.basket import Checkout, Options
from bot.core.cart import room_for, with_option
from bot.core.catalogue import Product, index, without_brackets
from bot.core.checkout import (
    first_open_line,
    open_options,
    read_landmark,
    read_name,
    read_option,
    read_phone,
    without_phone,
)
from bot.core.matching import find_items
from bot.core.messages import Awaiting
from bot.core.words import STOP, content, first_number, stem, tokens

INTERRUPTS = frozenset(
    {
        "ask_price",
        "ask_availability",
        "ask_delivery",
        "ask_hours",
        "ask_location",
        "ask_payment",
        "ask_order_status",
        "browse_catalogue",
        "bot_challenge",
        "cancel_order",
        "change_channel",
        "complaint",
        "help",
        "modify_order",
        "negotiate",
        "opt_out",
        "remove_from_cart",
        "change_option",
        "change_quantity",
        "payment_sent",
        "opt_in",
        "reorder",
        "talk_to_human",
        "view_cart",
    }
)
"""Intents that speak of something else than the question, even while free text is awaited."""
_POLITE = frozenset({"greet", "thanks", "confirm", "deny", "checkout", "goodbye"})
_CLEAR = 0.45
"""Confidence from which an interrupting intent is believed while free text is awaited."""
_MANY_WORDS = 4


def take_answer(turn: Turn) -> bool:
    """Read the text as the answer to the pending question. False: it is none, the intent decides."""
    if turn.choice is not None or turn.pending is None or not turn.text.strip():
        return False
    interrupts = turn.intent in INTERRUPTS and turn.confidence >= _CLEAR
    match turn.pending:
        case Awaiting.OPTION:
            return not interrupts and _option(turn)
        case Awaiting.PRODUCT:
            return not interrupts and _product(turn)
        case Awaiting.QUANTITY:
            return not interrupts and _quantity(turn)
        case Awaiting.COMMUNE:
            return not interrupts and _commune(turn)
        case Awaiting.PHONE:
            return not interrupts and _phone(turn)
        case Awaiting.PAYMENT:
            return not interrupts and _payment(turn)
        case Awaiting.LANDMARK:
            return not interrupts and _landmark(turn)
        case Awaiting.NAME:
            return not interrupts and _name(turn)
        case _:
            return False


def _orders(turn: Turn) -> bool:
    """Does the text ask for products rather than answer?"""
    return turn.intent == "add_to_cart" and any(item.product for item in find(turn).items)


def _polite(turn: Turn) -> bool:
    """A short "bonjour", "merci", "oui": said in passing, never a name or an address."""
    return turn.intent in _POLITE and turn.confidence >= _CLEAR and len(turn.text.split()) < _MANY_WORDS


def _set(turn: Turn, checkout: Checkout) -> None:
    turn.basket = turn.basket.changed(checkout=checkout)


def _option(turn: Turn) -> bool:
    position = first_open_line(turn.basket, turn.products)
    if position is None:
        return False
    line = turn.basket.lines[position]
    product = turn.products[line.product_id]
    others = [item for item in find(turn).items if item.product is not None and item.product.id != product.id]
    taken = False
    for name, values in open_options(line, product):
        value = read_option(turn.text, values)
        if value is not None:
            turn.basket = with_option(turn.basket, position, product, name, value)
            taken = True
            if first_open_line(turn.basket, turn.products) != position:
                break
    if not taken:
        return False
    if others:
        take_items(turn, tuple(others))
    go_on(turn)
    return True


def _product(turn: Turn) -> bool:
    if any(value.startswith("photo=") for value in turn.offered):
        return _picture(turn)
    offered = [value.split("=", 1)[1].split(":") for value in turn.offered if value.startswith("product=")]
    candidates = index(turn.products[parts[0]] for parts in offered if parts[0] in turn.products)
    meant = {item.product.id for item in find(turn).items if item.product is not None}
    if meant - set(candidates.products):
        return False
    items = find_items(turn.text, candidates).items
    options: Options = ()
    if len(items) == 1 and len(find(turn).items) <= 1 and items[0].product is not None:
        product, said = items[0].product, items[0].quantity
        options = items[0].candidates[0].options
    elif not items:
        tail = _by_tail(turn.text, tuple(candidates.products.values()))
        if tail is None:
            return False
        product, said = tail, first_number(turn.text)
    else:
        return False
    parts = next(parts for parts in offered if parts[0] == product.id)
    quantity = said if said is not None else int(parts[1]) if len(parts) > 1 else 1
    if not 1 <= quantity <= room_for(turn.basket, product):
        return False
    named = options or chosen_options(turn, parts)
    put(turn, product, named, quantity)
    take_details(turn, find(turn).rest)
    turn.say("utter_added", items=f"{quantity} x {product.name}")
    go_on(turn)
    return True


def _picture(turn: Turn) -> bool:
    """Which one's picture was asked; a name alone says which. More words ("je prends le sac pagne") mean something else."""
    offered = [value.removeprefix("photo=").split(":")[0] for value in turn.offered]
    candidates = tuple(turn.products[each] for each in offered if each in turn.products)
    found = find(turn)
    product, more = _by_tail(turn.text, candidates), ""
    if found.items:
        product, more = found.items[0].product, content(found.rest)
    if product not in candidates or len(found.items) > 1 or first_number(turn.text) is not None or more:
        return False
    show(turn, product)
    return True


def _by_tail(text: str, products: tuple[Product, ...]) -> Product | None:
    """The one product that a word after its head names: "la courte", "celui pour homme"."""
    words = {stem(word) for word in tokens(text) if len(word) > 2 and word not in STOP}
    named = [p for p in products if words & {stem(word) for word in tokens(without_brackets(p.name))[1:]}]
    return named[0] if len(named) == 1 else None


def chosen_options(turn: Turn, parts: list[str]) -> Options:
    """Options carried in a product choice's value (``id:quantity:M|noir``)."""
    product = turn.products.get(parts[0])
    values = parts[2].split("|") if len(parts) > 2 else []
    if product is None:
        return ()
    return tuple((name, value) for name, allowed in product.options for value in values if value in allowed)


def _quantity(turn: Turn) -> bool:
    quantity = first_number(turn.text)
    product = turn.products.get(turn.topic or "")
    if quantity is None or product is None:
        return False
    if quantity < 1:
        turn.say("utter_quantity_impossible", item=product.name)
    elif quantity > room_for(turn.basket, product):
        too_many(turn, product)
    else:
        put(turn, product, (), quantity)
        turn.say("utter_added", items=f"{quantity} x {product.name}")
        go_on(turn)
    return True


def _commune(turn: Turn) -> bool:
    found = find(turn)
    before = turn.basket.checkout.commune
    if not take_details(turn, found.rest, Awaiting.COMMUNE) or turn.basket.checkout.commune == before:
        if _orders(turn) or _polite(turn) or turn.basket.checkout.commune is not None or turn.changed:
            return False
        if turn.intent not in ("give_commune", "give_address", "nlu_fallback", "give_name", "out_of_scope"):
            return False
        if turn.misunderstood >= 2:
            not_understood(turn)
            return True
        turn.say("utter_commune_unknown", communes=", ".join(zone.commune for zone in turn.shelf.zones))
        turn.understood = False
        ask_commune(turn)
        return True
    take_items(turn, tuple(item for item in found.items if item.product is not None))
    ask_next(turn)
    return True


def _phone(turn: Turn) -> bool:
    phone = read_phone(turn.text)
    if phone is None:
        if sum(character.isdigit() for character in turn.text) < 6:
            return False
        if turn.misunderstood >= 2:
            not_understood(turn)
            return True
        turn.say("utter_phone_unreadable")
        turn.understood = False
        ask_next(turn)
        return True
    take_details(turn, without_phone(turn.text))
    ask_next(turn)
    return True


def _payment(turn: Turn) -> bool:
    take_details(turn, turn.text, Awaiting.PAYMENT)
    if turn.basket.checkout.payment is None and not turn.changed:
        return False
    ask_next(turn)
    return True


def _landmark(turn: Turn) -> bool:
    if _orders(turn) or _polite(turn):
        return False
    landmark = read_landmark(turn.text)
    if landmark is None:
        return False
    _set(turn, replace(turn.basket.checkout, landmark=landmark))
    phone = read_phone(turn.text)
    if phone is not None:
        _set(turn, replace(turn.basket.checkout, phone=phone))
    ask_next(turn)
    return True


def _name(turn: Turn) -> bool:
    if _orders(turn) or _polite(turn):
        return False
    phone = read_phone(turn.text)
    name = read_name(without_phone(turn.text))
    if name is None:
        return False
    _set(turn, replace(turn.basket.checkout, name=name, phone=phone or turn.basket.checkout.phone))
    turn.outcome(customer_name=name)
    ask_next(turn)
    return True
