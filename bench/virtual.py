"""Virtual time, and an account whose API answers: what benches of the prober stand on."""

from __future__ import annotations

from dataclasses import dataclass

from bench.watchers import EPOCH


@dataclass
class Clock:
    """Time moves only when it is told to."""

    time: float = EPOCH

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class Account:
    """``flows.probe.Probed``."""

    account: str
    domains: tuple[str, ...]

    async def probe(self) -> bool:
        return True


async def yes() -> bool:
    """Our own address answers."""
    return True


async def nothing() -> None:
    """No inbox to list."""
