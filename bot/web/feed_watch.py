"""Tells waiting requests and streams that a shop's feed has grown: one look at the ledger for all of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator

from bot.ledger.feed import LedgerFeed
from bot.ports import Unavailable
from bot.web.problems import Problem

LOOK_EVERY = 0.25
STREAMS_PER_KEY = 5
STREAMS = 500


class FeedWatch:
    """Wakes whoever waits. Looks only while somebody does. One a process."""

    def __init__(self, feed: LedgerFeed) -> None:
        self.feed = feed
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._streams = Counter[str]()
        self._looker: asyncio.Task[None] | None = None
        self.closed = False

    @contextlib.asynccontextmanager
    async def waiting(self, shop_id: str) -> AsyncIterator[asyncio.Event]:
        """An event that is set when the shop's feed grows, or the server stops. Read the feed after it is made."""
        bell = asyncio.Event()
        if self.closed:
            bell.set()
        self._waiting[shop_id].add(bell)
        if self._looker is None or self._looker.done():
            self._looker = asyncio.create_task(self._look())
        try:
            yield bell
        finally:
            self._waiting[shop_id].discard(bell)
            if not self._waiting[shop_id]:
                del self._waiting[shop_id]

    @contextlib.contextmanager
    def stream_of(self, key_id: str) -> Iterator[None]:
        """Room for one stream. Raises a 429 when the key or the server has as many as it may."""
        if self._streams[key_id] >= STREAMS_PER_KEY or self._streams.total() >= STREAMS:
            raise Problem("too-many-requests", "Too many open streams.", headers={"Retry-After": "30"})
        self._streams[key_id] += 1
        try:
            yield
        finally:
            self._streams[key_id] -= 1

    @property
    def streams(self) -> int:
        """How many are open."""
        return self._streams.total()

    def close(self) -> None:
        """Let everybody end."""
        self.closed = True
        for bells in list(self._waiting.values()):
            for bell in bells:
                bell.set()

    async def _look(self) -> None:
        known: dict[str, int] = {}
        while self._waiting and not self.closed:
            with contextlib.suppress(Unavailable):
                last = await self.feed.lasts()
                for shop_id, bells in list(self._waiting.items()):
                    if last.get(shop_id, 0) != known.get(shop_id):
                        for bell in bells:
                            bell.set()
                known = last
            await asyncio.sleep(LOOK_EVERY)
