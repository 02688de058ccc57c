"""``ports.Losses``: one key a partition says that it was whole; who loses the partition loses the key."""

from __future__ import annotations

from collections.abc import Sequence

from redis.asyncio import Redis

from bot.core.addresses import PARTITIONS
from bot.storage.connection import PREFIX, Keys, as_client, reach
from bot.storage.memory_lanes import MemoryLanes


class RedisLosses:
    """On Redis: an emptied server misses all marks, a cluster that lost one master's slots misses some."""

    def __init__(self, client_or_url: Redis | str, prefix: str = PREFIX) -> None:
        self._redis = as_client(client_or_url)
        self._keys = Keys(prefix)

    async def emptied(self) -> Sequence[int]:
        """Partitions without a mark."""
        pipeline = self._redis.pipeline(transaction=False)
        for key in self._keys.whole:
            pipeline.exists(key)
        found = await reach(pipeline.execute())
        return [partition for partition in range(PARTITIONS) if not found[partition]]

    async def whole(self, partitions: Sequence[int]) -> None:
        """Set their marks."""
        pipeline = self._redis.pipeline(transaction=False)
        for partition in partitions:
            pipeline.set(self._keys.whole[partition], "1")
        await reach(pipeline.execute())


class MemoryLosses:
    """Of ``MemoryLanes``, which can be flushed."""

    def __init__(self, lanes: MemoryLanes) -> None:
        self._lanes = lanes

    async def emptied(self) -> Sequence[int]:
        return [partition for partition in range(PARTITIONS) if partition not in self._lanes.whole]

    async def whole(self, partitions: Sequence[int]) -> None:
        self._lanes.whole.update(partitions)
