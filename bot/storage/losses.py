"""``ports.Losses``: one key a partition says that it was whole; who loses the partition loses the key."""

from __future__ import annotations

from collections.abc import Sequence

from redis.asyncio import Redis

from bot.core.addresses import PARTITIONS, Address, LaneId, ShopId, home_lane, partition_of
from bot.core.conversations import Conversation
from bot.ports import Losses, Records
from bot.storage.connection import PREFIX, Keys, as_client, reach
from bot.storage.memory_lanes import MemoryLanes

_NEW, _RESTORED = b"new", b"restored"


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

    async def whole(self, partitions: Sequence[int], *, new: bool) -> None:
        """Set their marks."""
        pipeline = self._redis.pipeline(transaction=False)
        for partition in partitions:
            pipeline.set(self._keys.whole[partition], _NEW if new else _RESTORED)
        await reach(pipeline.execute())

    async def never(self, partition: int) -> bool:
        """Read each time: a mark that was read a moment ago says nothing of now."""
        return bool(await reach(self._redis.get(self._keys.whole[partition])) == _NEW)


class MemoryLosses:
    """Of ``MemoryLanes``, which can be flushed."""

    def __init__(self, lanes: MemoryLanes) -> None:
        self._lanes = lanes

    async def emptied(self) -> Sequence[int]:
        return [partition for partition in range(PARTITIONS) if partition not in self._lanes.whole]

    async def whole(self, partitions: Sequence[int], *, new: bool) -> None:
        self._lanes.whole.update(dict.fromkeys(partitions, new))

    async def never(self, partition: int) -> bool:
        return self._lanes.whole.get(partition, False)


class RecordsAfterLoss:
    """``ports.Records`` that spares the ledger questions about lanes of which nothing can have been lost.

    Every new shopper's lane asks where its addresses lead and what was known of it, up to five times; on a store that
    never lost anything the answer is always no. The mark lies with the lane: who finds the lane empty and then the mark
    there has found what is true of both.
    """

    def __init__(self, records: Records, losses: Losses) -> None:
        self._records = records
        self._losses = losses
        self.heard, self.order_of = records.heard, records.order_of
        self.recent, self.write = records.recent, records.write

    async def latest(self, lane: LaneId) -> Conversation | None:
        """None without asking while the lane's partition never lost anything."""
        return None if await self._losses.never(partition_of(lane)) else await self._records.latest(lane)

    async def owner(self, shop: ShopId, address: Address) -> LaneId | None:
        """The same for the lane in which an address is at home: its forward would lie there."""
        home = partition_of(home_lane(shop, address))
        return None if await self._losses.never(home) else await self._records.owner(shop, address)
