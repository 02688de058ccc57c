"""Jobs that one process at a time should do: probes, projector, event numbering."""

from __future__ import annotations

import os

from redis.asyncio import Redis

from bot.storage.connection import PREFIX, Script, as_client

_HOLD = Script("hold")
_PROLONG = Script("prolong")


class RedisLeases:
    """Named leases. A token is ``<counter>-<random>``; only its holder can renew or release.

    A lease spares work. It does not protect what the job writes: a paused holder may wake after it has expired.
    """

    def __init__(self, client_or_url: Redis | str, prefix: str = PREFIX) -> None:
        self._redis = as_client(client_or_url)
        self._prefix = prefix

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def acquire(self, name: str, seconds: float) -> str | None:
        """A token when nobody holds the job, else None."""
        holder, fence = self._keys_of(name)
        token = await _HOLD(self._redis, [holder, fence], [os.urandom(8).hex(), round(seconds * 1000)])
        return None if token is None else str(token.decode())

    async def renew(self, name: str, token: str, seconds: float) -> bool:
        """Extend to so many seconds from now; False when the lease is lost."""
        return bool(await _PROLONG(self._redis, [self._keys_of(name)[0]], [token, round(seconds * 1000)]))

    async def release(self, name: str, token: str) -> None:
        """Let go. A lost lease is ignored."""
        await _PROLONG(self._redis, [self._keys_of(name)[0]], [token, 0])

    def _keys_of(self, name: str) -> tuple[str, str]:
        return f"{self._prefix}{{lease:{name}}}:holder", f"{self._prefix}{{lease:{name}}}:fence"
