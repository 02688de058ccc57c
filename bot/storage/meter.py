"""``ports.Meter``: rates and money that all processes share."""

from __future__ import annotations

from redis.asyncio import Redis

from bot.ports import Clock
from bot.storage.connection import PREFIX, Script, as_client

_PLACES = Script("places")
_SPEND = Script("spend")
MINUTES = 60


class RedisMeter:
    """Counted on Redis by its own clock."""

    def __init__(self, client_or_url: Redis | str, prefix: str = PREFIX) -> None:
        self._redis = as_client(client_or_url)
        self._prefix = prefix

    async def places(self, key: str, per_second: float, most: int) -> int:
        """How many may go now, ``most`` at most; they are taken."""
        if most <= 0 or per_second <= 0:
            return 0
        name = f"{self._prefix}{{pace:{key}}}"
        return int(await _PLACES(self._redis, [name], [repr(per_second), most]))

    async def spend(self, key: str, amount: int, limit: int | None) -> float:
        """0.0 when it was spent, else the seconds after which it may be tried again."""
        granted, number = await self._count(key, amount, limit)
        return 0.0 if granted else float(number)

    async def spent(self, key: str) -> int:
        """What was spent in the last hour."""
        return (await self._count(key, 0, None))[1]

    async def _count(self, key: str, amount: int, limit: int | None) -> tuple[bool, int]:
        name = f"{self._prefix}{{spent:{key}}}"
        answer = await _SPEND(self._redis, [name], [amount, "" if limit is None else limit])
        return bool(answer[0]), int(answer[1])


class MemoryMeter:
    """The same within one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._from: dict[str, float] = {}
        self._minutes: dict[str, dict[int, int]] = {}

    async def places(self, key: str, per_second: float, most: int) -> int:
        if most <= 0 or per_second <= 0:
            return 0
        now, gap = self._clock.now(), 1 / per_second
        begun = max(self._from.get(key, 0.0), now - max(per_second, 1.0) * gap)
        count = min(most, int((now - begun) / gap + 1e-6))
        self._from[key] = begun + count * gap
        return count

    async def spend(self, key: str, amount: int, limit: int | None) -> float:
        minute = int(self._clock.now() // 60)
        kept = {at: spent for at, spent in self._minutes.get(key, {}).items() if at >= minute - MINUTES}
        if limit is not None and amount > 0 and sum(kept.values()) + amount > limit:
            return (min(kept, default=minute) + MINUTES + 1 - minute) * 60.0
        kept[minute] = kept.get(minute, 0) + amount
        self._minutes[key] = kept
        return 0.0

    async def spent(self, key: str) -> int:
        minute = int(self._clock.now() // 60)
        return sum(spent for at, spent in self._minutes.get(key, {}).items() if at >= minute - MINUTES)
