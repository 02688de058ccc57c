"""A channel that swallows both ways: how long until it is down, and what looking costs while all is well.

The real prober and board in virtual time. Shoppers write as a Poisson process; from the outage on nobody is heard, and
nothing that is sent arrives.
"""

from __future__ import annotations

import asyncio
import random
import statistics
from dataclasses import dataclass, field

from bench.virtual import Account, Clock, nothing, yes
from bench.watchers import EPOCH
from bot.core import health
from bot.core.health import Evidence, Kind, State
from bot.flows.probe import BEAT, Outside, Prober
from bot.storage.memory import MemoryHealthBoard

DOMAINS = ("meta", "twilio", "internet")
LONGEST = 6 * 3600.0
WARM = 600.0
"""Seconds of ordinary traffic before the outage."""


@dataclass
class _Market:
    """Some shops of the same size. ``fate``: what becomes of what is sent now."""

    shops: int
    an_hour: float
    numbers: int
    resting: bool
    chance: random.Random
    fate: Kind = Kind.WORKS
    clock: Clock = field(default_factory=Clock)
    canaries: int = 0
    told: int = 0

    def __post_init__(self) -> None:
        self.board = MemoryHealthBoard(self.clock)
        self.names = [f"whatsapp:{number}" for number in range(self.shops)]

        async def nudge(account: str) -> bool:
            if self.resting:
                self.told += 1
                seen = Evidence(self.clock.now(), self.fate, f"shopper-{self.told}", began_at=self.clock.now())
                await self.board.observe(account, seen)
            return self.resting

        market = self

        @dataclass
        class Bird:
            account: str
            recipient: str
            domains: tuple[str, ...] = DOMAINS

            async def fly(self) -> tuple[Kind, float] | None:
                market.canaries += 1
                return market.fate, market.clock.now()

        birds = [Bird(name, f"{name}-{number}") for name in self.names for number in range(self.numbers)]
        outside = Outside([Account(name, DOMAINS) for name in self.names], yes, nothing, nudge, canaries=birds)
        self.prober = Prober(self.board, self.clock, outside)

    async def begin(self) -> None:
        for name in self.names:
            await self.board.teach(name, self.an_hour, self.clock.now())

    async def beat(self, *, heard: float) -> None:
        """Five seconds. ``heard``: messages an hour that each shop gets now."""
        self.clock.time += BEAT
        for name in self.names:
            if self.chance.random() < heard * BEAT / 3600:
                await self.board.observe(name, Evidence(self.clock.now(), Kind.HEARD, "x"))
        await self.prober.once()
        await self.prober.try_canaries()

    async def down(self) -> bool:
        keys = [self.names[0], health.domain_key("meta")]
        return any(own.state is State.DOWN for own in (await self.board.read(keys)).values())


async def _delay(shops: int, an_hour: float, numbers: int, resting: bool, fate: Kind, seed: int) -> float | None:
    """Seconds from the outage to ``down``; None: not within six hours."""
    market = _Market(shops, an_hour, numbers, resting, random.Random(seed))
    await market.begin()
    while market.clock.now() < EPOCH + WARM:
        await market.beat(heard=an_hour)
    began, market.fate = market.clock.now(), fate
    while market.clock.now() < began + LONGEST:
        await market.beat(heard=0.0)
        if await market.down():
            return market.clock.now() - began
    return None


async def _cost(an_hour: float, numbers: int, resting: bool, days: float, factor: float) -> tuple[float, float, bool]:
    """Canaries and shoppers told a day while all is well, but only ``factor`` as many write as usual; ever down?"""
    market = _Market(1, an_hour, numbers, resting, random.Random(17))
    await market.begin()
    down = False
    # What is usual is held as it was: a Sunday, not a shop that has become small.
    taught = 0.0
    while market.clock.now() < EPOCH + days * 86_400:
        await market.beat(heard=an_hour * factor)
        down = down or await market.down()
        if market.clock.now() - EPOCH - taught >= 86_400:
            taught = market.clock.now() - EPOCH
            await market.begin()
    return market.canaries / days, market.told / days, down


def found(trials: int) -> list[dict[str, object]]:
    """A row for each kind of shop: seconds to ``down``, median and worst."""
    rows: list[dict[str, object]] = []
    for shops, an_hour, numbers, resting in (
        (1, 10.0, 0, True),
        (1, 10.0, 1, True),
        (1, 10.0, 3, False),
        (1, 60.0, 3, False),
        (1, 600.0, 3, False),
        (100, 6.0, 2, False),
    ):
        row: dict[str, object] = {"shops": shops, "an_hour": an_hour, "canaries": numbers, "resting": resting}
        for fate in (Kind.FAULT, Kind.SILENT, Kind.UNDELIVERED):
            delays = [asyncio.run(_delay(shops, an_hour, numbers, resting, fate, seed)) for seed in range(trials)]
            seen = [one for one in delays if one is not None]
            row[fate.value] = {
                "found": len(seen),
                "median_s": round(statistics.median(seen)) if seen else None,
                "worst_s": round(max(seen)) if seen else None,
            }
        rows.append(row)
    return rows


def costs(days: float) -> list[dict[str, object]]:
    """What looking costs a shop of sixty messages an hour, on ordinary days and on days with a fraction of them."""
    rows: list[dict[str, object]] = []
    for factor in (1.0, 0.5, 0.2, 0.0):
        canaries, _, down = asyncio.run(_cost(60.0, 3, False, days, factor))
        _, told, fell = asyncio.run(_cost(60.0, 0, True, days, factor))
        rows.append(
            {
                "share_who_write": factor,
                "canaries_a_day": round(canaries, 1),
                "shoppers_told_a_day_without_canary": round(told, 1),
                "false_alarm": down or fell,
            }
        )
    return rows


if __name__ == "__main__":
    for row in [*found(20), *costs(3.0)]:
        print(row)
