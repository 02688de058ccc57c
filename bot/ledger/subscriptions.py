"""Webhooks as integrators manage them. Every function works within a transaction; none looks at another shop's."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ledger.integrators import DeliveryRow, Replay, Subscription
from bot.ledger.models import Feed, OutboxRow
from bot.ledger.times import shown, shown_or_none

Json = dict[str, Any]

MOST = 10
"""Webhooks of one shop."""
MOST_REPLAYS = 20
"""Stretches waiting to be sent again, a webhook."""
OVERLAP = timedelta(hours=24)
"""How long the old secret signs beside the new one."""


@dataclass(frozen=True, slots=True)
class NewSubscription:
    """``types`` empty: all. ``masked``: whoever made it may not see phone numbers."""

    url: str
    types: Sequence[str]
    description: str
    masked: bool


class TooMany(Exception):
    """The shop has as many as it may have."""


def show(row: Any) -> Json:
    """A webhook as REST shows it, without its secret."""
    return {
        "id": row.id,
        "url": row.url,
        "types": list(row.types),
        "description": row.description,
        "status": row.status,
        "disabled_reason": row.disabled_reason,
        "seq": row.seq,
        "secret_version": row.secret_version,
        "failing_since": shown_or_none(row.failing_since),
        "next_attempt_at": shown_or_none(row.next_at),
        "created_at": shown(row.created_at),
        "updated_at": shown(row.updated_at),
    }


def show_delivery(row: Any) -> Json:
    """One attempt as REST shows it."""
    return {
        "id": str(row.n),
        "event_id": row.event_id,
        "event_seq": row.event_seq,
        "event_type": row.event_type,
        "attempt": row.attempt,
        "replayed": row.replayed,
        "status": row.status,
        "error": row.error,
        "milliseconds": row.milliseconds,
        "at": shown(row.at),
    }


async def last_number(connection: AsyncConnection, shop_id: str) -> int:
    """The last number of a shop's feed."""
    return await connection.scalar(select(Feed.last).where(Feed.shop_id == shop_id)) or 0


async def subscribe(connection: AsyncConnection, shop_id: str, wanted: NewSubscription, now: datetime) -> Json:
    """Make a webhook for what happens from now on. Raises TooMany."""
    mine = select(func.count()).select_from(Subscription).where(Subscription.shop_id == shop_id)
    if (await connection.scalar(mine) or 0) >= MOST:
        raise TooMany
    webhook_id = f"wh_{secrets.token_hex(10)}"
    row = {
        "id": webhook_id,
        "shop_id": shop_id,
        "url": wanted.url,
        "types": list(wanted.types),
        "description": wanted.description,
        "masked": wanted.masked,
        "status": "enabled",
        "seq": await last_number(connection, shop_id),
        "attempts": 0,
        "secret_version": 1,
        "created_at": now,
        "updated_at": now,
    }
    await connection.execute(insert(Subscription).values(**row))
    found = await get(connection, shop_id, webhook_id)
    assert found is not None
    return show(found)


async def get(connection: AsyncConnection, shop_id: str, webhook_id: str, lock: bool = False) -> Any | None:
    """The row, if it is this shop's."""
    query = select(*Subscription.__table__.columns).where(
        Subscription.id == webhook_id, Subscription.shop_id == shop_id
    )
    return (await connection.execute(query.with_for_update() if lock else query)).one_or_none()


async def change(
    connection: AsyncConnection,
    shop_id: str,
    webhook_id: str,
    now: datetime,
    *,
    url: str | None = None,
    types: Sequence[str] | None = None,
    description: str | None = None,
    enabled: bool | None = None,
    from_now: bool = False,
) -> Json | None:
    """Change what is given. Enabling tries at once, from where it stopped or ``from_now``. None: no such webhook."""
    row = await get(connection, shop_id, webhook_id, lock=True)
    if row is None:
        return None
    values: Json = {"updated_at": now}
    given = {"url": url, "types": None if types is None else list(types), "description": description}
    values |= {name: value for name, value in given.items() if value is not None}
    if enabled is True:
        values |= {"status": "enabled", "disabled_reason": None}
        values |= {"attempts": 0, "failing_since": None, "next_at": None}
        if from_now:
            values["seq"] = await last_number(connection, shop_id)
    if enabled is False and row.status == "enabled":
        values |= {"status": "disabled", "disabled_reason": "by_hand"}
    await connection.execute(update(Subscription).where(Subscription.id == webhook_id).values(**values))
    after = await get(connection, shop_id, webhook_id)
    return show(after)


async def remove(connection: AsyncConnection, shop_id: str, webhook_id: str) -> bool:
    """Delete it with its log. False: no such webhook."""
    if await get(connection, shop_id, webhook_id, lock=True) is None:
        return False
    for table in (DeliveryRow, Replay):
        await connection.execute(delete(table).where(table.webhook_id == webhook_id))
    await connection.execute(delete(Subscription).where(Subscription.id == webhook_id))
    return True


async def rotate(connection: AsyncConnection, shop_id: str, webhook_id: str, now: datetime) -> Json | None:
    """A new secret; the old one signs beside it for 24 h. None: no such webhook."""
    row = await get(connection, shop_id, webhook_id, lock=True)
    if row is None:
        return None
    values = {"secret_version": row.secret_version + 1, "old_secret_until": now + OVERLAP, "updated_at": now}
    await connection.execute(update(Subscription).where(Subscription.id == webhook_id).values(**values))
    return show(await get(connection, shop_id, webhook_id))


async def replay(
    connection: AsyncConnection, shop_id: str, webhook_id: str, after: int, until: int, now: datetime
) -> Json | None:
    """Send the events after one number up to another again, in order. None: no such webhook. Raises TooMany."""
    row = await get(connection, shop_id, webhook_id, lock=True)
    if row is None:
        return None
    waiting = select(func.count()).select_from(Replay).where(Replay.webhook_id == webhook_id)
    if (await connection.scalar(waiting) or 0) >= MOST_REPLAYS:
        raise TooMany
    until = min(until, await last_number(connection, shop_id))
    made = {"id": f"rpl_{secrets.token_hex(10)}", "webhook_id": webhook_id, "seq": after, "until_seq": until}
    if after < until:
        await connection.execute(insert(Replay).values(**made, attempts=0, created_at=now))
    return {**made, "created_at": shown(now)}


async def event_number(connection: AsyncConnection, shop_id: str, event_id: str) -> int | None:
    """The number of an event; None when there is none."""
    query = select(OutboxRow.seq).where(OutboxRow.shop_id == shop_id, OutboxRow.id == event_id)
    return await connection.scalar(query)
