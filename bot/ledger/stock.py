"""Taking stock and giving it back, each piece with the reason why. Called inside the transaction of an order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ledger.models import Product, StockMovement
from bot.ledger.outbox import event_row, tell

LOW = 3
"""Pieces left at which the feed is told ``stock.low``, once each time the stock falls to it."""


async def take_stock(
    connection: AsyncConnection, shop_id: str, wanted: Mapping[str, int], order_id: str, now: datetime
) -> tuple[tuple[str, int], ...]:
    """Take pieces by product id; what falls short comes back as (product id, left) and the caller must roll back.

    In the order of product ids: in any other, two orders can wait for each other.
    """
    short: list[tuple[str, int]] = []
    moved: list[dict[str, Any]] = []
    low: list[dict[str, Any]] = []
    for product_id, pieces in sorted(wanted.items()):
        same = (Product.shop_id == shop_id, Product.id == product_id)
        taken = await connection.execute(
            update(Product)
            .where(*same, or_(Product.stock.is_(None), Product.stock >= pieces))
            .values(stock=Product.stock - pieces)
            .returning(Product.stock, Product.name)
        )
        row = taken.first()
        if row is None:
            short.append((product_id, await connection.scalar(select(Product.stock).where(*same)) or 0))
        elif row.stock is not None:
            moved.append(_movement(shop_id, product_id, order_id, -pieces, "order", now))
            if row.stock <= LOW < row.stock + pieces:
                told = {"product_id": product_id, "name": row.name, "stock": row.stock}
                low.append(event_row(shop_id, f"stock.low:{product_id}:{order_id}", "stock.low", now, told))
    if moved and not short:
        await connection.execute(insert(StockMovement), moved)
        await tell(connection, low)
    return tuple(short)


async def return_stock(connection: AsyncConnection, shop_id: str, order_id: str, now: datetime) -> None:
    """Give back what an order took."""
    found = await connection.execute(
        select(StockMovement.product_id, StockMovement.change)
        .where(StockMovement.order_id == order_id, StockMovement.reason == "order")
        .order_by(StockMovement.product_id)
    )
    for product_id, change in found.all():
        # A product that is no longer counted stays so: null minus anything is null.
        await connection.execute(
            update(Product)
            .where(Product.shop_id == shop_id, Product.id == product_id)
            .values(stock=Product.stock - change)
        )
        await connection.execute(
            insert(StockMovement), [_movement(shop_id, product_id, order_id, -change, "cancelled", now)]
        )


def _movement(
    shop_id: str, product_id: str, order_id: str | None, change: int, reason: str, at: datetime
) -> dict[str, Any]:
    return {
        "shop_id": shop_id,
        "product_id": product_id,
        "order_id": order_id,
        "change": change,
        "reason": reason,
        "at": at,
    }
