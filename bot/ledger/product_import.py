"""Importing a products.csv that an integrator sends: all of it or nothing, and the same file twice changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.catalogue import Product
from bot.ledger import models
from bot.ledger.catalogue import LAST, mark
from bot.ledger.importing import WHOLE, product_fields, set_stock


@dataclass(frozen=True, slots=True)
class Counts:
    """What an import does."""

    created: int
    updated: int
    unchanged: int


async def import_products(
    connection: AsyncConnection,
    shop_id: str,
    products: Sequence[Product],
    by: str,
    now: datetime,
    *,
    set_stocks: bool,
    dry_run: bool,
) -> Counts:
    """Make and change products; those not listed stay. ``set_stocks``: also the stock of products that are there.

    Without it a stock counts only for what is new, so that an old file does not undo the sales since.
    """
    table = models.Product
    columns = table.__table__
    query = select(columns).where(table.shop_id == shop_id).order_by(table.id).with_for_update()
    old = {row.id: row for row in await connection.execute(query)}
    fresh: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    fields: list[tuple[str, str]] = []
    movements: list[dict[str, Any]] = []
    for product in products:
        row = old.get(product.id)
        new: dict[str, Any] = {**product_fields(product), "active": True}
        if row is None or set_stocks:
            new["stock"] = product.stock
        if row is None:
            made = {"position": LAST, "version": 1, "created_at": now, "updated_at": now}
            fresh.append({"shop_id": shop_id, "id": product.id, **new, **made})
            fields.append((product.id, WHOLE))
        else:
            names = [name for name, value in new.items() if getattr(row, name) != value]
            if not names:
                continue
            values = {**new, "stock": new.get("stock", row.stock), "updated_at": now}
            changed.append({"same_id": product.id, "new_version": row.version + 1, **_named(values)})
            fields += [(product.id, name) for name in names]
        step = (new.get("stock") or 0) - (0 if row is None else row.stock or 0) if "stock" in new else 0
        if step:
            movements.append(set_stock(shop_id, product.id, step, now))
    if not dry_run:
        if fresh:
            await connection.execute(insert(table), fresh)
        if changed:
            await connection.execute(_update(shop_id), changed)
        await mark(connection, shop_id, "product", fields, by, now)
        if movements:
            await connection.execute(insert(models.StockMovement), movements)
    return Counts(len(fresh), len(changed), len(products) - len(fresh) - len(changed))


_CHANGED = (
    "name", "category", "description", "aliases", "price_xof", "options", "active", "stock", "updated_at",
)  # fmt: skip


def _named(values: dict[str, Any]) -> dict[str, Any]:
    return {f"new_{name}": values[name] for name in _CHANGED}


def _update(shop_id: str) -> Any:
    columns = models.Product.__table__.c
    values = {name: bindparam(f"new_{name}", type_=columns[name].type) for name in _CHANGED}
    return (
        update(models.Product.__table__)  # type: ignore[arg-type]
        .where(columns.shop_id == shop_id, columns.id == bindparam("same_id"))
        .values(**values, version=bindparam("new_version"))
    )
