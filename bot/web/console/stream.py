"""``/console/stream``: one event stream a tab. It says which conversations changed; the page asks for what it shows.

The ledger is asked, not Redis: what a page shows it reads from there, and must not be told before it can see it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator
from typing import Any

from sanic import HTTPResponse

from bot.ledger.inbox import LedgerInbox
from bot.ports import Unavailable
from bot.web.console.page import Page
from bot.web.console.rights import Right
from bot.web.console.visit import Visit

LOOK_EVERY = 0.25
HEARTBEAT = 8.0
"""Seconds; under the server's ``RESPONSE_TIMEOUT``, which ends a stream that says nothing."""
SESSION_EVERY = 30.0
"""A stream outlives a sign-out by this at most."""
OVERLAP_MS = 10_000
"""Partitions are projected side by side: an older mark may appear after a newer one, by less than this."""
MOST_STREAMS = 200
QUEUE = 50


class Watch:
    """One look at the ledger for all tabs of a shop; it runs only while somebody looks."""

    def __init__(self, inbox: LedgerInbox, shop: str) -> None:
        self._inbox = inbox
        self._shop = shop
        self._queues: set[asyncio.Queue[list[str] | None]] = set()
        self._task: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[asyncio.Queue[list[str] | None]]:
        """Ids of conversations as they change; None: too many to name, look at everything again."""
        queue: asyncio.Queue[list[str] | None] = asyncio.Queue(QUEUE)
        self._queues.add(queue)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        try:
            yield queue
        finally:
            self._queues.discard(queue)
            if not self._queues and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _look(self) -> None:
        newest: str | None = None
        seen: dict[str, str] = {}
        while True:
            try:
                if newest is None:
                    newest = await self._inbox.newest_mark(self._shop)
                    seen = dict(await self._inbox.changed(self._shop, _before(newest)))
                found = await self._inbox.changed(self._shop, _before(newest))
                fresh = [id_ for id_, mark in found if seen.get(id_, "") < mark]
                seen = dict(found)
                newest = max((newest, *seen.values()))
                if fresh:
                    self._tell(fresh)
            except Unavailable:
                await asyncio.sleep(1.0)
            await asyncio.sleep(LOOK_EVERY)

    def _tell(self, ids: list[str]) -> None:
        for queue in self._queues:
            try:
                queue.put_nowait(ids)
            except asyncio.QueueFull:
                # A slow phone: forget what it missed and tell it to look at everything.
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)


def _before(mark: str) -> str:
    """A mark some seconds earlier: ``<ms, 16 digits>-<n, 8 digits>``."""
    milliseconds = mark.partition("-")[0]
    if not milliseconds:
        return ""
    return f"{max(0, int(milliseconds) - OVERLAP_MS):016d}-{0:08d}"


class Streams:
    """All open streams of this process."""

    def __init__(self) -> None:
        self._watches: dict[str, Watch] = {}
        self.open = 0
        self._closing = asyncio.Event()

    def watch(self, visit: Visit) -> Watch:
        if visit.shop not in self._watches:
            self._watches[visit.shop] = Watch(LedgerInbox(visit.console.ledger), visit.shop)
        return self._watches[visit.shop]

    def close(self) -> None:
        """Before the server stops: say when to come back, and end."""
        self._closing.set()

    @property
    def closing(self) -> asyncio.Event:
        return self._closing


async def stream(visit: Visit) -> HTTPResponse:
    """Server-sent events: ``hello``, ``changed`` with ids, ``resync``."""
    streams: Streams = visit.request.app.ctx.console_streams
    if streams.open >= MOST_STREAMS:
        return HTTPResponse("", 503, {"Retry-After": "10"})
    response = await visit.request.respond(
        content_type="text/event-stream; charset=utf-8",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
    assert response is not None
    streams.open += 1
    try:
        await response.send(_event("hello", {}, retry=random.randint(2000, 5000)))
        async with streams.watch(visit).listening() as queue:
            await _feed(visit, streams, response, queue)
    finally:
        streams.open -= 1
    await response.eof()
    return response  # type: ignore[no-any-return]


async def _feed(
    visit: Visit, streams: Streams, response: Any, queue: asyncio.Queue[list[str] | None]
) -> None:
    checked = visit.now
    closing = asyncio.create_task(streams.closing.wait())
    try:
        while not streams.closing.is_set():
            asked = asyncio.create_task(queue.get())
            await asyncio.wait({asked, closing}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
            if asked.done():
                ids = asked.result()
                await response.send(_event("resync", {}) if ids is None else _event("changed", {"ids": ids}))
            else:
                asked.cancel()
                await response.send(": hb\n\n")
            if visit.now - checked >= SESSION_EVERY:
                checked = visit.now
                if not await _still_signed_in(visit):
                    await response.send(_event("bye", {}))
                    return
        await response.send(_event("hello", {}, retry=random.randint(2000, 10000)))
    finally:
        closing.cancel()


async def _still_signed_in(visit: Visit) -> bool:
    try:
        session = await visit.console.sessions.find(visit.word, visit.now)
        user = await visit.console.users.get(visit.user.id)
    except Unavailable:
        return True
    return session is not None and user is not None and user.epoch == session.epoch


def _event(name: str, data: dict[str, Any], retry: int | None = None) -> str:
    head = f"retry: {retry}\n" if retry is not None else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


PAGES = (Page("GET", "/stream", Right.READ, stream, endless=True),)
