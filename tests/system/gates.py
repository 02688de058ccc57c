"""A relay between two processes under test: everything passes, until a test holds or shuts one direction.

It makes a crash strike exactly where a row of the crash table says: the bytes of an answer are here, and have not
arrived there.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections import Counter
from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

CHUNK = 65536
STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")

Direction = Literal["requests", "answers"]


class Loop:
    """One event loop in a thread of its own, for all gates of a session."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.servers: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; what still passes is cut."""
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    async def _end(self) -> None:
        for server in self.servers:
            server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Gate:
    """Listens on ``port`` and relays to ``lead_to``; before that is known, and while shut, it hangs up."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop.loop
        self._servers = loop.servers
        self._target: tuple[str, int] | None = None
        self._shut = False
        self._passing: dict[Direction, asyncio.Event] = {}
        self._kept: dict[Direction, bytes] = {"requests": b"", "answers": b""}
        self._seen: dict[Direction, threading.Event] = {"requests": threading.Event(), "answers": threading.Event()}
        self._pairs: set[asyncio.Task[None]] = set()
        self.statuses: Counter[int] = Counter()
        """HTTP answers that came, by status, since a test last cleared it."""
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def lead_to(self, url: str) -> None:
        """Relay to the host and port of this address from now on."""
        parts = urlsplit(url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 0)

    def hold(self, direction: Direction) -> None:
        """Keep what comes in this direction here."""
        self._kept[direction] = b""
        self._seen[direction].clear()
        self._call(self._passing[direction].clear)

    def caught(self, direction: Direction, seconds: float = 20.0) -> bytes:
        """Wait until something is held in this direction, and look at it."""
        assert self._seen[direction].wait(seconds), f"no {direction} came within {seconds:g} s"
        return self._kept[direction]

    def release(self) -> None:
        """Let everything pass again, what was held first."""
        for event in self._passing.values():
            self._call(event.set)

    def shut(self) -> None:
        """Hang up on everybody, and on whoever calls from now on."""
        self._shut = True
        self._call(self._hang_up)

    def reopen(self) -> None:
        self._shut = False

    def _call(self, function: Callable[[], None]) -> None:
        async def run() -> None:
            function()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    def _hang_up(self) -> None:
        for pair in self._pairs:
            pair.cancel()

    async def _listen(self) -> int:
        for direction in ("requests", "answers"):
            self._passing[direction] = event = asyncio.Event()  # type: ignore[index]
            event.set()
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def _relay(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pairs.add(task)
        writers = [near_out]
        try:
            if self._shut or self._target is None:
                return
            far_in, far_out = await asyncio.open_connection(*self._target)
            writers.append(far_out)
            pumps = [
                asyncio.create_task(self._pump("requests", near_in, far_out)),
                asyncio.create_task(self._pump("answers", far_in, near_out)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass  # hung up
        finally:
            self._pairs.discard(task)
            for writer in writers:
                with contextlib.suppress(OSError):
                    writer.transport.abort()

    async def _pump(self, direction: Direction, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(CHUNK):
                if direction == "answers" and (status := STATUS.match(data)):
                    self.statuses[int(status[1])] += 1
                if not self._passing[direction].is_set():
                    self._kept[direction] += data
                    self._seen[direction].set()
                    await self._passing[direction].wait()
                target.write(data)
                await target.drain()
            with contextlib.suppress(OSError):
                target.write_eof()
