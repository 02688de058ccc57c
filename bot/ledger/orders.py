"""Placing an order once, and what becomes of it: each is one transaction for order, stock and event."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.basket import Basket
from bot.core.orders import OrderRequest, OrderStatus, Placed, PlaceResult, Rejected, SoldOut, may_become
from bot.ledger import views
from bot.ledger.engine import Ledger
from bot.ledger.models import OrderCounter, OrderLine, OrderRow, Product, Shop, StockMovement, Zone
from bot.ledger.outbox import event_row, tell
from bot.ledger.statements import insert_if_new
from bot.ledger.times import utc_now

FIRST_NUMBER = 1001


@dataclass(frozen=True, slots=True)
class Changed:
    """The order as it is now, in REST's form. ``fresh`` is False when it was so before."""

    order: views.Json
    fresh: bool


@dataclass(frozen=True, slots=True)
class WrongState:
    """An order in ``status`` cannot become what was asked."""

    status: OrderStatus


@dataclass(frozen=True, slots=True)
class Latest:
    """The last order of a conversation."""

    id: str
    number: str
    status: OrderStatus
    total_xof: int


class _Refused(Exception):
    """Carries the answer out of the transaction, which rolls back."""

    def __init__(self, result: PlaceResult) -> None:
        super().__init__(type(result).__name__)
        self.result = result


class LedgerOrders:
    """``ports.Orders``, and the changes that vendors make."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime] = utc_now) -> None:
        self._ledger = ledger
        self._now = now

    async def place(self, request: OrderRequest, confirmed_on: str | None = None) -> PlaceResult:
        """Place the basket, or return the order it became before. Raises Unavailable.

        The order has the prices of the basket: those the shopper confirmed. A fee that is no longer the zone's is
        refused as ``unknown_commune``, so that the shopper sees the new one before it counts.
        ``confirmed_on``: ``api`` or ``console`` where it was no channel.
        """
        if not request.basket.lines:
            return Rejected("empty_basket")
        try:
            return await self._ledger.write(
                lambda connection: self._place(connection, request, confirmed_on or request.channel.value)
            )
        except _Refused as refused:
            return refused.result

    async def _place(self, connection: AsyncConnection, request: OrderRequest, channel: str) -> PlaceResult:
        basket, now = request.basket, self._now()
        number = await _next_number(connection, request.shop_id)
        if number is None:
            raise _Refused(Rejected("unknown_product"))
        order_id = f"ord_{secrets.token_hex(10)}"
        row = {
            "id": order_id,
            "shop_id": request.shop_id,
            "number": number,
            "basket_id": basket.id,
            "basket_version": basket.version,
            "turn_id": request.turn_id,
            "conversation_id": request.conversation_id,
            "customer_id": request.customer_id,
            "status": OrderStatus.CONFIRMED.value,
            **_delivery(basket),
            "payment_method": basket.checkout.payment or "",
            "payment_status": "unpaid",
            "items_total_xof": basket.items_total_xof,
            "total_xof": basket.total_xof,
            "channel": channel,
            "version": 1,
            "created_at": now,
            "updated_at": now,
        }
        # The insert itself finds out whether the basket was placed: looking first would leave a gap for a rival.
        inserted = await connection.execute(
            insert_if_new(connection, OrderRow, "basket_id").values(row).returning(OrderRow.id)
        )
        if inserted.first() is None:
            raise _Refused(await _placed_before(connection, request))
        await _check(connection, request.shop_id, basket)
        await _take_stock(connection, request.shop_id, basket, order_id, now)
        await connection.execute(insert(OrderLine), _lines(basket, order_id))
        shown = await _shown(connection, order_id)
        await tell(
            connection, [event_row(request.shop_id, f"order.placed:{order_id}", "order.placed", now, shown)]
        )
        return Placed(order_id, number, basket.total_xof, first=True)

    async def change_status(
        self, shop_id: str, order_id: str, new: OrderStatus
    ) -> Changed | WrongState | None:
        """Move an order on; cancelling gives the stock back. None: not an order of this shop. Raises Unavailable."""

        async def work(connection: AsyncConnection) -> Changed | WrongState | None:
            found = await connection.execute(
                select(OrderRow.status, OrderRow.version)
                .where(OrderRow.id == order_id, OrderRow.shop_id == shop_id)
                .with_for_update()
            )
            row = found.first()
            if row is None:
                return None
            old = OrderStatus(row.status)
            if not may_become(old, new):
                return WrongState(old)
            now = self._now()
            if old is not new:
                await connection.execute(
                    update(OrderRow)
                    .where(OrderRow.id == order_id)
                    .values(status=new.value, version=row.version + 1, updated_at=now)
                )
                if new is OrderStatus.CANCELLED:
                    await _return_stock(connection, shop_id, order_id, now)
            shown = await _shown(connection, order_id)
            if old is not new:
                cause = f"order.status_changed:{order_id}:{row.version + 1}"
                told = {**shown, "previous_status": old.value}
                await tell(connection, [event_row(shop_id, cause, "order.status_changed", now, told)])
            return Changed(shown, fresh=old is not new)

        return await self._ledger.write(work)

    async def cancel(self, shop_id: str, order_id: str) -> Changed | WrongState | None:
        """Cancel until delivered; the stock comes back once. Raises Unavailable."""
        return await self.change_status(shop_id, order_id, OrderStatus.CANCELLED)

    async def latest_for(self, conversation_id: str) -> Latest | None:
        """The conversation's last order, or None. Raises Unavailable."""
        async with self._ledger.reading() as connection:
            found = await connection.execute(
                select(OrderRow.id, OrderRow.number, OrderRow.status, OrderRow.total_xof)
                .where(OrderRow.conversation_id == conversation_id)
                .order_by(OrderRow.created_at.desc(), OrderRow.id.desc())
                .limit(1)
            )
            row = found.first()
        return None if row is None else Latest(row.id, row.number, OrderStatus(row.status), row.total_xof)


