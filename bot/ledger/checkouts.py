"""Links by which orders are paid: who needs one, what became of it. ``ports.Checkouts``. Calls no provider."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.orders import OrderStatus, PaymentStatus
from bot.core.payments import A_PERSON, LOOKS, PROVIDERS, STILL_USEFUL, Checkout, CheckoutStatus, Session
from bot.ledger.engine import Ledger
from bot.ledger.feed_readers import BATCH, read_up_to, unread
from bot.ledger.models import OrderRow, OutboxRow, Shop
from bot.ledger.payment_models import CheckoutRow
from bot.ledger.statements import insert_if_new
from bot.ledger.times import instant, instant_or_none

FRESH = timedelta(hours=1)
"""An order older than this gets a link only when its shopper asks: the first start reads all of the feed."""
READER = "checkouts"
_OUTSIDE = frozenset({"api", "console"})
"""Whoever took such an order has told its shopper how to pay (decision 18)."""


class LedgerCheckouts:
    """Every method may raise Unavailable; done twice is the same."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def begin(self, now: float) -> int:
        """Want a link for each new order that is to be paid by one; how many shops had news."""
        async with self._ledger.reading() as connection:
            shops = await unread(connection, READER)
        for shop in shops:
            async with self._ledger.reading() as connection:
                query = (
                    select(OutboxRow.id, OutboxRow.type, OutboxRow.seq, OutboxRow.data, OutboxRow.occurred_at)
                    .where(OutboxRow.shop_id == shop.shop_id, OutboxRow.seq > shop.seq)
                    .order_by(OutboxRow.seq)
                    .limit(BATCH)
                )
                rows = (await connection.execute(query)).all()
            for row in rows:
                fresh = row.occurred_at >= instant(now) - FRESH
                if row.type == "order.placed" and row.data and row.data["channel"] not in _OUTSIDE and fresh:
                    await self._want(row.data["id"], row.id, now, again=False)
            await read_up_to(self._ledger, READER, shop.shop_id, rows[-1].seq)
        return len(shops)

    async def ask(self, conversation_id: str, cause: str, now: float) -> str | None:
        """The shopper wants to pay: put the link again, or a new one. The order's number; None: nothing to pay so."""
        async with self._ledger.reading() as connection:
            query = (
                select(OrderRow.id)
                .where(OrderRow.conversation_id == conversation_id)
                .order_by(OrderRow.created_at.desc(), OrderRow.id.desc())
                .limit(1)
            )
            order_id = await connection.scalar(query)
        return None if order_id is None else await self._want(order_id, cause, now, again=True)

    async def _want(self, order_id: str, cause: str, now: float, again: bool) -> str | None:
        async def work(connection: AsyncConnection) -> str | None:
            locked = select(OrderRow.__table__).where(OrderRow.id == order_id).with_for_update()
            order = (await connection.execute(locked)).first()
            if order is None or not await _payable(connection, order):
                return None
            query = select(CheckoutRow.__table__).where(CheckoutRow.order_id == order_id)
            last = (await connection.execute(query.order_by(CheckoutRow.ordinal.desc()).limit(1))).first()
            if last is not None and (not again or last.status == CheckoutStatus.WANTED or last.tell == A_PERSON):
                return str(order.number)
            useful = instant(now + STILL_USEFUL)
            if last is not None and last.status == CheckoutStatus.OPEN and (
                last.expires_at is None or last.expires_at > useful
            ):
                told = update(CheckoutRow).where(CheckoutRow.id == last.id)
                await connection.execute(told.values(tell=cause, due_at=instant(now)))
                return str(order.number)
            await connection.execute(insert_if_new(connection, CheckoutRow, "id"), [_row(order, last, cause, now)])
            return str(order.number)

        return await self._ledger.write(work)

    async def due(self, now: float, most: int) -> Sequence[Checkout]:
        """With which something is to be done, longest due first."""
        query = (
            select(CheckoutRow.__table__, OrderRow.number, OrderRow.conversation_id)
            .join(OrderRow, OrderRow.id == CheckoutRow.order_id)
            .where(CheckoutRow.due_at <= instant(now))
            .order_by(CheckoutRow.due_at)
            .limit(most)
        )
        async with self._ledger.reading() as connection:
            return [_checkout(row) for row in await connection.execute(query)]

    async def leaves(self, checkout: Checkout, again_at: float | None) -> None:
        """Before the provider is asked: if this process dies now, it is asked again then. None: not again."""
        await self._change(checkout, {"due_at": instant_or_none(again_at), "attempts": checkout.attempts + 1})

    async def waits(self, checkout: Checkout, until: float) -> None:
        """The provider could not give a link; it is asked again then."""
        await self._change(checkout, {"due_at": instant(until)})

    async def by_hand(self, checkout: Checkout) -> dict[str, str]:
        """``{to, instructions}`` of the shop for the same means, to be said where there is no link."""
        async with self._ledger.reading() as connection:
            settings = await connection.scalar(select(Shop.settings).where(Shop.id == checkout.shop_id))
        method = (settings or {}).get("payments", {}).get(checkout.provider) or {}
        return {name: method.get(name, "") for name in ("to", "instructions")}

    async def opened(self, checkout: Checkout, session: Session, now: float) -> None:
        """There is a link; it is to be told."""
        await self._change(
            checkout,
            {
                "status": CheckoutStatus.OPEN.value,
                "session_id": session.id,
                "link": session.link,
                "expires_at": instant_or_none(session.expires_at),
                "attempts": 0,
                "trouble": None,
                "due_at": instant(now),
            },
        )

    async def failed(self, checkout: Checkout, reason: str, now: float) -> None:
        """There is no link; that is to be told."""
        values = {"status": CheckoutStatus.FAILED.value, "trouble": reason, "due_at": instant(now)}
        await self._change(checkout, values)

    async def told(self, checkout: Checkout, now: float) -> None:
        """It stands in the lane. An open one is looked at later."""
        looks = checkout.status is CheckoutStatus.OPEN and checkout.tell != A_PERSON
        look_at = instant(now + LOOKS[0]) if looks else None
        statement = update(CheckoutRow).where(CheckoutRow.id == checkout.id, CheckoutRow.tell == checkout.tell)
        async with self._ledger.writing() as connection:
            await connection.execute(statement.values(tell=None, due_at=look_at, attempts=0))

    async def of_order(self, shop: str, order_id: str) -> Sequence[Any]:
        """An order's links, newest first, as rows."""
        query = (
            select(CheckoutRow.__table__)
            .where(CheckoutRow.shop_id == shop, CheckoutRow.order_id == order_id)
            .order_by(CheckoutRow.ordinal.desc())
        )
        async with self._ledger.reading() as connection:
            return (await connection.execute(query)).all()

    async def _change(self, checkout: Checkout, values: dict[str, Any]) -> None:
        """Unless a callback was quicker."""
        same = (CheckoutRow.id == checkout.id, CheckoutRow.status == checkout.status.value)
        async with self._ledger.writing() as connection:
            await connection.execute(update(CheckoutRow).where(*same).values(**values))


