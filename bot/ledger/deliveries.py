"""What the webhook sender reads and writes: who is due with what, and how each attempt ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ledger import views
from bot.ledger.engine import Ledger
from bot.ledger.integrators import DeliveryRow, Replay, Subscription
from bot.ledger.models import Feed, OutboxRow
from bot.ledger.outbox import event_row, tell

PAGE = 50
"""Events read at once."""
MOST_DUE = 500


@dataclass(frozen=True, slots=True)
class Due:
    """A stretch of work: a webhook's own place in the feed, or one of its replays."""

    webhook_id: str
    replay_id: str | None
    shop_id: str
    url: str
    types: tuple[str, ...]
    masked: bool
    seq: int
    until_seq: int | None
    attempts: int
    failing_since: datetime | None
    secret_version: int
    old_secret_until: datetime | None

    @property
    def key(self) -> str:
        """One at a time has this key in hand."""
        return self.replay_id or self.webhook_id


@dataclass(frozen=True, slots=True)
class Attempt:
    """One POST that was made."""

    event_id: str
    event_seq: int
    event_type: str
    number: int
    status: int | None
    error: str | None
    milliseconds: int
    at: datetime


class LedgerDeliveries:
    """The sender's side of webhooks. Every method raises Unavailable."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def due(self, now: datetime) -> list[Due]:
        """Enabled webhooks with something unread and no wait before them, and replays; longest waiting first."""
        own = (
            select(*Subscription.__table__.columns)
            .join(Feed, Feed.shop_id == Subscription.shop_id)
            .where(Subscription.status == "enabled", Feed.last > Subscription.seq, _free(Subscription, now))
            .order_by(Subscription.next_at, Subscription.id)
            .limit(MOST_DUE)
        )
        again = (
            select(
                *Subscription.__table__.columns,
                Replay.id.label("replay_id"),
                Replay.seq.label("replay_seq"),
                Replay.until_seq,
                Replay.attempts.label("replay_attempts"),
                Replay.failing_since.label("replay_failing_since"),
            )
            .join(Replay, Replay.webhook_id == Subscription.id)
            .where(Subscription.status == "enabled", _free(Replay, now))
            .order_by(Replay.created_at, Replay.id)
            .limit(MOST_DUE)
        )
        async with self._ledger.reading() as connection:
            found = [_due(row) for row in await connection.execute(own)]
            return found + [_due(row, again=True) for row in await connection.execute(again)]

    async def events(self, due: Due) -> tuple[list[views.Json], int]:
        """The next events it wants, and up to which number the feed was looked through."""
        query = (
            select(OutboxRow.__table__)
            .where(OutboxRow.shop_id == due.shop_id, OutboxRow.seq > due.seq)
            .order_by(OutboxRow.seq)
            .limit(PAGE)
        )
        if due.until_seq is not None:
            query = query.where(OutboxRow.seq <= due.until_seq)
        async with self._ledger.reading() as connection:
            rows = (await connection.execute(query)).all()
        seen = rows[-1].seq if rows else due.seq
        if due.until_seq is not None and len(rows) < PAGE:
            seen = max(seen, due.until_seq)
        return [views.event(row) for row in rows if not due.types or row.type in due.types], seen

    async def taken(self, due: Due, seq: int, attempt: Attempt | None) -> None:
        """Everything up to ``seq`` is done with. A place never goes back: a sender that was paused may come late."""

        async def work(connection: AsyncConnection) -> None:
            await _log(connection, due, attempt)
            table, key = _place(due)
            values = {"seq": seq, "attempts": 0, "failing_since": None, "next_at": None}
            await connection.execute(update(table).where(table.id == key, table.seq < seq).values(**values))
            if due.replay_id is not None:
                done = (Replay.id == due.replay_id, Replay.seq >= Replay.until_seq)
                await connection.execute(delete(Replay).where(*done))

        await self._ledger.write(work)

    async def failed(self, due: Due, attempt: Attempt, again_at: datetime) -> None:
        """Try the same event again, not before ``again_at``."""

        async def work(connection: AsyncConnection) -> None:
            await _log(connection, due, attempt)
            table, key = _place(due)
            # What lies before the event was not wanted, or is done with.
            values: dict[str, Any] = {
                "seq": attempt.event_seq - 1,
                "attempts": attempt.number,
                "failing_since": due.failing_since or attempt.at,
                "next_at": again_at,
            }
            same = (table.id == key, table.seq < attempt.event_seq)
            await connection.execute(update(table).where(*same).values(**values))

        await self._ledger.write(work)

    async def disable(self, due: Due, attempt: Attempt, reason: str) -> None:
        """No more attempts until somebody enables it; the feed is told, so the vendor is."""

        async def work(connection: AsyncConnection) -> None:
            await _log(connection, due, attempt)
            values = {"status": "disabled", "disabled_reason": reason, "updated_at": attempt.at}
            changed = await connection.execute(
                update(Subscription)
                .where(Subscription.id == due.webhook_id, Subscription.status == "enabled")
                .values(**values)
                .returning(Subscription.id)
            )
            if changed.first() is None:
                return
            cause = f"webhook.disabled:{due.webhook_id}:{attempt.event_seq}:{attempt.number}"
            told = {"webhook_id": due.webhook_id, "url": due.url, "reason": reason}
            await tell(connection, [event_row(due.shop_id, cause, "webhook.disabled", attempt.at, told)])

        await self._ledger.write(work)


def _free(table: type[Subscription] | type[Replay], now: datetime) -> ColumnElement[bool]:
    return or_(table.next_at.is_(None), and_(table.next_at <= now))


def _place(due: Due) -> tuple[Any, str]:
    return (Subscription, due.webhook_id) if due.replay_id is None else (Replay, due.replay_id)


async def _log(connection: AsyncConnection, due: Due, attempt: Attempt | None) -> None:
    if attempt is None:
        return
    row = {
        "webhook_id": due.webhook_id,
        "shop_id": due.shop_id,
        "event_id": attempt.event_id,
        "event_seq": attempt.event_seq,
        "event_type": attempt.event_type,
        "attempt": attempt.number,
        "replayed": due.replay_id is not None,
        "status": attempt.status,
        "error": attempt.error,
        "milliseconds": attempt.milliseconds,
        "at": attempt.at,
    }
    # A webhook that was deleted while it was called has no log.
    there = select(Subscription.id).where(Subscription.id == due.webhook_id)
    if (await connection.execute(there)).first() is not None:
        await connection.execute(insert(DeliveryRow).values(**row))


def _due(row: Any, again: bool = False) -> Due:
    return Due(
        webhook_id=row.id,
        replay_id=row.replay_id if again else None,
        shop_id=row.shop_id,
        url=row.url,
        types=tuple(row.types),
        masked=row.masked,
        seq=row.replay_seq if again else row.seq,
        until_seq=row.until_seq if again else None,
        attempts=row.replay_attempts if again else row.attempts,
        failing_since=row.replay_failing_since if again else row.failing_since,
        secret_version=row.secret_version,
        old_secret_until=row.old_secret_until,
    )


