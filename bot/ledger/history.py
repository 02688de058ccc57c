"""What a shop's channels were like, day by day: outages from the incidents, and whether there was any traffic to know from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select

from bot.ledger.engine import Ledger
from bot.ledger.models import MessageRow
from bot.ledger.outage_models import Incident

MOST = 200


@dataclass(frozen=True, slots=True)
class Day:
    """One channel on one day (UTC, which is Abidjan's). ``down`` seconds; without messages nothing is known."""

    date: date
    messages: int
    down: float

    @property
    def look(self) -> str:
        """``b-down`` from half an hour on, ``b-suspect`` for less, ``b-up``, or ``b-none``."""
        if self.down >= 1800:
            return "b-down"
        if self.down > 0:
            return "b-suspect"
        return "b-up" if self.messages else "b-none"


async def incidents(ledger: Ledger, shop: str, since: datetime) -> Sequence[Any]:
    """Outages that lasted into a span of time, newest first, 200 at most. Raises Unavailable."""
    query = (
        select(Incident.__table__)
        .where(Incident.shop_id == shop, or_(Incident.ended_at.is_(None), Incident.ended_at >= since))
        .order_by(Incident.began_at.desc())
        .limit(MOST)
    )
    async with ledger.reading() as connection:
        return (await connection.execute(query)).all()


async def days(ledger: Ledger, shop: str, number: int, now: datetime) -> dict[str, list[Day]]:
    """Channel -> its last days, oldest first. Raises Unavailable."""
    today = now.astimezone(UTC).date()
    dates = [today - timedelta(days=back) for back in reversed(range(number))]
    since = datetime.combine(dates[0], datetime.min.time(), UTC)
    day = func.date(MessageRow.created_at)
    query = (
        select(MessageRow.channel, day, func.count())
        .where(MessageRow.shop_id == shop, MessageRow.created_at >= since, MessageRow.channel.is_not(None))
        .group_by(MessageRow.channel, day)
    )
    async with ledger.reading() as connection:
        counts = {(row[0], str(row[1])): row[2] for row in await connection.execute(query)}
    outages = await incidents(ledger, shop, since)
    channels = {channel for channel, _ in counts} | {row.channel for row in outages}
    return {
        channel: [
            Day(
                date,
                counts.get((channel, date.isoformat()), 0),
                sum(_overlap(row, date, now) for row in outages if row.channel == channel),
            )
            for date in dates
        ]
        for channel in channels
    }


def _overlap(row: Any, day: date, now: datetime) -> float:
    """Seconds of an outage within a day."""
    begin = datetime.combine(day, datetime.min.time(), UTC)
    end = begin + timedelta(days=1)
    seconds: float = (min(end, row.ended_at or now) - max(begin, row.began_at)).total_seconds()
    return max(0.0, seconds)
