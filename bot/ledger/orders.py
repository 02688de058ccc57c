"""Placing an order once: one transaction for order, stock and event."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.basket import Basket, BasketLine, Checkout
from bot.core.orders import OrderRequest, OrderStatus, Placed, PlaceResult, Rejected, SoldOut
from bot.ledger import views
from bot.ledger.engine import Ledger
from bot.ledger.models import OrderCounter, OrderLine, OrderRow, Product, Shop, Zone
from bot.ledger.outbox import event_row, tell
from bot.ledger.statements import insert_if_new
from bot.ledger.stock import take_stock
from bot.ledger.times import utc_now

FIRST_NUMBER = 1001


@dataclass(frozen=True, slots=True)
class Latest:
    """The last order of a conversation, with what was ordered and where it went."""

    id: str
    number: str
    status: OrderStatus
    total_xof: int
    basket: Basket


class _Refused(Exception):
    """Carries the answer out of the transaction, which rolls back."""

    def __init__(self, result: PlaceResult) -> None:
        super().__init__(type(result).__name__)
        self.result = result


class LedgerOrders:
    """``ports.Orders``. What becomes of an order later is in ``order_changes``."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime] = utc_now) -> None:
        self._ledger = ledger
        self._now = now

    async def place(self, request: OrderRequest) -> PlaceResult:
        """Place the basket, or return the order it became before. Raises Unavailable."""
        return await self._ledger.write(lambda connection: place_order(connection, request, self._now()))

    async def latest_for(self, conversation_id: str, number: str | None = None) -> Latest | None:
        """The conversation's last order, or its order of that number; None when there is none. Raises Unavailable."""
        query = select(OrderRow.__table__).where(OrderRow.conversation_id == conversation_id)
        if number is not None:
            query = query.where(OrderRow.number == number)
        query = query.order_by(OrderRow.created_at.desc(), OrderRow.id.desc()).limit(1)
        async with self._ledger.reading() as connection:
            row = (await connection.execute(query)).first()
            if row is None:
                return None
            lines = await connection.execute(
                select(OrderLine.__table__).where(OrderLine.order_id == row.id).order_by(OrderLine.ordinal)
            )
            basket = _ordered(row, lines.all())
        return Latest(row.id, row.number, OrderStatus(row.status), row.total_xof, basket)


def _ordered(row: Any, lines: Sequence[Any]) -> Basket:
    """The basket that an order was, as far as the order tells."""
    return Basket(
        id=row.basket_id,
        version=row.basket_version,
        closed=True,
        lines=tuple(
            BasketLine(
                product_id=line.product_id,
                name=line.name,
                options=tuple((name, value) for name, value in line.options),
                quantity=line.quantity,
                unit_price_xof=line.unit_price_xof,
            )
            for line in lines
        ),
        checkout=Checkout(
            name=row.name,
            phone=row.phone,
            commune=row.commune,
            fee_xof=row.fee_xof,
            landmark=row.landmark,
            latitude=row.latitude,
            longitude=row.longitude,
            payment=row.payment_method,
        ),
    )


async def place_order(
    connection: AsyncConnection,
    request: OrderRequest,
    now: datetime,
    *,
    confirmed_on: str | None = None,
    address: str | None = None,
) -> PlaceResult:
    """Place the basket within a transaction, or return the order it became before; what is refused leaves nothing.

    The order has the prices of the basket: those the shopper confirmed. A fee that is no longer the zone's is refused
    as ``unknown_commune``, so that the shopper sees the new one before it counts.
    ``confirmed_on``: ``api`` or ``console`` where it was no channel; ``address``: where such a shopper is told of it.
    """
    if not request.basket.lines:
        return Rejected("empty_basket")
    try:
        async with connection.begin_nested():
            return await _place(connection, request, now, confirmed_on or request.channel.value, address)
    except _Refused as refused:
        return refused.result


async def _place(
    connection: AsyncConnection, request: OrderRequest, now: datetime, channel: str, address: str | None
) -> PlaceResult:
    basket = request.basket
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
        "address": address,
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
    short = await take_stock(connection, request.shop_id, _pieces(basket), order_id, now)
    if short:
        raise _Refused(SoldOut(short))
    await connection.execute(insert(OrderLine), _lines(basket, order_id))
    told = await shown(connection, order_id)
    await tell(
        connection, [event_row(request.shop_id, f"order.placed:{order_id}", "order.placed", now, told)]
    )
    return Placed(order_id, number, basket.total_xof, first=True)


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


def _pieces(basket: Basket) -> Counter[str]:
    wanted = Counter[str]()
    for line in basket.lines:
        wanted[line.product_id] += line.quantity
    return wanted


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


async def shown(connection: AsyncConnection, order_id: str) -> views.Json:
    """An order that exists, in REST's form."""
    row = (await connection.execute(select(OrderRow.__table__).where(OrderRow.id == order_id))).one()
    lines = await connection.execute(
        select(OrderLine.__table__).where(OrderLine.order_id == order_id).order_by(OrderLine.ordinal)
    )
    return views.order(row, lines)
