"""One POST to a stranger's server: bounded in time, size and place, never followed elsewhere."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpcore

from bot.hooks.guard import Guard, GuardedBackend, RefusedAddress

ATTEMPT_SECONDS = 15.0
"""For all of it: a body that drips byte by byte would outlive any time-out for one read."""
READ_AT_MOST = 64 * 1024
CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one attempt. ``status`` None: there was no answer, ``error`` says why in one word."""

    status: int | None
    error: str | None
    milliseconds: int
    retry_after: float | None = None
    """Seconds, where the server asked for them."""

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class HookClient:
    """HTTP/1.1 with certificates checked, no redirects, no proxies from the environment."""

    def __init__(self, guard: Guard, attempt_seconds: float = ATTEMPT_SECONDS) -> None:
        self._guard = guard
        self._seconds = attempt_seconds
        self._pool = httpcore.AsyncConnectionPool(
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS // 2,
            keepalive_expiry=30.0,
            network_backend=GuardedBackend(guard),
        )

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Tried:
        """Send it. Never raises for what a server, a name or a network may do."""
        began = time.monotonic()

        def tried(status: int | None, error: str | None, retry_after: float | None = None) -> Tried:
            return Tried(status, error, round((time.monotonic() - began) * 1000), retry_after)

        if self._guard.url_problem(url) is not None:
            return tried(None, "refused_address")
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._pool.stream("POST", url, headers=list(headers.items()), content=body) as answer,
            ):
                read = 0
                async for chunk in answer.aiter_stream():
                    read += len(chunk)
                    if read > READ_AT_MOST:
                        break
                return tried(answer.status, None, _retry_after(answer))
        except RefusedAddress:
            return tried(None, "refused_address")
        except (TimeoutError, httpcore.TimeoutException):
            return tried(None, "timeout")
        except httpcore.ConnectError as error:
            return tried(None, "tls" if "SSL" in str(error) or "CERT" in str(error).upper() else "connect")
        except (httpcore.NetworkError, OSError):
            return tried(None, "connection_lost")
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol):
            return tried(None, "protocol")

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.aclose()


def _retry_after(answer: httpcore.Response) -> float | None:
    raw = next((value for name, value in answer.headers if name.lower() == b"retry-after"), None)
    if raw is None:
        return None
    text = raw.decode("latin-1").strip()
    if text.isascii() and text.isdigit() and len(text) < 8:
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError):
        return None
