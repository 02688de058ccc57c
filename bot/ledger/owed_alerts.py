"""Alerts that are owed to a shop's people: written with what caused them, so that none is lost and none comes twice."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core import incidents
from bot.core.addresses import ChannelName, ShopId, parse
from bot.core.orders import OrderStatus
from bot.core.shops import AlertTo, Shop
from bot.core.triage import BASKET_SECONDS
from bot.ledger.models import AddressRow, ConversationRow, Customer, OrderRow
from bot.ledger.outage_models import AlertRow
from bot.ledger.statements import insert_if_new
from bot.ledger.times import instant
from bot.ports import DueAlert

KEPT = timedelta(hours=2)
"""News older than that helps nobody."""
TODAY = timedelta(hours=36)
"""An order that was placed so recently, and has not arrived, is delivered today."""
ON_THE_WAY = (OrderStatus.CONFIRMED.value, OrderStatus.PACKED.value, OrderStatus.OUT_FOR_DELIVERY.value)
MOST_DELIVERIES = MOST_CALLS = 200
_OPEN = ("waiting", "sending")


def owed(
    cause: str,
    kind: str,
    shop: Shop,
    to: AlertTo,
    text: str,
    now: datetime,
    incident: str | None,
    after: datetime,
) -> dict[str, Any]:
    """A row. ``cause`` and the address make its id: the same cause is told to the same address once."""
    return {
        "id": _id(cause, to),
        "shop_id": shop.id,
        "incident_id": incident,
        "kind": kind,
        "name": to.name,
        "address": str(to.address),
        "role": to.role,
        "text": text,
        "status": "waiting",
        "attempts": 0,
        "not_before": max(after, now),
        "created_at": now,
        "expires_at": max(after, now) + KEPT,
        "sent_at": None,
        "provider_id": None,
        "detail": None,
        "cost_xof": 0,
    }


def _id(cause: str, to: AlertTo) -> str:
    """Tells no address: it travels in callback addresses."""
    return hashlib.blake2b(f"{cause}\n{to.address}".encode(), digest_size=12).hexdigest()


async def known(connection: AsyncConnection, alert_id: str) -> bool:
    """Was it owed before?"""
    return await connection.scalar(select(AlertRow.id).where(AlertRow.id == alert_id)) is not None


async def add(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Owe them, unless they were owed before."""
    if rows:
        await connection.execute(insert_if_new(connection, AlertRow, "id"), list(rows))


def owners(shop: Shop, avoid: Collection[ChannelName] = ()) -> list[AlertTo]:
    """Whom to tell: on another channel than a dead one. Who has only that one is told there when it is back."""
    people = [to for to in shop.alerts if to.role == "owner"]
    elsewhere = [to for to in people if to.address.channel not in avoid]
    told = {to.name for to in elsewhere}
    return elsewhere + [to for to in people if to.name not in told]


async def deliveries(connection: AsyncConnection, shop_id: str, now: datetime) -> list[incidents.Delivery]:
    """What riders have to deliver today, the oldest first."""
    query = (
        select(OrderRow.number, OrderRow.name, OrderRow.phone, OrderRow.commune, OrderRow.landmark)
        .where(
            OrderRow.shop_id == shop_id, OrderRow.status.in_(ON_THE_WAY), OrderRow.created_at >= now - TODAY
        )
        .order_by(OrderRow.created_at)
        .limit(MOST_DELIVERIES)
    )
    return [
        incidents.Delivery(row.number, row.name or "", row.phone or "", row.commune, row.landmark or "")
        for row in await connection.execute(query)
    ]


