"""Processes that die, freeze and lose answers. A process touches the world through its ports only; each call is a place
where it may be struck.

Death is not cancelling: nothing of the process runs on, no ``finally`` reaches the world, and what the store has
acknowledged stays. A frozen process (SIGSTOP, swap) goes on later as if nothing had been.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from bot.ports import Unavailable

T = TypeVar("T")


@dataclass
class Weather:
    """What the network and the outside parties are like just now; the fault plan changes it."""

    down: set[str] = field(default_factory=set)
    """Parties that cannot be reached: store, rasa, ledger."""
    lost_answers: float = 0.0
    """Share of store calls whose effect happens and whose answer is lost."""
    slow: float = 1.0
    """Factor on every call's latency."""
    struck: Counter[str] = field(default_factory=Counter)
    """How often each fault really hit something: a fault that never does proves nothing."""


class Process:
    """One life of a process. ``call`` is the only way out of it."""

    def __init__(self, name: str, weather: Weather, draws: Random) -> None:
        self.name = name
        self.weather = weather
        self._draws = draws
        self._dead = False
        self._thawed = asyncio.Event()
        self._thawed.set()
        self.in_flight: Counter[str] = Counter()

    @property
    def dead(self) -> bool:
        return self._dead

    def kill(self) -> None:
        """``kill -9``: whatever it was doing, it does no more."""
        self._dead = True
        for party, number in self.in_flight.items():
            if number:
                self.weather.struck[f"died during a call to {party}"] += 1

    def freeze(self) -> None:
        self._thawed.clear()

    def thaw(self) -> None:
        self._thawed.set()

    async def pause(self, seconds: float) -> None:
        """Latency; the dead stay in it for ever, the frozen until they are thawed."""
        await asyncio.sleep(seconds * self.weather.slow)
        if not self._thawed.is_set():
            await self._thawed.wait()
        if self._dead:
            await asyncio.Future()

    async def call(self, party: str, act: Callable[[], Awaitable[T]], latency: float) -> T:
        """Request, effect, answer. Raises Unavailable where the party is down or the answer is lost."""
        self.in_flight[party] += 1
        try:
            await self.pause(self._draws.expovariate(1 / latency))
            if party in self.weather.down:
                self.weather.struck[f"{party} down"] += 1
                await self.pause(0.2)
                raise Unavailable(f"{party} is down")
            result = await act()
            await self.pause(self._draws.expovariate(1 / latency))
            if party == "store" and self._draws.random() < self.weather.lost_answers:
                self.weather.struck["the store's answer lost"] += 1
                raise Unavailable("the answer is lost")
            return result
        finally:
            self.in_flight[party] -= 1


class Reached:
    """Any port, reached from one process over its network."""

    def __init__(self, target: Any, process: Process, party: str, latency: float) -> None:
        self._target = target
        self._process = process
        self._party = party
        self._latency = latency

    def __getattr__(self, name: str) -> Any:
        there = getattr(self._target, name)
        if not inspect.iscoroutinefunction(there):
            return there

        async def call(*args: Any, **more: Any) -> Any:
            return await self._process.call(self._party, lambda: there(*args, **more), self._latency)

        return call


class ReachedLanes(Reached):
    """Lanes, of which idle looks are skipped: a look that would find nothing is not taken.

    Polling an idle store four times a second for a simulated year would be all the simulation does.
    """

    async def due_partitions(self) -> list[int]:
        await self._target.until_due(0.25)
        return list(await self._process.call("store", self._target.due_partitions, self._latency))
