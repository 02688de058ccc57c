"""Changing what is in a basket: add, set, remove, choose an option. Every change is a new version or the same basket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.core.basket import MAX_QUANTITY, Basket, BasketLine, Options
from bot.core.catalogue import Product


def room_for(basket: Basket, product: Product, but: int | None = None) -> int:
    """How many more pieces may be added: what is in stock less what is in the basket (except line ``but``)."""
    taken = sum(
        line.quantity
        for position, line in enumerate(basket.lines)
        if line.product_id == product.id and position != but
    )
    stock = MAX_QUANTITY if product.stock is None else min(product.stock, MAX_QUANTITY)
    return max(0, stock - taken)


def added(basket: Basket, product: Product, options: Options, quantity: int) -> Basket:
    """With so many more pieces; equal product and options share a line. ``quantity`` must fit ``room_for``."""
    for position, line in enumerate(basket.lines):
        if line.product_id == product.id and line.options == options:
            return with_quantity(basket, position, line.quantity + quantity)
    line = BasketLine(product.id, product.name, options, quantity, product.price_xof)
    return basket.changed(lines=(*basket.lines, line))


def with_quantity(basket: Basket, position: int, quantity: int) -> Basket:
    """With another quantity in a line; 0 or less removes it."""
    lines = list(basket.lines)
    if quantity <= 0:
        del lines[position]
    else:
        lines[position] = replace(lines[position], quantity=quantity)
    return basket.changed(lines=tuple(lines))


def with_option(basket: Basket, position: int, product: Product, name: str, value: str) -> Basket:
    """With an option chosen in a line; lines that become equal are joined."""
    line = basket.lines[position]
    chosen = {**dict(line.options), name: value}
    options = tuple((option, chosen[option]) for option, _ in product.options if option in chosen)
    lines = list(basket.lines)
    del lines[position]
    for other, twin in enumerate(lines):
        if twin.product_id == line.product_id and twin.options == options:
            lines[other] = replace(twin, quantity=min(MAX_QUANTITY, twin.quantity + line.quantity))
            return basket.changed(lines=tuple(lines))
    lines.insert(position, replace(line, options=options))
    return basket.changed(lines=tuple(lines))


def lines_of(basket: Basket, product_ids: frozenset[str], options: Options = ()) -> tuple[int, ...]:
    """Positions of the lines with one of these products and all of these options."""
    return tuple(
        position
        for position, line in enumerate(basket.lines)
        if line.product_id in product_ids and set(options) <= set(line.options)
    )


def repriced(basket: Basket, products: Mapping[str, Product]) -> Basket:
    """With today's names and prices; lines of products that are no longer sold fall out. Same basket if none."""
    lines = tuple(
        replace(line, unit_price_xof=products[line.product_id].price_xof, name=products[line.product_id].name)
        for line in basket.lines
        if line.product_id in products
    )
    return basket if lines == basket.lines else basket.changed(lines=lines)
