"""A basket from what an integrator or vendor asks for: names, prices and fee are the ledger's, never theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.basket import Basket, BasketLine, Checkout
from bot.core.catalogue import Product
from bot.core.words import fold
from bot.ledger.catalogue import products_sold, zones_served


@dataclass(frozen=True, slots=True)
class Wanted:
    """One line: so many pieces (1 to 999) of a product with these options."""

    product_id: str
    quantity: int
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no basket. ``reason``: ``unknown_product``, ``wrong_options`` (with the ``line``), ``unknown_commune``."""

    reason: str
    line: int | None = None


async def priced(
    connection: AsyncConnection, shop_id: str, basket_id: str, lines: Sequence[Wanted], checkout: Checkout
) -> Basket | Refusal:
    """The basket to place; the checkout's fee is filled in. Whether it is in stock, ``place_order`` finds out."""
    sold = await products_sold(connection, shop_id, {line.product_id for line in lines})
    products = {product.id: product for product in sold}
    found: list[BasketLine] = []
    for number, wanted in enumerate(lines):
        product = products.get(wanted.product_id)
        if product is None:
            return Refusal("unknown_product", number)
        line = _line(product, wanted)
        if line is None:
            return Refusal("wrong_options", number)
        found.append(line)
    name = fold(checkout.commune or "")
    for zone in await zones_served(connection, shop_id):
        if name in (fold(known) for known in (zone.commune, *zone.aliases)):
            served = replace(checkout, commune=zone.commune, fee_xof=zone.fee_xof)
            return Basket(basket_id, lines=tuple(found), checkout=served)
    return Refusal("unknown_commune")


def _line(product: Product, wanted: Wanted) -> BasketLine | None:
    offered = dict(product.options)
    if set(offered) != set(wanted.options) or any(v not in offered[n] for n, v in wanted.options.items()):
        return None
    options = tuple((name, wanted.options[name]) for name, _ in product.options)
    return BasketLine(product.id, product.name, options, wanted.quantity, product.price_xof)
