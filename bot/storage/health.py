"""``ports.HealthBoard`` on Redis: one JSON value an account, changed by compare-and-set; changes go to a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis

from bot.core import health
from bot.core.addresses import ChannelName, ShopId
from bot.core.health import AccountHealth, Evidence, Transition
from bot.ports import Unavailable
from bot.storage import codec
from bot.storage.connection import PREFIX, Script, as_client, reach
from bot.storage.forces import force_key, forced

ATTEMPTS = 30
TRANSITIONS_KEPT = 10_000
PAUSE_SECONDS = 0.002

_SWAP = Script("swap")


class RedisHealthBoard:
    """What all processes know of accounts and fault domains."""

    def __init__(self, client_or_url: Redis | str, prefix: str = PREFIX) -> None:
        self._redis = as_client(client_or_url)
        self._prefix = f"{prefix}{{health}}:"
        self._stream = f"{self._prefix}transitions"
        self._turns: dict[str, asyncio.Lock] = {}

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def read(self, keys: Sequence[str]) -> Mapping[str, AccountHealth]:
        """Health by key, in one call; unknown keys are healthy."""
        if not keys:
            return {}
        values = await reach(self._redis.mget([self._key(key) for key in keys]))
        return {key: _decode(value) for key, value in zip(keys, values, strict=True)}

    async def observe(self, key: str, evidence: Evidence) -> Transition | None:
        """Add evidence in one step; the change of state it caused, or None."""
        # Tasks of one process take turns, so that the retries are left for rivals in other processes.
        async with self._turns.setdefault(key, asyncio.Lock()):
            for attempt in range(ATTEMPTS):
                raw = await reach(self._redis.get(self._key(key)))
                old = _decode(raw)
                new = health.observe(old, evidence, health.nature_of(key))
                change = health.change(key, old, new)
                if await self._swap(key, raw, new, change):
                    return change
                await asyncio.sleep(PAUSE_SECONDS * attempt)
        raise Unavailable(f"health of {key}: too many writers")

    async def force(self, shop: ShopId, channel: ChannelName, state: str, reason: str, now: float) -> None:
        """``up``, ``down`` or ``auto`` for one shop. Raises ValueError for other words."""
        value = codec.encode_health(forced(state, reason, now))
        await reach(self._redis.set(self._key(force_key(shop, channel)), value))

    async def may_probe(self, key: str, every: float) -> bool:
        """True at most once in ``every`` seconds over all processes."""
        name = self._key(f"probe:{key}")
        return bool(await reach(self._redis.set(name, "1", nx=True, px=max(1, round(every * 1000)))))

    async def transitions(self, after: str = "0-0", count: int = 100) -> list[tuple[str, Transition]]:
        """Changes of state after a stream id, oldest first: (id, transition)."""
        rows = await reach(self._redis.xrange(self._stream, f"({after}", "+", count))
        return [(row_id.decode(), codec.decode_transition(row[b"transition"])) for row_id, row in rows]

    async def _swap(self, key: str, raw: bytes | None, new: AccountHealth, change: Transition | None) -> bool:
        arguments: list[Any] = [
            raw or b"",
            codec.encode_health(new),
            int(change is not None),
            b"" if change is None else codec.encode_transition(change),
            TRANSITIONS_KEPT,
        ]
        return bool(await _SWAP(self._redis, [self._key(key), self._stream], arguments))

    def _key(self, key: str) -> str:
        return f"{self._prefix}{key}"


def _decode(value: bytes | None) -> AccountHealth:
    return AccountHealth() if value is None else codec.decode_health(value)
