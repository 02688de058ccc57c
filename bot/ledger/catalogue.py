"""The catalogue as the dialogue reads it, and the changes vendors make to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.catalogue import Product, Zone
from bot.ledger import models
from bot.ledger.engine import Ledger
from bot.ledger.importing import WHOLE, product_fields, set_stock, zone_fields
from bot.ledger.statements import insert_if_new
from bot.ledger.times import utc_now


class LedgerCatalogue:
    """Products and zones of all shops."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime] = utc_now) -> None:
        self._ledger = ledger
        self._now = now

    async def catalogue(self, shop_id: str) -> list[Product]:
        """What is sold, in the order of the file; an unknown shop sells nothing. Raises Unavailable."""
        table = models.Product
        async with self._ledger.reading() as connection:
            found = await connection.execute(
                select(table.__table__)
                .where(table.shop_id == shop_id, table.active)
                .order_by(table.position, table.id)
            )
            return [_product(row) for row in found]

    async def zones(self, shop_id: str) -> list[Zone]:
        """Where the shop delivers, in the order of the file. Raises Unavailable."""
        table = models.Zone
        async with self._ledger.reading() as connection:
            found = await connection.execute(
                select(table.__table__)
                .where(table.shop_id == shop_id, table.active)
                .order_by(table.position, table.commune)
            )
            return [Zone(row.commune, tuple(row.aliases), row.fee_xof, row.eta_text) for row in found]

    async def put_product(self, shop_id: str, product: Product, by: str) -> bool:
        """Make or replace a product; the fields that change belong to the ledger from now on.

        ``by``: who, for the record. True when it is new. Raises Unavailable.
        """

        async def work(connection: AsyncConnection) -> bool:
            now, table = self._now(), models.Product
            same = (table.shop_id == shop_id, table.id == product.id)
            # Locked: an order may be taking from the stock that is counted here.
            row = (await connection.execute(select(table.__table__).where(*same).with_for_update())).first()
            new: dict[str, Any] = {**product_fields(product), "stock": product.stock, "active": True}
            if row is None:
                made = {"position": 1_000_000, "version": 1, "created_at": now, "updated_at": now}
                await connection.execute(insert(table).values(shop_id=shop_id, id=product.id, **new, **made))
                await _mark(connection, shop_id, "product", product.id, [WHOLE, *new], by, now)
            else:
                changed = [name for name, value in new.items() if getattr(row, name) != value]
                if changed:
                    await connection.execute(
                        update(table).where(*same).values(**new, version=row.version + 1, updated_at=now)
                    )
                    await _mark(connection, shop_id, "product", product.id, changed, by, now)
            step = (product.stock or 0) - (0 if row is None else row.stock or 0)
            if step:
                await connection.execute(
                    insert(models.StockMovement), [set_stock(shop_id, product.id, step, now)]
                )
            return row is None

        return await self._ledger.write(work)

    async def put_zone(self, shop_id: str, zone: Zone, by: str) -> bool:
        """Make or replace a zone. True when it is new. Raises Unavailable."""

        async def work(connection: AsyncConnection) -> bool:
            now, table = self._now(), models.Zone
            same = (table.shop_id == shop_id, table.commune == zone.commune)
            row = (await connection.execute(select(table.__table__).where(*same).with_for_update())).first()
            new: dict[str, Any] = {**zone_fields(zone), "active": True}
            if row is None:
                made = {"position": 1_000_000, "version": 1}
                await connection.execute(
                    insert(table).values(shop_id=shop_id, commune=zone.commune, **new, **made)
                )
                await _mark(connection, shop_id, "zone", zone.commune, [WHOLE, *new], by, now)
            elif changed := [name for name, value in new.items() if getattr(row, name) != value]:
                await connection.execute(update(table).where(*same).values(**new, version=row.version + 1))
                await _mark(connection, shop_id, "zone", zone.commune, changed, by, now)
            return row is None

        return await self._ledger.write(work)


async def _mark(
    connection: AsyncConnection, shop_id: str, kind: str, item: str, fields: list[str], by: str, at: datetime
) -> None:
    same = {"shop_id": shop_id, "kind": kind, "item": item, "changed_at": at, "changed_by": by}
    await connection.execute(
        insert_if_new(connection, models.FieldChange, "shop_id", "kind", "item", "field"),
        [{**same, "field": field} for field in fields],
    )


def _product(row: Any) -> Product:
    return Product(
        id=row.id,
        name=row.name,
        category=row.category,
        description=row.description,
        aliases=tuple(row.aliases),
        price_xof=row.price_xof,
        options=tuple((name, tuple(values)) for name, values in row.options),
        stock=row.stock,
    )
