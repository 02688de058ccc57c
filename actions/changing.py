"""Changing what is in the basket: another quantity, a line taken out."""

from __future__ import annotations

from dataclasses import replace

from actions.absorbing import ask_which, find, go_on, show_basket, take_details, take_items
from actions.adding import add
from actions.questions import ask_again, ask_product
from actions.turns import Turn
from bot.core.basket import Basket, BasketLine
from bot.core.cart import lines_of, room_for, with_option, with_quantity
from bot.core.messages import Awaiting, Choice
from bot.core.options import wanted_options
from bot.core.words import first_number, tokens


def change(turn: Turn) -> None:
    """Set the quantity of each line named; what is not in the basket yet is added."""
    found = find(turn)
    if not turn.basket.lines:
        add(turn)
        return
    if not found.items:
        set_quantity(turn, spoken_of(turn), first_number(turn.text))
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


def change_option(turn: Turn) -> None:
    """Give a line the values the text wants; without one of them ask for the option again."""
    if not turn.basket.lines:
        add(turn)
        return
    ids = frozenset(candidate.product.id for item in find(turn).items for candidate in item.candidates)
    named = lines_of(turn.basket, ids)
    position = named[0] if named else None if ids else spoken_of(turn)
    product = turn.products.get(turn.basket.lines[position].product_id) if position is not None else None
    if position is None or product is None or not product.options:
        change(turn)
        return
    turn.topic = product.id
    wanted = wanted_options(turn.text, product)
    if not wanted:
        turn.basket = _without_options(turn, position)
        go_on(turn)
        return
    line = turn.basket.lines[position]
    for option, value in wanted:
        turn.basket = with_option(turn.basket, position, product, option, value)
        position = min(position, len(turn.basket.lines) - 1)
    chosen = {**dict(line.options), **dict(wanted)}
    label = replace(line, options=tuple((o, chosen[o]) for o, _ in product.options if o in chosen)).label
    turn.say("utter_option_set", item=label)
    go_on(turn)


def _without_options(turn: Turn, position: int) -> Basket:
    """With the option that the text names left open, or all of them."""
    line = turn.basket.lines[position]
    said = tokens(turn.text)
    kept = tuple(pair for pair in line.options if pair[0] not in said)
    options = kept if len(kept) < len(line.options) else ()
    lines = [*turn.basket.lines]
    lines[position] = replace(line, options=options)
    return turn.basket.changed(lines=tuple(lines))


def spoken_of(turn: Turn) -> int | None:
    """The only line, or the line of the product last spoken of, or the last line."""
    if not turn.basket.lines:
        return None
    positions = lines_of(turn.basket, frozenset({turn.topic or ""}))
    return positions[-1] if positions else len(turn.basket.lines) - 1


def set_quantity(turn: Turn, position: int | None, quantity: int | None) -> None:
    """Give a line this quantity; without one of them say how to ask for it."""
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
        _too_many_in_line(turn, line, room_for(turn.basket, product, but=position))
        return False
    turn.basket = with_quantity(turn.basket, position, quantity)
    turn.topic = product.id
    turn.say("utter_quantity_set", item=line.label, quantity=quantity)
    return True


def _too_many_in_line(turn: Turn, line: BasketLine, room: int) -> None:
    """Say how many a line may have at most; the line stays as it is."""
    turn.say("utter_line_limit", item=line.label, left=room, quantity=line.quantity)
    ask_again(turn)


def show_basket_or_ask(turn: Turn) -> None:
    """Show the basket; an empty one leads to the products."""
    if turn.basket.lines:
        show_basket(turn)
    else:
        turn.say("utter_basket_empty")
        ask_product(turn)


def remove(turn: Turn) -> None:
    """Take out what the text names; "enlève 1" is about the line last spoken of."""
    if not turn.basket.lines:
        show_basket_or_ask(turn)
        return
    found = find(turn)
    if not found.items:
        _remove_unnamed(turn)
    else:
        for item in found.items:
            ids = frozenset(candidate.product.id for candidate in item.candidates)
            positions = lines_of(turn.basket, ids, item.candidates[0].options)
            if not _remove(turn, positions or lines_of(turn.basket, ids), item.quantity):
                return
        go_on(turn)


def _remove_unnamed(turn: Turn) -> None:
    count = first_number(turn.text)
    position = spoken_of(turn)
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


def remove_line(turn: Turn, value: str) -> None:
    """Take out the line of a picked choice (``product:M|noir``)."""
    product_id, _, values = value.partition(":")
    same = [p for p, line in enumerate(turn.basket.lines) if line.product_id == product_id]
    _remove(turn, tuple(p for p in same if _values(turn.basket.lines[p]) == values)[:1], None)
    go_on(turn)