async def _payable(connection: AsyncConnection, order: Any) -> bool:
    """Is it still to be paid, in a way its shop takes by link?"""
    if order.payment_method not in PROVIDERS or order.total_xof <= 0:
        return False
    if order.payment_status not in (PaymentStatus.UNPAID, PaymentStatus.PENDING):
        return False
    if order.status == OrderStatus.CANCELLED:
        return False
    settings = await connection.scalar(select(Shop.settings).where(Shop.id == order.shop_id))
    method = (settings or {}).get("payments", {}).get(order.payment_method) or {}
    return bool(method.get("link"))


def _row(order: Any, last: Any, cause: str, now: float) -> dict[str, Any]:
    ordinal = 1 if last is None else last.ordinal + 1
    return {
        "id": f"{order.id}-{ordinal}",
        "shop_id": order.shop_id,
        "order_id": order.id,
        "ordinal": ordinal,
        "provider": order.payment_method,
        "amount_xof": order.total_xof,
        "status": CheckoutStatus.WANTED.value,
        "attempts": 0,
        "tell": cause,
        "due_at": instant(now),
        "created_at": instant(now),
    }


def _checkout(row: Any) -> Checkout:
    return Checkout(
        id=row.id,
        shop_id=row.shop_id,
        order_id=row.order_id,
        conversation_id=row.conversation_id,
        number=row.number,
        provider=row.provider,
        amount_xof=row.amount_xof,
        status=CheckoutStatus(row.status),
        session_id=row.session_id,
        link=row.link,
        expires_at=row.expires_at.timestamp() if row.expires_at else None,
        attempts=row.attempts,
        tell=row.tell,
    )
