"""Reading what commits appended, for the projector that writes it to the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from redis.asyncio import Redis

from bot.core.addresses import PARTITIONS
from bot.storage.connection import PREFIX, Keys, Script, as_client, reach

_BEGIN = Script("begin")
START = "0-0"
"""Before the first entry."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One journal entry as it lies in its stream. ``id`` grows within its partition."""

    partition: int
    id: str
    entry: bytes
    """For ``codec.decode_entry``."""

    @property
    def position(self) -> str:
        """``07:1700000000000-0``: unique over all partitions, the key that makes a second write harmless."""
        return f"{self.partition:02d}:{self.id}"


class Journal(Protocol):
    """What the projector needs. Every method may raise ``ports.Unavailable``."""

    async def read(self, partition: int, after_id: str, count: int) -> list[Stored]:
        """Up to ``count`` entries after an id (``START`` for all), oldest first."""
        ...

    async def read_all(self, after: Mapping[int, str], count: int = 64) -> list[Stored]:
        """Up to ``count`` entries of each partition after its id, in one look at all 64."""
        ...

    async def begin_after(self, partition: int, entry_id: str) -> None:
        """From now on entries get greater ids than this one, whatever the store's clock says."""
        ...

    async def trim(self, up_to: Mapping[int, str]) -> None:
        """Remove each named partition's entries up to and with its id, once they are in the ledger."""
        ...


class RedisJournal:
    """The journal streams of all partitions."""

    def __init__(self, client_or_url: Redis | str, prefix: str = PREFIX) -> None:
        self._redis = as_client(client_or_url)
        self._keys = Keys(prefix)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def read(self, partition: int, after_id: str, count: int) -> list[Stored]:
        """Up to ``count`` entries after an id, oldest first."""
        rows = await reach(self._redis.xrange(self._keys.journal[partition], f"({after_id}", "+", count))
        return [_stored(partition, row) for row in rows]

    async def read_all(self, after: Mapping[int, str], count: int = 64) -> list[Stored]:
        """Up to ``count`` entries of each partition after its id; a partition not named is read from the start."""
        pipeline = self._redis.pipeline(transaction=False)
        for partition, key in enumerate(self._keys.journal):
            pipeline.xrange(key, f"({after.get(partition, START)}", "+", count)
        answers = await reach(pipeline.execute())
        return [_stored(p, row) for p in range(PARTITIONS) for row in answers[p]]

    async def begin_after(self, partition: int, entry_id: str) -> None:
        """Greater ids from now on: an emptied Redis whose clock is behind would write what nobody reads."""
        await _BEGIN(self._redis, [self._keys.journal[partition]], [entry_id])

    async def lag(self) -> tuple[int, float]:
        """Entries that were not removed yet, and the age of the oldest in seconds. Raises Unavailable."""
        calls = [call for key in self._keys.journal for call in (self._redis.xlen(key), self._redis.xrange(key, count=1))]
        now, *looks = await asyncio.gather(reach(self._redis.time()), *map(reach, calls))
        firsts = [int(rows[0][0].partition(b"-")[0]) / 1000 for rows in looks[1::2] if rows]
        return sum(looks[::2]), max(now[0] + now[1] / 1e6 - min(firsts), 0.0) if firsts else 0.0

    async def trim(self, up_to: Mapping[int, str]) -> None:
        """Remove entries up to and with an id, in one round trip for all partitions."""
        pipeline = self._redis.pipeline(transaction=False)
        for partition, last in up_to.items():
            milliseconds, _, sequence = last.partition("-")
            first_kept = f"{milliseconds}-{int(sequence or 0) + 1}"
            pipeline.xtrim(self._keys.journal[partition], minid=first_kept, approximate=False)
        await reach(pipeline.execute())


def _stored(partition: int, row: tuple[bytes, dict[bytes, bytes]]) -> Stored:
    return Stored(partition, row[0].decode(), row[1][b"entry"])
