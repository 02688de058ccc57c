"""The catalogue as the dialogue reads it, and the changes vendors make to it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.catalogue import Product, Zone
from bot.ledger import models, views
from bot.ledger.engine import Ledger
from bot.ledger.importing import WHOLE, product_fields, set_stock, zone_fields
from bot.ledger.product_photos import ProductPhoto, path_of
from bot.ledger.statements import insert_if_new
from bot.ledger.times import utc_now

LAST = 1_000_000
"""Position of what no file lists: after what one does."""


class LedgerCatalogue:
    """Products and zones of all shops, for reading."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def catalogue(self, shop_id: str) -> list[Product]:
        """What is sold, in the order of the file; an unknown shop sells nothing. Raises Unavailable."""
        async with self._ledger.reading() as connection:
            return await products_sold(connection, shop_id)

    async def zones(self, shop_id: str) -> list[Zone]:
        """Where the shop delivers, in the order of the file. Raises Unavailable."""
        async with self._ledger.reading() as connection:
            return await zones_served(connection, shop_id)


async def products_sold(
    connection: AsyncConnection, shop_id: str, ids: Collection[str] | None = None
) -> list[Product]:
    """What is sold, in the order of the file; of these ids only, if some are given."""
    table = models.Product
    same = (ProductPhoto.shop_id == table.shop_id) & (ProductPhoto.product_id == table.id)
    query = select(table.__table__, ProductPhoto.digest).outerjoin(ProductPhoto, same)
    query = query.where(table.shop_id == shop_id, table.active)
    if ids is not None:
        query = query.where(table.id.in_(ids))
    found = await connection.execute(query.order_by(table.position, table.id))
    return [
        replace(product_of(row), photo=path_of(shop_id, row.id, row.digest) if row.digest else "")
        for row in found
    ]


async def zones_served(connection: AsyncConnection, shop_id: str) -> list[Zone]:
    """Where the shop delivers, in the order of the file."""
    table = models.Zone
    query = select(table.__table__).where(table.shop_id == shop_id, table.active)
    found = await connection.execute(query.order_by(table.position, table.commune))
    return [Zone(row.commune, tuple(row.aliases), row.fee_xof, row.eta_text) for row in found]


@dataclass(frozen=True, slots=True)
class Put:
    """The product or zone as it is now, in REST's form. ``made``: it is new."""

    item: views.Json
    made: bool


Expected = Callable[[views.Json | None], bool]
"""Is what is there now (None: nothing) what the caller expects? Asked under the row's lock."""


async def put_product(
    ledger: Ledger,
    shop_id: str,
    product: Product,
    by: str,
    *,
    active: bool = True,
    expected: Expected | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Put | None:
    """Make or replace a product; the fields that change belong to the ledger from now on.

    ``by``: who, for the record. None: it is not as expected, nothing was written. Raises Unavailable.
    """

    async def work(connection: AsyncConnection) -> Put | None:
        at, table = now(), models.Product
        same = (table.shop_id == shop_id, table.id == product.id)
        # Locked: an order may be taking from the stock that is counted here.
        row = (await connection.execute(select(table.__table__).where(*same).with_for_update())).first()
        if expected is not None and not expected(None if row is None else views.product(row)):
            return None
        new: dict[str, Any] = {**product_fields(product), "stock": product.stock, "active": active}
        if row is None:
            made = {"position": LAST, "version": 1, "created_at": at, "updated_at": at}
            await connection.execute(insert(table).values(shop_id=shop_id, id=product.id, **new, **made))
            await mark(connection, shop_id, "product", [(product.id, WHOLE)], by, at)
        else:
            changed = [name for name, value in new.items() if getattr(row, name) != value]
            if changed:
                values = {**new, "version": row.version + 1, "updated_at": at}
                await connection.execute(update(table).where(*same).values(**values))
                await mark(connection, shop_id, "product", [(product.id, name) for name in changed], by, at)
        step = (product.stock or 0) - (0 if row is None else row.stock or 0)
        if step:
            await connection.execute(insert(models.StockMovement), [set_stock(shop_id, product.id, step, at)])
        after = (await connection.execute(select(table.__table__).where(*same))).one()
        return Put(views.product(after), made=row is None)

    return await ledger.write(work)


async def put_zone(
    ledger: Ledger,
    shop_id: str,
    zone: Zone,
    by: str,
    *,
    expected: Expected | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Put | None:
    """Make or replace a zone. None: it is not as expected, nothing was written. Raises Unavailable."""

    async def work(connection: AsyncConnection) -> Put | None:
        at, table = now(), models.Zone
        same = (table.shop_id == shop_id, table.commune == zone.commune)
        row = (await connection.execute(select(table.__table__).where(*same).with_for_update())).first()
        if expected is not None and not expected(None if row is None else views.zone(row)):
            return None
        new: dict[str, Any] = {**zone_fields(zone), "active": True}
        if row is None:
            values = {**new, "position": LAST, "version": 1}
            await connection.execute(insert(table).values(shop_id=shop_id, commune=zone.commune, **values))
            await mark(connection, shop_id, "zone", [(zone.commune, WHOLE)], by, at)
        elif changed := [name for name, value in new.items() if getattr(row, name) != value]:
            await connection.execute(update(table).where(*same).values(**new, version=row.version + 1))
            await mark(connection, shop_id, "zone", [(zone.commune, name) for name in changed], by, at)
        after = (await connection.execute(select(table.__table__).where(*same))).one()
        return Put(views.zone(after), made=row is None)

    return await ledger.write(work)


async def mark(
    connection: AsyncConnection, shop_id: str, kind: str, fields: list[tuple[str, str]], by: str, at: datetime
) -> None:
    """Note (item, field) pairs as the ledger's own: a later import of the files leaves them."""
    same = {"shop_id": shop_id, "kind": kind, "changed_at": at, "changed_by": by}
    if fields:
        await connection.execute(
            insert_if_new(connection, models.FieldChange, "shop_id", "kind", "item", "field"),
            [{**same, "item": item, "field": field} for item, field in fields],
        )


def product_of(row: Any) -> Product:
    """A row of the table as the core knows products, without its picture."""
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
