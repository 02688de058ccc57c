"""Virtual time: an event loop without I/O whose clock jumps to the next timer. Nothing real can be waited for in it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

EPOCH = 1_800_000_000.0
"""Unix seconds at which every simulation begins."""


class NothingScheduled(Exception):
    """Everybody waits for somebody: a deadlock, or a wait for something real."""


class _Jump:
    """Stands where the selector would: there are no sockets, so the time of the next timer is now."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[object]:
        if timeout is None:
            raise NothingScheduled
        self._loop.seconds += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """First in, first out, as asyncio promises; only time is not real."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self._clock_resolution = 1e-6
        self._selector = _Jump(self)

    def time(self) -> float:
        return self.seconds

    def _process_events(self, event_list: list[object]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody sleeps in a selector."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a simulation to its end. Tasks of the dead are dropped without a word."""
    loop = VirtualLoop()
    loop.set_exception_handler(lambda _, context: None)
    try:
        return loop.run_until_complete(main)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()


class Seeds:
    """One seed, split into named streams: a new draw in one shifts no other."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def stream(self, *names: object) -> random.Random:
        return random.Random(":".join([str(self.seed), *map(str, names)]))


class VirtualClock:
    """A process's clock: virtual time, and what it is wrong by (seconds)."""

    def __init__(self, skew: float = 0.0) -> None:
        self.skew = skew

    def now(self) -> float:
        return EPOCH + asyncio.get_running_loop().time() + self.skew

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
