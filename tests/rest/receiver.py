"""Somebody's server that webhooks are sent to: it can fail, hang, be slow, and die."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook


@dataclass
class Receiver:
    """Keeps what it was sent. ``answer`` decides the status of each; None: say nothing for ever."""

    secret: str = ""
    answer: Callable[[dict[str, Any]], int | None] = lambda event: 200
    port: int = 0
    seen: list[dict[str, Any]] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    extra: str = ""
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await self._requests(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:] if line)
            }
            body = await reader.readexactly(int(headers["content-length"]))
            # The official library is the judge of our signatures; it raises for a wrong one.
            Webhook(self.secret).verify(body, headers)
            event = json.loads(body)
            self.seen.append(event)
            status = self.answer(event)
            if status is None:
                await reader.read()
                return
            if status is not None and 200 <= status < 300:
                self.taken.append(event)
                self.ids.append(headers["webhook-id"])
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n{self.extra}\r\n".encode())
            await writer.drain()


@contextlib.asynccontextmanager
async def receiving(**how: Any) -> AsyncIterator[Receiver]:
    found = Receiver(**how)
    await found.start()
    try:
        yield found
    finally:
        await found.stop()