def number_prefix(shop_id: str) -> str:
    """Letters of a shop's order numbers: ``awa-mode`` -> ``AM``."""
    words = shop_id.upper().split("-")
    return "".join(word[0] for word in words) if len(words) > 1 else words[0][:2]


async def _next_number(connection: AsyncConnection, shop_id: str) -> str | None:
    # Its row is locked to the end: numbers have no gaps, and two orders of one shop never wait for each other twice.
    found = await connection.execute(
        update(OrderCounter)
        .where(OrderCounter.shop_id == shop_id)
        .values(last=OrderCounter.last + 1)
        .returning(OrderCounter.last)
    )
    last = found.scalar_one_or_none()
    return None if last is None else f"{number_prefix(shop_id)}-{last}"


async def _placed_before(connection: AsyncConnection, request: OrderRequest) -> PlaceResult:
    found = await connection.execute(
        select(OrderRow.id, OrderRow.number, OrderRow.total_xof).where(
            OrderRow.basket_id == request.basket.id, OrderRow.shop_id == request.shop_id
        )
    )
    row = found.first()
    if row is None:
        return Rejected("closed")
    return Placed(row.id, row.number, row.total_xof, first=False)


async def _check(connection: AsyncConnection, shop_id: str, basket: Basket) -> None:
    """Is all of it sold, and delivered at that fee? Raises _Refused."""
    if basket.closed:
        raise _Refused(Rejected("closed"))
    ids = {line.product_id for line in basket.lines}
    found = await connection.execute(
        select(Product.id, Product.options).where(
            Product.shop_id == shop_id, Product.id.in_(ids), Product.active
        )
    )
    options = {row.id: {name: set(values) for name, values in row.options} for row in found}
    if set(options) != ids:
        raise _Refused(Rejected("unknown_product"))
    for line in basket.lines:
        offered = options[line.product_id]
        chosen = dict(line.options)
        if set(chosen) != set(offered) or any(value not in offered[name] for name, value in chosen.items()):
            raise _Refused(Rejected("incomplete"))
    checkout = basket.checkout
    fee = await connection.scalar(
        select(Zone.fee_xof).where(Zone.shop_id == shop_id, Zone.commune == checkout.commune, Zone.active)
    )
    if fee is None or fee != checkout.fee_xof:
        raise _Refused(Rejected("unknown_commune"))
    settings = await connection.scalar(select(Shop.settings).where(Shop.id == shop_id)) or {}
    if not checkout.phone or checkout.payment not in settings.get("payments", {}):
        raise _Refused(Rejected("incomplete"))


async def _take_stock(
    connection: AsyncConnection, shop_id: str, basket: Basket, order_id: str, now: datetime
) -> None:
    """Take the pieces, in the order of product ids: in any other, two orders can wait for each other. Raises _Refused."""
    wanted = Counter[str]()
    for line in basket.lines:
        wanted[line.product_id] += line.quantity
    short: list[tuple[str, int]] = []
    moved: list[dict[str, Any]] = []
    for product_id, pieces in sorted(wanted.items()):
        same = (Product.shop_id == shop_id, Product.id == product_id)
        taken = await connection.execute(
            update(Product)
            .where(*same, or_(Product.stock.is_(None), Product.stock >= pieces))
            .values(stock=Product.stock - pieces)
            .returning(Product.stock)
        )
        row = taken.first()
        if row is None:
            short.append((product_id, await connection.scalar(select(Product.stock).where(*same)) or 0))
        elif row.stock is not None:
            moved.append(_movement(shop_id, product_id, order_id, -pieces, "order", now))
    if short:
        raise _Refused(SoldOut(tuple(short)))
    if moved:
        await connection.execute(insert(StockMovement), moved)


async def _return_stock(connection: AsyncConnection, shop_id: str, order_id: str, now: datetime) -> None:
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


def _delivery(basket: Basket) -> dict[str, Any]:
    checkout = basket.checkout
    return {
        "name": checkout.name,
        "phone": checkout.phone,
        "commune": checkout.commune or "",
        "landmark": checkout.landmark,
        "latitude": checkout.latitude,
        "longitude": checkout.longitude,
        "fee_xof": checkout.fee_xof or 0,
    }


def _lines(basket: Basket, order_id: str) -> list[dict[str, Any]]:
    return [
        {
            "order_id": order_id,
            "ordinal": ordinal,
            "product_id": line.product_id,
            "name": line.name,
            "options": [list(pair) for pair in line.options],
            "quantity": line.quantity,
            "unit_price_xof": line.unit_price_xof,
            "line_total_xof": line.total_xof,
        }
        for ordinal, line in enumerate(basket.lines)
    ]


async def _shown(connection: AsyncConnection, order_id: str) -> views.Json:
    row = (await connection.execute(select(OrderRow.__table__).where(OrderRow.id == order_id))).one()
    lines = await connection.execute(
        select(OrderLine.__table__).where(OrderLine.order_id == order_id).order_by(OrderLine.ordinal)
    )
    return views.order(row, lines)
