"""Putting things into the basket, changing and removing them, looking at it."""

from __future__ import annotations

from dataclasses import replace

from actions.absorbing import (
    ask_which,
    find,
    go_on,
    put,
    show_basket,
    sold_out,
    take_details,
    take_items,
    too_many,
)
from actions.answers import chosen_options
from actions.base import ShopAction
from actions.questions import ask_again, ask_next, ask_product, product_choices
from actions.turns import Turn
from bot.core.basket import BasketLine
from bot.core.cart import lines_of, room_for, with_option, with_quantity
from bot.core.catalogue import Zone
from bot.core.checkout import delivered_to, first_open_line, open_options, reopened, under_way
from bot.core.messages import Awaiting, Choice
from bot.core.words import first_number, number, tokens


class AddToCart(ShopAction):
    """Items, and all else the message tells."""

    title = "action_add_to_cart"

    async def act(self, turn: Turn) -> None:
        add(turn)


def add(turn: Turn) -> None:
    """Take the items and details of the text; say what could not be found."""
    found = find(turn)
    if not found.items:
        _add_unnamed(turn, found.rest)
        return
    absorbed = take_items(turn, found.items)
    details = take_details(turn, found.rest)
    if absorbed.asked:
        return
    if absorbed.items or details:
        go_on(turn)
    else:
        ask_again(turn)


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
            too_many(turn, product, quantity)
        else:
            put(turn, product, (), quantity)
            turn.say("utter_added", items=f"{quantity} x {product.name}")
            go_on(turn)
    elif details:
        go_on(turn)
    else:
        near = [p for p in turn.shelf.index.near(_content(rest)) if not p.sold_out]
        if near:
            turn.say("utter_not_found_near", product_choices(near), Awaiting.PRODUCT)
        else:
            turn.say("utter_not_found")
            ask_product(turn)


_ASKING = frozenset(
    {
        "je",
        "j",
        "veux",
        "voudrais",
        "prends",
        "prend",
        "prendre",
        "mets",
        "met",
        "mettre",
        "moi",
        "besoin",
        "donne",
    }
    | {"ajoute", "commande", "commander", "il", "faut", "i", "want", "need", "me", "add", "please"}
)


def _content(rest: str) -> str:
    return " ".join(token for token in tokens(rest) if token not in _ASKING and number(token) is None)


def show_category(turn: Turn, category: str) -> None:
    """The products of a category as choices with prices."""
    products = turn.shelf.index.in_category(category)
    available = [product for product in products if not product.sold_out]
    choices = product_choices(available)
    turn.say("utter_category", choices, Awaiting.PRODUCT, category=category)


class ChangeQuantity(ShopAction):
    """ "Uniwax c'est 3 finalement": the line gets that quantity; something not in the basket is added."""

    title = "action_change_quantity"

    async def act(self, turn: Turn) -> None:
        change(turn)


def change(turn: Turn) -> None:
    """Set the quantity of each line named; what is not in the basket yet is added."""
    found = find(turn)
    if not turn.basket.lines:
        add(turn)
        return
    if not found.items:
        _set_quantity(turn, _spoken_of(turn), first_number(turn.text))
        return
    changed = False
    for item in found.items:
        ids = frozenset(candidate.product.id for candidate in item.candidates)
        positions = lines_of(turn.basket, ids, item.candidates[0].options if item.product else ())
        if len(positions) == 1 and item.quantity is not None:
            changed |= _change(turn, positions[0], item.quantity)
        elif len(positions) == 1 and item.product is not None:
            turn.topic = item.product.id
            turn.say("utter_ask_quantity", awaiting=Awaiting.OTHER, item=item.product.name)
            return
        elif not positions and item.product is not None:
            changed |= take_items(turn, (item,)).items
        else:
            ask_which(turn, [item])
            return
    take_details(turn, found.rest)
    if changed:
        go_on(turn)
    else:
        ask_again(turn)


def _spoken_of(turn: Turn) -> int | None:
    """The only line, or the line of the product last spoken of, or the last line."""
    if not turn.basket.lines:
        return None
    positions = lines_of(turn.basket, frozenset({turn.topic or ""}))
    return positions[-1] if positions else len(turn.basket.lines) - 1


def _set_quantity(turn: Turn, position: int | None, quantity: int | None) -> None:
    if position is None or quantity is None:
        show_basket_or_ask(turn)
        turn.say("utter_how_to_change")
        ask_again(turn)
        return
    if _change(turn, position, quantity):
        go_on(turn)


