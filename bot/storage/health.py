"""``ports.HealthBoard`` on Redis: one JSON value an account, changed by compare-and-set; changes go to a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from redis.asyncio import Redis

from bot.core import health
from bot.core.addresses import ChannelName, ShopId
from bot.core.health import AccountHealth, Evidence, Transition
from bot.ports import Unavailable
from bot.storage import codec
from bot.storage.connection import PREFIX, Script, as_client, reach
from bot.storage.forces import domain_force_key, force_key, forced

ATTEMPTS = 30
TRANSITIONS_KEPT = 10_000
PAUSE_SECONDS = 0.002

_SWAP = Script("swap")


@dataclass(eq=False, slots=True)
class _Told:
    """One piece of evidence on its way to the board."""

    evidence: Evidence
    written: bool = False
    change: Transition | None = None


class RedisHealthBoard:
    """What all processes know of accounts and fault domains."""

    def __init__(self, client_or_url: Redis | str, prefix: str = PREFIX) -> None:
        self._redis = as_client(client_or_url)
        self._prefix = f"{prefix}{{health}}:"
        self._stream = f"{self._prefix}transitions"
        self._turns: dict[str, asyncio.Lock] = {}
        self._told: dict[str, list[_Told]] = {}
        self._latest: dict[str, tuple[bytes | None, AccountHealth]] = {}

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def read(self, keys: Sequence[str]) -> Mapping[str, AccountHealth]:
        """Health by key, in one call; unknown keys are healthy, forced domains as they are forced."""
        if not keys:
            return {}
        forces = {key: name for key in keys if (name := health.force_of(key)) is not None}
        asked = [*keys, *forces.values()]
        values = await reach(self._redis.mget([self._key(key) for key in asked]))
        found = {key: _decode(value) for key, value in zip(asked, values, strict=True)}
        return {key: health.ruled(key, found[key], found.get(forces.get(key, ""))) for key in keys}

    async def observe(self, key: str, evidence: Evidence) -> Transition | None:
        """Add evidence in one step; the change of state it caused, or None. Raises Unavailable.

        What many lanes tell of one account at the same time is written together: one after the other, each would wait
        for two answers of Redis, and an outage of 50 messages a second would be slower to write down than to happen.
        """
        told = _Told(evidence)
        waiting = self._told.setdefault(key, [])
        waiting.append(told)
        try:
            async with self._turns.setdefault(key, asyncio.Lock()):
                while not told.written:
                    await self._write(key, waiting)
        finally:
            if told in waiting:
                waiting.remove(told)
        return told.change

    async def _write(self, key: str, waiting: list[_Told]) -> None:
        """Write what waits, up to the first change of state: each change has a row of its own in the stream."""
        written: list[_Told] = []

        def fold(old: AccountHealth) -> tuple[AccountHealth, Transition | None]:
            written.clear()
            new, change = old, None
            for told in waiting:
                before, new = new, health.observe(new, told.evidence, health.nature_of(key))
                change = health.change(key, before, new)
                written.append(told)
                if change is not None:
                    break
            return new, change

        change = await self._change(key, fold)
        for told in written:
            told.written = True
            if told in waiting:  # else its lane has gone meanwhile
                waiting.remove(told)
        written[-1].change = change

    async def teach(self, key: str, an_hour: float, now: float) -> None:
        """Let an account know what is usual, as after a week of so many messages each hour. Raises Unavailable."""
        await self._change(key, lambda old: (replace(old, inbound=health.habit(an_hour, now)), None))

    async def _change(
        self, key: str, fold: Callable[[AccountHealth], tuple[AccountHealth, Transition | None]]
    ) -> Transition | None:
        """Write what ``fold`` makes of what is known, by compare-and-set; it may be called again with newer health."""
        for attempt in range(ATTEMPTS):
            raw, old = self._latest[key] if not attempt and key in self._latest else await self._read(key)
            new, change = fold(old)
            value = codec.encode_health(new)
            if await self._swap(key, raw, value, change):
                self._latest[key] = value, new
                return change
            self._latest.pop(key, None)
            await asyncio.sleep(PAUSE_SECONDS * attempt)
        raise Unavailable(f"health of {key}: too many writers")

    async def _read(self, key: str) -> tuple[bytes | None, AccountHealth]:
        raw = await reach(self._redis.get(self._key(key)))
        return raw, _decode(raw)

    async def force(
        self,
        shop: ShopId,
        channel: ChannelName,
        state: str,
        reason: str,
        now: float,
        by: str | None = None,
        until: float | None = None,
    ) -> None:
        """``up``, ``down`` or ``auto`` for one shop. Raises ValueError for other words."""
        await self._force(force_key(shop, channel), forced(state, reason, now, by, until))

    async def force_domain(
        self, domain: str, state: str, reason: str, now: float, by: str, until: float | None = None
    ) -> None:
        """The same for a fault domain, for everybody. Raises ValueError for other words and domains."""
        await self._force(domain_force_key(domain), forced(state, reason, now, by, until))

    async def _force(self, key: str, force: AccountHealth) -> None:
        """The store itself lets go of it when it ends."""
        until = force.forced_until
        ends = None if until is None else max(1, round((until - force.since) * 1000))
        await reach(self._redis.set(self._key(key), codec.encode_health(force), px=ends))

    async def may_probe(self, key: str, every: float) -> bool:
        """True at most once in ``every`` seconds over all processes."""
        name = self._key(f"probe:{key}")
        return bool(await reach(self._redis.set(name, "1", nx=True, px=max(1, round(every * 1000)))))

    async def transitions(self, after: str = "0-0", count: int = 100) -> list[tuple[str, Transition]]:
        """Changes of state after a stream id, oldest first: (id, transition)."""
        rows = await reach(self._redis.xrange(self._stream, f"({after}", "+", count))
        return [(row_id.decode(), codec.decode_transition(row[b"transition"])) for row_id, row in rows]

    async def _swap(self, key: str, raw: bytes | None, new: bytes, change: Transition | None) -> bool:
        arguments: list[Any] = [
            raw or b"",
            new,
            int(change is not None),
            b"" if change is None else codec.encode_transition(change),
            TRANSITIONS_KEPT,
        ]
        return bool(await _SWAP(self._redis, [self._key(key), self._stream], arguments))

    def _key(self, key: str) -> str:
        return f"{self._prefix}{key}"


def _decode(value: bytes | None) -> AccountHealth:
    return AccountHealth() if value is None else codec.decode_health(value)
