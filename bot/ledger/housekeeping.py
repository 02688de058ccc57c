"""Removing what has had its time: kept answers after a day, events and the log of attempts after 30."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from bot.ledger import answers
from bot.ledger.engine import Ledger
from bot.ledger.integrators import DeliveryRow
from bot.ledger.models import OutboxRow
from bot.ledger.times import utc_now

EVENTS_KEPT = timedelta(days=30)
BATCH = 500
"""Small: orders must not wait for it."""
EVERY_SECONDS = 900.0


class Housekeeping:
    """The job."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime] = utc_now) -> None:
        self._ledger = ledger
        self._now = now

    async def once(self) -> int:
        """Remove everything that is due, in small transactions; how much. Raises Unavailable."""
        now = self._now()
        gone = await self._ledger.write(lambda connection: answers.forget(connection, now))
        gone += await self._remove(OutboxRow.n, OutboxRow.occurred_at < now - EVENTS_KEPT, OutboxRow.seq > 0)
        return gone + await self._remove(DeliveryRow.n, DeliveryRow.at < now - EVENTS_KEPT)

    async def _remove(self, key: Any, *where: Any) -> int:
        gone = 0
        while True:
            some = select(key).where(*where).order_by(key).limit(BATCH)
            async with self._ledger.writing() as connection:
                done = await connection.execute(delete(key.class_).where(key.in_(some)))
            gone += done.rowcount
            if done.rowcount < BATCH:
                return gone

    async def run(self, stop: asyncio.Event) -> None:
        """Keep house for ever. Raises Unavailable; the caller tries again."""
        while not stop.is_set():
            await self.once()
            await asyncio.sleep(EVERY_SECONDS)
