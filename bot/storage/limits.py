"""How often somebody may ask: counted in Redis, so that all gateways count together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from redis.asyncio import Redis

from bot.ports import Unavailable
from bot.storage.connection import PREFIX, Script, as_client

_HIT = Script("hit")
WINDOW_MS = 60_000
PATIENCE = 0.5
"""Seconds; who counts must not wait longer than who serves."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of a window after this hit. ``seconds``: until it begins anew, at least 1."""

    left: int
    seconds: int
    exceeded: bool


class RedisLimits:
    """Windows of one minute that begin with the first hit, so that not everybody's ends at once."""

    def __init__(self, client_or_url: Redis | str, prefix: str = PREFIX) -> None:
        self._redis = as_client(client_or_url)
        self._prefix = prefix

    async def hit(self, name: str, per_minute: int) -> Quota:
        """Count one. Raises Unavailable, also after half a second."""
        key = f"{self._prefix}{{limit:{name}}}"
        try:
            async with asyncio.timeout(PATIENCE):
                count, left_ms = await _HIT(self._redis, [key], [WINDOW_MS])
        except TimeoutError as late:
            raise Unavailable("the store does not count in time") from late
        return Quota(max(per_minute - count, 0), max(-(-left_ms // 1000), 1), count > per_minute)