async def calls(connection: AsyncConnection, shop_id: str, now: datetime) -> list[incidents.Call]:
    """Open baskets whose owners have a number to call, the most urgent first."""
    query = (
        select(ConversationRow.customer_id, Customer.name, ConversationRow.basket_xof)
        .join(Customer, Customer.id == ConversationRow.customer_id)
        .where(
            ConversationRow.shop_id == shop_id,
            ConversationRow.basket_xof > 0,
            ConversationRow.erased_at.is_(None),
            ConversationRow.last_message_at >= now - timedelta(seconds=BASKET_SECONDS),
        )
        .order_by(ConversationRow.urgency.desc(), ConversationRow.id)
        .limit(MOST_CALLS)
    )
    found = list(await connection.execute(query))
    numbers = await phones(connection, [row.customer_id for row in found])
    return [
        incidents.Call(row.name or "", numbers[row.customer_id], row.basket_xof)
        for row in found
        if row.customer_id in numbers
    ]


async def phones(connection: AsyncConnection, customers: Sequence[str]) -> dict[str, str]:
    """The first number that is known of each of these customers, for those who have one."""
    query = (
        select(AddressRow.customer_id, AddressRow.address)
        .where(AddressRow.customer_id.in_(customers))
        .order_by(AddressRow.ordinal.desc())
    )
    numbers = ((row.customer_id, row.address.partition(":")[2]) for row in await connection.execute(query))
    return {customer: number for customer, number in numbers if number.startswith("+")}


async def withdraw(connection: AsyncConnection, incident_id: str, kind: str) -> int:
    """Take back what has not left; how many."""
    done = await connection.execute(
        update(AlertRow)
        .where(AlertRow.incident_id == incident_id, AlertRow.kind == kind, AlertRow.status == "waiting")
        .values(status="expired", detail="overtaken")
    )
    return done.rowcount


async def last_sent(connection: AsyncConnection, incident_id: str) -> datetime | None:
    """When the owner last heard of this outage."""
    return await connection.scalar(
        select(func.max(AlertRow.sent_at)).where(
            AlertRow.incident_id == incident_id, AlertRow.status == "sent", AlertRow.role == "owner"
        )
    )


async def due(connection: AsyncConnection, now: datetime, most: int) -> list[tuple[DueAlert, bool]]:
    """What is to be sent now, the oldest first, each with whether nobody needs it any more."""
    query = (
        select(
            AlertRow.id,
            AlertRow.shop_id,
            AlertRow.address,
            AlertRow.text,
            AlertRow.attempts,
            AlertRow.expires_at,
        )
        .where(AlertRow.status.in_(_OPEN), AlertRow.not_before <= now)
        .order_by(AlertRow.not_before, AlertRow.id)
        .limit(most)
    )
    found = []
    for row in await connection.execute(query):
        address = parse(row.address)
        if address is not None:
            alert = DueAlert(row.id, ShopId(row.shop_id), address, row.text, row.attempts)
            found.append((alert, row.expires_at <= now))
    return found


async def expire(connection: AsyncConnection, now: datetime) -> None:
    """End what nobody needs any more."""
    await connection.execute(
        update(AlertRow)
        .where(AlertRow.status.in_(_OPEN), AlertRow.expires_at <= now)
        .values(status="expired")
    )


async def leaves(connection: AsyncConnection, alert: DueAlert, again_at: float) -> None:
    await _change(
        connection, alert, status="sending", attempts=AlertRow.attempts + 1, not_before=instant(again_at)
    )


async def waits(connection: AsyncConnection, alert: DueAlert, until: float, detail: str) -> None:
    await _change(connection, alert, status="waiting", not_before=instant(until), detail=detail)


async def ended(
    connection: AsyncConnection,
    alert: DueAlert,
    status: str,
    now: float,
    detail: str,
    provider_id: str | None,
    cost_xof: int,
) -> None:
    sent_at = instant(now) if status == "sent" else None
    await _change(
        connection,
        alert,
        status=status,
        sent_at=sent_at,
        detail=detail,
        provider_id=provider_id,
        cost_xof=cost_xof,
    )


async def _change(connection: AsyncConnection, alert: DueAlert, **values: Any) -> None:
    await connection.execute(update(AlertRow).where(AlertRow.id == alert.id).values(**values))
