"""Counting failures in a window, in Redis, so that all gateways count together."""

from __future__ import annotations

import hashlib
import hmac

from redis.asyncio import Redis

from bot.storage.connection import PREFIX, Script, as_client, reach

_COUNT = Script("count")


class RedisThrottle:
    """Failures by name. Names are kept as keyed digests only. Every method may raise Unavailable."""

    def __init__(self, client_or_url: Redis | str, secret: bytes, prefix: str = PREFIX) -> None:
        self._redis = as_client(client_or_url)
        self._secret = secret
        self._prefix = f"{prefix}console:tries:"

    async def count(self, kind: str, name: str, seconds: int) -> int:
        """Count one more; how many there were in the window that its first one opened."""
        return int(await _COUNT(self._redis, [self._key(kind, name)], [seconds]))

    async def forget(self, kind: str, name: str) -> None:
        await reach(self._redis.delete(self._key(kind, name)))

    def _key(self, kind: str, name: str) -> str:
        digest = hmac.new(self._secret, f"{kind}\n{name}".encode(), hashlib.sha256).hexdigest()
        return f"{self._prefix}{kind}:{digest[:32]}"
