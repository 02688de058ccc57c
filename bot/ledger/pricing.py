"""A basket from what an integrator or vendor asks for: names, prices and fee are the ledger's, never theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.core.basket import Basket, BasketLine, Checkout
from bot.core.catalogue import Product
from bot.core.orders import Rejected
from bot.core.words import fold
from bot.ledger.catalogue import LedgerCatalogue


@dataclass(frozen=True, slots=True)
class Wanted:
    """One line: so many pieces (1 to 999) of a product with these options."""

    product_id: str
    quantity: int
    options: Mapping[str, str]


async def priced(
    catalogue: LedgerCatalogue, shop_id: str, basket_id: str, lines: Sequence[Wanted], checkout: Checkout
) -> Basket | Rejected:
    """The basket to place; the checkout's fee is filled in. Whether it is in stock, ``place`` finds out.

    Rejected: ``unknown_product``, ``incomplete`` (an option is missing or not offered), ``unknown_commune``.
    Raises Unavailable.
    """
    products = {product.id: product for product in await catalogue.catalogue(shop_id)}
    found: list[BasketLine] = []
    for wanted in lines:
        product = products.get(wanted.product_id)
        if product is None:
            return Rejected("unknown_product")
        line = _line(product, wanted)
        if line is None:
            return Rejected("incomplete")
        found.append(line)
    name = fold(checkout.commune or "")
    for zone in await catalogue.zones(shop_id):
        if name in (fold(known) for known in (zone.commune, *zone.aliases)):
            return Basket(
                basket_id,
                lines=tuple(found),
                checkout=replace(checkout, commune=zone.commune, fee_xof=zone.fee_xof),
            )
    return Rejected("unknown_commune")


def _line(product: Product, wanted: Wanted) -> BasketLine | None:
    offered = dict(product.options)
    if set(offered) != set(wanted.options) or any(v not in offered[n] for n, v in wanted.options.items()):
        return None
    options = tuple((name, wanted.options[name]) for name, _ in product.options)
    return BasketLine(product.id, product.name, options, wanted.quantity, product.price_xof)
