"""The operator's view of the lanes: which have work, who holds them, what was parked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from redis.asyncio import Redis

from bot.core.addresses import PARTITIONS, LaneId, partition_of
from bot.ports import Lanes, Parked
from bot.storage.connection import PREFIX, Keys, Script, as_client, reach
from bot.storage.parked import decode

_GLANCE = Script("common", "glance")
_TOTALS = Script("common", "totals")


@dataclass(frozen=True, slots=True)
class LaneView:
    """A lane with work. Seconds are the store's."""

    lane: LaneId
    waiting: int
    """Items in the inbox."""
    oldest: float | None
    """Age of the first of them; None: nothing waits."""
    holder: str | None
    """Who has it on a lease."""
    lease_left: float
    """Seconds until that lease ends, 0 when nobody holds it."""
    due_in: float
    """Seconds until it is due, negative when it is overdue. A held lane is due when its lease ends."""
    attempts: int
    """Takes since it was last given back in order."""
    failure: str | None
    """How the last of them failed."""


@dataclass(frozen=True, slots=True)
class Totals:
    """All lanes in figures."""

    due: int
    """Due now."""
    late: float
    """Seconds by which the first of them is overdue."""
    failing: int
    """Taken at least twice since they were last given back in order."""
    parked: int


class Backlog(Protocol):
    """Every method may raise ``ports.Unavailable``."""

    async def lanes(self, most: int) -> Sequence[LaneView]:
        """Lanes with work, by due time. What is only due later, for the sake of a deadline, is left out."""
        ...

    async def totals(self) -> Totals: ...

    async def parked(self) -> Sequence[Parked]:
        """Oldest first."""
        ...

    async def drop(self, parked: Parked) -> bool:
        """Remove it. False: it was not there any more."""
        ...


def has_work(view: LaneView) -> bool:
    """Is it more than a deadline that lies ahead?"""
    return view.due_in <= 0 or view.waiting > 0 or view.attempts > 0 or view.holder is not None


async def put_back(lanes: Lanes, backlog: Backlog, parked: Parked) -> None:
    """Try it again, where its conversation is now.

    Two steps, each harmless when done twice: the name under which an item comes back says when it was parked.
    """
    await lanes.put(parked.lane, f"{parked.item_id}~{parked.at:.3f}", parked.item)
    await backlog.drop(parked)


class RedisBacklog:
    """Reads lane by lane, each lane in one step: nothing is stopped for it."""

    def __init__(self, client_or_url: Redis | str, prefix: str = PREFIX) -> None:
        self._redis = as_client(client_or_url)
        self._keys = Keys(prefix)

    async def lanes(self, most: int) -> Sequence[LaneView]:
        """Lanes with work, by due time. Looks at the first ``most`` of each partition, and at all that fail."""
        found = await asyncio.gather(*(self._of(partition, most) for partition in range(PARTITIONS)))
        views = [view for views in found for view in views if has_work(view)]
        return sorted(views, key=lambda view: view.due_in)[:most]

    async def totals(self) -> Totals:
        """One script a partition."""
        keys = zip(self._keys.due, self._keys.tries, self._keys.park, strict=True)
        rows: list[list[int]] = await asyncio.gather(*(_TOTALS(self._redis, list(three)) for three in keys))
        due, late, failing, parked = zip(*rows, strict=True)
        return Totals(sum(due), max(late) / 1000, sum(failing), sum(parked))

    async def parked(self) -> Sequence[Parked]:
        """Oldest first."""
        found = await asyncio.gather(*(reach(self._redis.hvals(key)) for key in self._keys.park))
        return sorted((decode(value) for values in found for value in values), key=lambda each: (each.at, each.id))

    async def drop(self, parked: Parked) -> bool:
        """Remove it. False: it was not there any more."""
        key = self._keys.park[partition_of(parked.lane)]
        return bool(await reach(self._redis.hdel(key, parked.id)))

    async def _of(self, partition: int, most: int) -> list[LaneView]:
        first: Any = await reach(self._redis.zrange(self._keys.due[partition], 0, most - 1))
        failing: Any = await reach(self._redis.hkeys(self._keys.tries[partition]))
        lanes = [LaneId(name.decode()) for name in {*first, *failing}]
        views = await asyncio.gather(*(self._look(lane) for lane in lanes))
        return [view for view in views if view is not None]

    async def _look(self, lane: LaneId) -> LaneView | None:
        keys, partition = self._keys, partition_of(lane)
        names = [keys.lane(lane), keys.inbox(lane), keys.seen(lane), keys.due[partition], keys.tries[partition]]
        answer = await _GLANCE(self._redis, names, [lane])
        if not answer:
            return None
        waiting, oldest, holder, left, due_in, attempts, failure = answer
        return LaneView(
            lane=lane,
            waiting=waiting,
            oldest=oldest / 1000 if oldest >= 0 else None,
            holder=holder.decode() or None,
            lease_left=left / 1000,
            due_in=due_in / 1000,
            attempts=attempts,
            failure=failure.decode() or None,
        )