def _change(turn: Turn, position: int, quantity: int) -> bool:
    line = turn.basket.lines[position]
    product = turn.products.get(line.product_id)
    if quantity < 0:
        turn.say("utter_quantity_impossible", item=line.name)
        return False
    if quantity == 0 or product is None:
        turn.basket = with_quantity(turn.basket, position, 0)
        turn.say("utter_removed", item=line.label)
        return True
    if quantity > room_for(turn.basket, product, but=position):
        too_many_in_line(turn, line, room_for(turn.basket, product, but=position))
        return False
    turn.basket = with_quantity(turn.basket, position, quantity)
    turn.topic = product.id
    turn.say("utter_quantity_set", item=line.label, quantity=quantity)
    return True


def too_many_in_line(turn: Turn, line: BasketLine, room: int) -> None:
    """Say how many a line may have at most; the line stays as it is."""
    turn.say("utter_line_limit", item=line.label, left=room, quantity=line.quantity)
    ask_again(turn)


class RemoveFromCart(ShopAction):
    """ "Enlève le boubou", "enlève 1", "vide le panier"."""

    title = "action_remove_from_cart"

    async def act(self, turn: Turn) -> None:
        if not turn.basket.lines:
            show_basket_or_ask(turn)
            return
        found = find(turn)
        if not found.items:
            self._unnamed(turn)
        else:
            for item in found.items:
                ids = frozenset(candidate.product.id for candidate in item.candidates)
                positions = lines_of(turn.basket, ids, item.candidates[0].options)
                if not _remove(turn, positions or lines_of(turn.basket, ids), item.quantity):
                    return
            go_on(turn)

    def _unnamed(self, turn: Turn) -> None:
        count = first_number(turn.text)
        position = _spoken_of(turn)
        if len(turn.basket.lines) == 1 or (count is not None and position is not None):
            if _remove(turn, (position,) if position is not None else (0,), count):
                go_on(turn)
            return
        _ask_remove(turn, tuple(range(len(turn.basket.lines))))


def _ask_remove(turn: Turn, positions: tuple[int, ...]) -> None:
    lines = [turn.basket.lines[position] for position in positions]
    choices = tuple(Choice(f"remove={line.product_id}:{_values(line)}", line.label) for line in lines)
    turn.say("utter_ask_remove", choices, Awaiting.OTHER)


def _values(line: BasketLine) -> str:
    return "|".join(value for _, value in line.options)


def _remove(turn: Turn, positions: tuple[int, ...], count: int | None) -> bool:
    """Take a line out, or ``count`` of its pieces when more are in it. False: it had to be asked which."""
    if not positions:
        turn.say("utter_not_in_basket")
        return True
    if len(positions) > 1:
        _ask_remove(turn, positions)
        return False
    line = turn.basket.lines[positions[0]]
    left = line.quantity - count if count is not None and 0 < count < line.quantity else 0
    turn.basket = with_quantity(turn.basket, positions[0], left)
    if left:
        turn.say("utter_quantity_set", item=line.label, quantity=left)
    else:
        turn.say("utter_removed", item=line.label)
    return True


class ViewCart(ShopAction):
    """The basket, then the open question or what can be done."""

    title = "action_view_cart"

    async def act(self, turn: Turn) -> None:
        show_basket_or_ask(turn)
        if turn.basket.lines:
            go_on(turn)


def show_basket_or_ask(turn: Turn) -> None:
    """Show the basket; an empty one leads to the products."""
    if turn.basket.lines:
        show_basket(turn)
    else:
        turn.say("utter_basket_empty")
        ask_product(turn)


class Choose(ShopAction):
    """A picked choice ``name=value``; one whose question is no longer open is checked like any other."""

    title = "action_choose"

    async def act(self, turn: Turn) -> None:
        name, _, value = (turn.choice or "").partition("=")
        match name:
            case "product":
                _choose_product(turn, value)
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
                _set_quantity(turn, _spoken_of(turn), number(value))
            case "remove":
                product_id, _, values = value.partition(":")
                same = [p for p, line in enumerate(turn.basket.lines) if line.product_id == product_id]
                _remove(turn, tuple(p for p in same if _values(turn.basket.lines[p]) == values)[:1], None)
                go_on(turn)
            case "channel":
                turn.outcome(move_to=value)
                turn.say("utter_moving", channel=value.capitalize())
                ask_again(turn)
            case "field":
                _reopen(turn, value)
            case _:
                turn.say("utter_choice_gone")
                ask_next(turn)


def _choose_product(turn: Turn, value: str) -> None:
    parts = value.split(":")
    product = turn.products.get(parts[0])
    quantity = number(parts[1]) if len(parts) > 1 else 1
    if product is None or quantity is None:
        turn.say("utter_choice_gone")
        ask_product(turn)
    elif product.sold_out:
        sold_out(turn, product)
    elif not 1 <= quantity <= room_for(turn.basket, product):
        too_many(turn, product, quantity)
    else:
        put(turn, product, chosen_options(turn, parts), quantity)
        turn.say("utter_added", items=f"{quantity} x {product.name}")
        go_on(turn)


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
        show_basket_or_ask(turn)
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
