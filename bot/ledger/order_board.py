"""Orders as the console shows them: a board by status, a day sheet by commune, the day's figures, who said it is paid."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.orders import OrderStatus
from bot.ledger import views
from bot.ledger.console_models import PaymentRow
from bot.ledger.engine import Ledger
from bot.ledger.models import MessageRow, OrderLine, OrderRow, Product
from bot.ledger.outbox import event_row, tell
from bot.ledger.times import utc_now

OPEN = (OrderStatus.CONFIRMED, OrderStatus.PACKED, OrderStatus.OUT_FOR_DELIVERY)
COLUMN = 50
"""Orders shown of one status."""
LOW_STOCK = 3


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
            .where(Product.shop_id == shop, Product.active, Product.stock <= LOW_STOCK)
            .order_by(Product.stock, Product.name)
            .limit(20)
        )
        async with self._ledger.reading() as connection:
            return (await connection.execute(query)).all()

    async def mark_paid(
        self, shop: str, order_id: str, status: str, means: str, source: str, who: str
    ) -> views.Json | None:
        """Note that an order is paid (or not, after all), by which means, seen where. None: not this shop's order."""

        async def work(connection: AsyncConnection) -> views.Json | None:
            found = await connection.execute(
                select(OrderRow.total_xof, OrderRow.payment_status, OrderRow.payment_method, OrderRow.version)
                .where(OrderRow.id == order_id, OrderRow.shop_id == shop)
                .with_for_update()
            )
            row = found.first()
            if row is None:
                return None
            now = self._now()
            if row.payment_status != status:
                await connection.execute(
                    update(OrderRow)
                    .where(OrderRow.id == order_id)
                    .values(payment_status=status, version=row.version + 1, updated_at=now)
                )
                payment = {
                    "id": f"pay_{secrets.token_hex(8)}",
                    "shop_id": shop,
                    "order_id": order_id,
                    "status": status,
                    "means": means,
                    "amount_xof": row.total_xof,
                    "source": source,
                    "who": who,
                    "at": now,
                }
                await connection.execute(insert(PaymentRow).values(payment))
            query = select(OrderRow.__table__).where(OrderRow.id == order_id)
            shown = (await _with_lines(connection, (await connection.execute(query)).all()))[0]
            if row.payment_status != status:
                cause = f"order.payment_changed:{order_id}:{row.version + 1}"
                await tell(connection, [event_row(shop, cause, "order.payment_changed", now, shown)])
            return shown

        return await self._ledger.write(work)

    async def payments(self, shop: str, order_id: str) -> Sequence[Any]:
        """What was said of an order's payment, newest first."""
        query = (
            select(PaymentRow.__table__)
            .where(PaymentRow.shop_id == shop, PaymentRow.order_id == order_id)
            .order_by(PaymentRow.at.desc())
        )
        async with self._ledger.reading() as connection:
            return (await connection.execute(query)).all()

    async def last_words(self, shop: str, conversation_id: str) -> Any | None:
        """The shopper's last message, beside an order."""
        query = (
            select(MessageRow.text, MessageRow.created_at)
            .where(
                MessageRow.shop_id == shop,
                MessageRow.conversation_id == conversation_id,
                MessageRow.direction == "in",
            )
            .order_by(MessageRow.serial.desc())
            .limit(1)
        )
        async with self._ledger.reading() as connection:
            return (await connection.execute(query)).first()


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
