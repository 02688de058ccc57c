"""Ways to ask a process whether it is ready. By hand over sockets: an HTTP library would delay every start."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

SECONDS = 2.0

Ready = Callable[[], Awaitable[bool]]


def answers(url: str) -> Ready:
    """Ready when the address answers 200."""
    parts = urlsplit(url)
    port = parts.port or 80
    head = f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"

    async def ask() -> bool:
        return b" 200 " in await _first_line(port, head.encode())

    return ask


def listens(port: int) -> Ready:
    """Ready when the port takes a connection."""

    async def ask() -> bool:
        return await _first_line(port, b"") is not _NOBODY

    return ask


def pongs(port: int) -> Ready:
    """Ready when a Redis answers PING: while it loads its data it takes connections but answers LOADING."""

    async def ask() -> bool:
        return (await _first_line(port, b"PING\r\n")).startswith(b"+PONG")

    return ask


_NOBODY = b"\0"


async def _first_line(port: int, question: bytes) -> bytes:
    """What a port on loopback says first; ``_NOBODY`` when it takes no connection. Without a question: nothing."""
    try:
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                if not question:
                    return b""
                writer.write(question)
                return await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return _NOBODY
