"""Orders as the console shows them: a board by status, a day sheet by commune, the day's figures, who said it is paid."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.orders import OrderStatus
from bot.ledger import views
from bot.ledger.console_models import PaymentRow
from bot.ledger.engine import Ledger
from bot.ledger.models import OrderLine, OrderRow, Product
from bot.ledger.stock import LOW
from bot.ledger.times import utc_now

OPEN = (OrderStatus.CONFIRMED, OrderStatus.PACKED, OrderStatus.OUT_FOR_DELIVERY)
COLUMN = 50
"""Orders shown of one status."""


@dataclass(frozen=True, slots=True)
class Figures:
    """A day in numbers. Amounts in FCFA."""

    orders: int
    sold_xof: int
    cancelled: int
    delivered: int
    to_collect_xof: int
    received: Sequence[tuple[str, int, int]]
    """(means, payments, sum)"""


class LedgerOrderBoard:
    """Raises Unavailable."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime] = utc_now) -> None:
        self._ledger = ledger
        self._now = now

    async def board(self, shop: str, since: datetime) -> dict[str, list[views.Json]]:
        """Open orders, oldest first, and what was closed since a time, newest first."""
        columns: dict[str, list[views.Json]] = {}
        async with self._ledger.reading() as connection:
            for status in OrderStatus:
                query = select(OrderRow.__table__).where(OrderRow.shop_id == shop, OrderRow.status == status)
                if status in OPEN:
                    query = query.order_by(OrderRow.created_at, OrderRow.id)
                else:
                    query = query.where(OrderRow.updated_at >= since).order_by(OrderRow.updated_at.desc())
                rows = (await connection.execute(query.limit(COLUMN))).all()
                columns[status.value] = await _with_lines(connection, rows)
        return columns

    async def counts(self, shop: str) -> dict[str, int]:
        query = (
            select(OrderRow.status, func.count())
            .where(OrderRow.shop_id == shop, OrderRow.status.in_(OPEN))
            .group_by(OrderRow.status)
        )
        async with self._ledger.reading() as connection:
            return {row[0]: row[1] for row in await connection.execute(query)}

    async def get(self, shop: str, order_id: str) -> views.Json | None:
        async with self._ledger.reading() as connection:
            query = select(OrderRow.__table__).where(OrderRow.shop_id == shop, OrderRow.id == order_id)
            found = await _with_lines(connection, (await connection.execute(query)).all())
        return found[0] if found else None

    async def of_conversation(self, shop: str, conversation_id: str) -> list[views.Json]:
        """Its last orders, newest first."""
        query = (
            select(OrderRow.__table__)
            .where(OrderRow.shop_id == shop, OrderRow.conversation_id == conversation_id)
            .order_by(OrderRow.created_at.desc(), OrderRow.id.desc())
            .limit(20)
        )
        async with self._ledger.reading() as connection:
            return await _with_lines(connection, (await connection.execute(query)).all())

    async def sheet(self, shop: str) -> dict[str, list[views.Json]]:
        """What is to be delivered, by commune."""
        query = (
            select(OrderRow.__table__)
            .where(OrderRow.shop_id == shop, OrderRow.status.in_(OPEN))
            .order_by(OrderRow.commune, OrderRow.created_at, OrderRow.id)
            .limit(500)
        )
        async with self._ledger.reading() as connection:
            orders = await _with_lines(connection, (await connection.execute(query)).all())
        communes: dict[str, list[views.Json]] = {}
        for order in orders:
            communes.setdefault(order["delivery"]["commune"], []).append(order)
        return communes

    async def figures(self, shop: str, begin: datetime, end: datetime) -> Figures:
        """Orders placed in a span of time, and money noted in it."""
        kept = OrderRow.status != OrderStatus.CANCELLED
        placed = select(
            func.count(case((kept, 1))),
            func.coalesce(func.sum(case((kept, OrderRow.total_xof), else_=0)), 0),
            func.count(case((OrderRow.status == OrderStatus.CANCELLED, 1))),
            func.count(case((OrderRow.status == OrderStatus.DELIVERED, 1))),
        ).where(OrderRow.shop_id == shop, OrderRow.created_at >= begin, OrderRow.created_at < end)
        owed = select(func.coalesce(func.sum(OrderRow.total_xof), 0)).where(
            OrderRow.shop_id == shop, OrderRow.status.in_(OPEN), OrderRow.payment_status != "paid"
        )
        money = (
            select(
                PaymentRow.means,
                func.count(),
                func.sum(
                    case((PaymentRow.status == "paid", PaymentRow.amount_xof), else_=-PaymentRow.amount_xof)
                ),
            )
            .where(PaymentRow.shop_id == shop, PaymentRow.at >= begin, PaymentRow.at < end)
            .group_by(PaymentRow.means)
            .order_by(PaymentRow.means)
        )
        async with self._ledger.reading() as connection:
            orders, sold, cancelled, delivered = (await connection.execute(placed)).one()
            to_collect = await connection.scalar(owed) or 0
            received = [(row[0], row[1], row[2]) for row in await connection.execute(money)]
        return Figures(orders, sold, cancelled, delivered, to_collect, received)

    async def low_stock(self, shop: str) -> Sequence[Any]:
        query = (
            select(Product.id, Product.name, Product.stock)
            .where(Product.shop_id == shop, Product.active, Product.stock <= LOW)
            .order_by(Product.stock, Product.name)
            .limit(20)
        )
        async with self._ledger.reading() as connection:
            return (await connection.execute(query)).all()

    async def note_payment(
        self, shop: str, order: views.Json, status: str, means: str, source: str, who: str
    ) -> None:
        """Write down who said that an order is paid (or given back), by which means, seen where."""
        row = {
            "id": f"pay_{secrets.token_hex(8)}",
            "shop_id": shop,
            "order_id": order["id"],
            "status": status,
            "means": means,
            "amount_xof": order["total_xof"],
            "source": source,
            "who": who,
            "at": self._now(),
        }
        async with self._ledger.writing() as connection:
            await connection.execute(insert(PaymentRow).values(row))

    async def payments(self, shop: str, order_id: str) -> Sequence[Any]:
        """What was said of an order's payment, newest first."""
        query = (
            select(PaymentRow.__table__)
            .where(PaymentRow.shop_id == shop, PaymentRow.order_id == order_id)
            .order_by(PaymentRow.at.desc())
        )
        async with self._ledger.reading() as connection:
            return (await connection.execute(query)).all()


async def _with_lines(connection: AsyncConnection, rows: Sequence[Any]) -> list[views.Json]:
    if not rows:
        return []
    lines: dict[str, list[Any]] = {}
    for line in await connection.execute(
        select(OrderLine.__table__)
        .where(OrderLine.order_id.in_([row.id for row in rows]))
        .order_by(OrderLine.order_id, OrderLine.ordinal)
    ):
        lines.setdefault(line.order_id, []).append(line)
    return [views.order(row, lines.get(row.id, [])) for row in rows]
