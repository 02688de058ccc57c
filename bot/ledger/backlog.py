"""What the ledger still has to do or to hear, in figures for the operator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from bot.ledger.engine import Ledger
from bot.ledger.integrators import Subscription
from bot.ledger.models import MessageRow, OutboxRow, Shop
from bot.ledger.times import utc_now

SINCE = timedelta(minutes=15)
_OFF = ("accepted", "sending", "unknown")


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Counts, and the age of the oldest in seconds, 0 when there is none."""

    unnumbered: int
    unnumbered_age: float
    unconfirmed: int
    unconfirmed_age: float
    hooks_failing: int


async def unfinished(ledger: Ledger) -> Unfinished:
    """Three short queries, each on an index. Raises Unavailable."""
    now = utc_now()
    outbox = select(func.count(), func.min(OutboxRow.occurred_at)).where(OutboxRow.seq.is_(None))
    # By shop, because that is how messages are indexed.
    silent = select(func.count(), func.min(MessageRow.created_at)).where(
        MessageRow.shop_id.in_(select(Shop.id)),
        MessageRow.created_at > now - SINCE,
        MessageRow.direction == "out",
        MessageRow.status.in_(_OFF),
    )
    failing = select(func.count()).select_from(Subscription).where(Subscription.failing_since.is_not(None))
    async with ledger.reading() as connection:
        unnumbered, first = (await connection.execute(outbox)).one()
        unconfirmed, oldest = (await connection.execute(silent)).one()
        hooks = (await connection.execute(failing)).scalar_one()
    return Unfinished(unnumbered, _age(first, now), unconfirmed, _age(oldest, now), hooks)


def _age(first: datetime | None, now: datetime) -> float:
    return 0.0 if first is None else max((now - first).total_seconds(), 0.0)
