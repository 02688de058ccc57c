"""What becomes of an order: the one use case behind REST and console. Status, stock and event are one transaction.

The shopper is told by ``flows.tell_orders``, which follows the feed: a crash after this transaction loses no word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.orders import OrderStatus, PaymentStatus, may_become, payment_may_become
from bot.ledger import views
from bot.ledger.engine import Ledger
from bot.ledger.models import OrderRow
from bot.ledger.orders import shown
from bot.ledger.outbox import event_row, tell
from bot.ledger.stock import return_stock
from bot.ledger.times import utc_now


@dataclass(frozen=True, slots=True)
class OrderChange:
    """What is asked for; None leaves it as it is."""

    status: OrderStatus | None = None
    payment: PaymentStatus | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """The order as it is now, in REST's form. ``fresh`` is False when it was so before."""

    order: views.Json
    fresh: bool


@dataclass(frozen=True, slots=True)
class WrongState:
    """The order is as told here and cannot become what was asked. Nothing was written."""

    status: OrderStatus
    payment: PaymentStatus


@dataclass(frozen=True, slots=True)
class Stale:
    """The order is not what the caller expected. Nothing was written."""


Outcome = Changed | WrongState | Stale | None


async def change_order(
    ledger: Ledger,
    shop_id: str,
    order_id: str,
    change: OrderChange,
    expected: Callable[[views.Json], bool] | None = None,
    now: Callable[[], datetime] = utc_now,
    by_shopper: bool = False,
) -> Outcome:
    """Move an order on, or its payment. None: not an order of this shop. Raises Unavailable.

    ``by_shopper``: asked for in the conversation, which has answered already, so the feed tells the shopper nothing.
    Cancelling gives the stock back. ``expected`` is asked about the order as it is, under its lock.
    """

    async def work(connection: AsyncConnection) -> Outcome:
        return await change_within(connection, shop_id, order_id, change, now(), expected, by_shopper)

    return await ledger.write(work)


async def change_within(
    connection: AsyncConnection,
    shop_id: str,
    order_id: str,
    change: OrderChange,
    at: datetime,
    expected: Callable[[views.Json], bool] | None = None,
    by_shopper: bool = False,
) -> Outcome:
    """``change_order`` as part of a transaction that writes more."""
    locked = select(OrderRow.status, OrderRow.payment_status, OrderRow.version)
    found = await connection.execute(
        locked.where(OrderRow.id == order_id, OrderRow.shop_id == shop_id).with_for_update()
    )
    row = found.first()
    if row is None:
        return None
    before = await shown(connection, order_id)
    if expected is not None and not expected(before):
        return Stale()
    old, paid = OrderStatus(row.status), PaymentStatus(row.payment_status)
    new, pays = change.status or old, change.payment or paid
    if not may_become(old, new) or not payment_may_become(paid, pays):
        return WrongState(old, paid)
    if (old, paid) == (new, pays):
        return Changed(before, fresh=False)
    version = row.version + 1
    values = {"status": new.value, "payment_status": pays.value, "version": version, "updated_at": at}
    await connection.execute(update(OrderRow).where(OrderRow.id == order_id).values(**values))
    if new is OrderStatus.CANCELLED and old is not new:
        await return_stock(connection, shop_id, order_id, at)
    after = await shown(connection, order_id)
    told = {**after, "previous_status": old.value, "previous_payment_status": paid.value}
    if by_shopper:
        told["changed_by"] = "shopper"
    await tell(
        connection, [event_row(shop_id, f"order.updated:{order_id}:{version}", "order.updated", at, told)]
    )
    return Changed(after, fresh=True)
