"""Sends the feed to its webhooks: at least once, in order for each, and nobody waits for somebody else's server.

One event of a webhook is under way at a time; the next one goes when it was taken. What is kept is only the place in
the feed, so ``kill -9`` at any moment repeats at most one event, under the same ``webhook-id``.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.core.masking import masked
from bot.hooks import signing
from bot.hooks.client import HookClient, Tried
from bot.ledger.deliveries import Attempt, Due, LedgerDeliveries
from bot.ledger.times import utc_now
from bot.metrics import METRICS
from bot.ports import Unavailable

log = structlog.get_logger()

AT_ONCE = 32
PER_SHOP = 4
"""So that one shop's dead servers leave room for the others'."""
PER_TURN = 20
"""Events in a row before the webhook stands behind the others again."""
LOOK_EVERY = 0.25
FIRST_WAIT, LONGEST_WAIT = 5.0, 4 * 3600.0
GIVE_UP_AFTER = timedelta(days=3)


def backoff(attempts: int, roll: Callable[[], float] = random.random) -> float:
    """Seconds after so many failures: 5, 20, 80, ... up to 4 hours, each give or take a fifth."""
    wait = min(FIRST_WAIT * 4.0 ** min(attempts - 1, 10), LONGEST_WAIT)
    return wait * (0.8 + 0.4 * roll())


class Sender:
    """The job. Two at once send twice but lose nothing; the lease only spares that."""

    def __init__(
        self,
        deliveries: LedgerDeliveries,
        client: HookClient,
        root_secret: bytes,
        *,
        wait: Callable[[int], float] = backoff,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._deliveries = deliveries
        self._client = client
        self._root = root_secret
        self._wait = wait
        self._now = now
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._per_shop = Counter[str]()

    async def run(self, stop: asyncio.Event) -> None:
        """Send for ever. Raises Unavailable; the caller tries again."""
        try:
            while not stop.is_set():
                await self.start_due()
                await asyncio.sleep(LOOK_EVERY)
        finally:
            under_way = list(self._busy.values())
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def start_due(self) -> int:
        """Begin whatever is due and has room; how much. Raises Unavailable."""
        started = 0
        # What ended while the ledger was read was read as it stood before.
        before = set(self._busy)
        for due in await self._deliveries.due(self._now()):
            if len(self._busy) >= AT_ONCE:
                break
            if due.key in before or due.key in self._busy or self._per_shop[due.shop_id] >= PER_SHOP:
                continue
            self._per_shop[due.shop_id] += 1
            task = asyncio.create_task(self._turn(due))
            self._busy[due.key] = task
            task.add_done_callback(lambda _, due=due: self._ended(due))  # type: ignore[misc]
            started += 1
        return started

    def _ended(self, due: Due) -> None:
        del self._busy[due.key]
        self._per_shop[due.shop_id] -= 1

    async def _turn(self, due: Due) -> None:
        """Some events of one webhook, in order, until one is not taken."""
        try:
            await self._some(due)
        except Unavailable as error:
            log.warning("hooks.ledger_unreachable", detail=str(error))
        except Exception:
            # One webhook's trouble must not end the job for all; it is tried again when it is next due.
            log.exception("hooks.turn_failed", webhook=due.webhook_id)

    async def _some(self, due: Due) -> None:
        events, seen = await self._deliveries.events(due)
        for event in events[:PER_TURN]:
            due = _at(due, event["seq"] - 1)
            if not await self._one(due, event):
                return
            due = _fresh(due, event["seq"])
        if len(events) <= PER_TURN and seen > due.seq:
            await self._deliveries.taken(due, seen, None)

    async def _one(self, due: Due, event: dict[str, Any]) -> bool:
        """One attempt; False ends the turn."""
        at = self._now()
        shown = masked(event) if due.masked else event
        body = json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {
            "content-type": "application/json",
            "user-agent": "Relais-Webhooks/1",
            **signing.headers(event["id"], int(time.time()), body, self._secrets(due, at)),
        }
        tried = await self._client.post(due.url, body, headers)
        word = "taken" if tried.taken else "refused" if tried.status is not None else "unreachable"
        METRICS.hook_seconds.labels(word).observe(tried.milliseconds / 1000)
        attempt = Attempt(
            event_id=event["id"],
            event_seq=event["seq"],
            event_type=event["type"],
            number=due.attempts + 1,
            status=tried.status,
            error=tried.error,
            milliseconds=tried.milliseconds,
            at=at,
        )
        if tried.taken:
            await self._deliveries.taken(due, event["seq"], attempt)
            return True
        await self._not_taken(due, attempt, tried)
        return False

    async def _not_taken(self, due: Due, attempt: Attempt, tried: Tried) -> None:
        since = due.failing_since or attempt.at
        if tried.status == 410:
            await self._deliveries.disable(due, attempt, "gone")
        elif attempt.at - since >= GIVE_UP_AFTER:
            await self._deliveries.disable(due, attempt, "failing")
        else:
            wait = max(self._wait(attempt.number), min(tried.retry_after or 0.0, LONGEST_WAIT))
            await self._deliveries.failed(due, attempt, self._now() + timedelta(seconds=wait))

    def _secrets(self, due: Due, at: datetime) -> list[bytes]:
        versions = [due.secret_version]
        if due.old_secret_until is not None and at < due.old_secret_until:
            versions.append(due.secret_version - 1)
        return [signing.secret_of(self._root, due.webhook_id, version) for version in versions]


def _at(due: Due, seq: int) -> Due:
    """The same work at the place before an event; what lies between was not wanted."""
    return due if due.seq >= seq else replace(due, seq=seq)


def _fresh(due: Due, seq: int) -> Due:
    """After an event was taken: no failures so far."""
    return replace(due, seq=seq, attempts=0, failing_since=None)
