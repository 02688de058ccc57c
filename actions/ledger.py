"""The shop's ledger as the actions see it: read with plain queries, written by ``place`` only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from actions.services import LatestOrder, Payment, ShopFacts
from bot.core.catalogue import Product, Zone
from bot.core.orders import OrderRequest, PlaceResult
from bot.ledger import models
from bot.ledger.engine import Ledger
from bot.ledger.orders import LedgerOrders


class ShopLedger:
    """``actions.services.Ledger`` on the real ledger. All methods raise ``ports.Unavailable`` when it is away."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._orders = LedgerOrders(ledger)

    async def catalogue(self, shop_id: str) -> Sequence[Product]:
        """Products on sale, in the vendor's order."""
        rows = models.Product
        query = select(rows).where(rows.shop_id == shop_id, rows.active).order_by(rows.position, rows.id)
        async with self._ledger.reading() as connection:
            found = (await connection.execute(query)).all()
        return tuple(
            Product(
                id=row.id,
                name=row.name,
                category=row.category,
                description=row.description,
                aliases=tuple(row.aliases),
                price_xof=row.price_xof,
                options=tuple((str(name), tuple(values)) for name, values in row.options),
                stock=row.stock,
            )
            for row in found
        )

    async def zones(self, shop_id: str) -> Sequence[Zone]:
        """Communes served, in the vendor's order."""
        rows = models.Zone
        query = select(rows).where(rows.shop_id == shop_id, rows.active).order_by(rows.position, rows.commune)
        async with self._ledger.reading() as connection:
            found = (await connection.execute(query)).all()
        return tuple(Zone(row.commune, tuple(row.aliases), row.fee_xof, row.eta_text) for row in found)

    async def shop(self, shop_id: str) -> ShopFacts:
        """Name, phone, hours and payments. Raises LookupError for an unknown shop: the turn must fail."""
        query = select(models.Shop.settings).where(models.Shop.id == shop_id)
        async with self._ledger.reading() as connection:
            settings = await connection.scalar(query)
        if settings is None:
            raise LookupError("no such shop in the ledger")
        return shop_facts(shop_id, settings)

    async def place(self, request: OrderRequest) -> PlaceResult:
        """Order, stock and event in one transaction."""
        return await self._orders.place(request)

    async def latest(self, conversation_id: str) -> LatestOrder | None:
        """The conversation's last order."""
        found = await self._orders.latest_for(conversation_id)
        return None if found is None else LatestOrder(found.number, found.status, found.total_xof)


def shop_facts(shop_id: str, settings: dict[str, Any]) -> ShopFacts:
    """Read ``shop.yml``'s form. A payment is ``true`` (cash) or {to, instructions}."""
    payments = {
        method: Payment(str(given.get("to") or ""), str(given.get("instructions") or ""))
        if isinstance(given, dict)
        else Payment()
        for method, given in (settings.get("payments") or {}).items()
        if given
    }
    return ShopFacts(
        id=shop_id,
        name=str(settings["name"]),
        phone=str(settings["phone"]),
        hours=str(settings.get("opening_hours") or ""),
        payments=payments,
        minimum_order_xof=int(settings.get("minimum_order_xof") or 0),
    )
