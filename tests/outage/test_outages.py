"""A crowd in all stages of an order, and a way to lose WhatsApp: everybody ends with one exact order."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from bot.core.conversations import Conversation
from tests.outage.crowd import SAID, P, S, Shopper, T, W, crowd, held
from tests.outage.report import Report, count, first_elsewhere
from tests.system.running import Running

LARGE = os.environ.get("RELAIS_TEST_SIZE") == "large"
SIZE = 200 if LARGE else 12
REACH = ("whatsapp", "telegram", "two_way", "one_way")
STAGES = 5
"""Questions between the basket and the confirmation."""


@dataclass(frozen=True)
class Outage:
    """What breaks, and by which roads people can still be reached."""

    what: str
    fault: tuple[str, str, dict[str, Any]]
    roads: frozenset[str]
    """Who is led on elsewhere."""
    hears: bool = True
    """Does what shoppers write on WhatsApp still come in?"""
    by_themselves: frozenset[str] = frozenset()
    """Who has a way left on which to write without being told."""

    def __str__(self) -> str:
        return self.what


EVERY_ROAD = frozenset({"telegram", "two_way", "one_way"})
OUTAGES = [
    Outage("WhatsApp refuses", ("whatsapp", "reject", {}), EVERY_ROAD),
    Outage("WhatsApp silent", ("whatsapp", "silent_accepted", {"release": True}), EVERY_ROAD),
    Outage("Twilio down", ("twilio", "down", {}), frozenset({"telegram"}), hears=False),
    Outage("country offline", ("country", "offline", {}), frozenset(), False, frozenset({"two_way"})),
]
if LARGE:
    OUTAGES.append(Outage("WhatsApp flapping", ("whatsapp", "reject", {"flaps": 20}), EVERY_ROAD))


def road_of(shopper: Shopper) -> Any:
    """Where this shopper goes on when WhatsApp is gone."""
    return {"telegram": T, "two_way": S, "one_way": P, "whatsapp": W}[shopper.reach]


@pytest.mark.parametrize("outage", OUTAGES, ids=str)
async def test_everybody_ends_with_one_exact_order(
    relais: Running, outage: Outage, keep: Callable[[Report], None]
) -> None:
    report = Report(outage.what)
    async with crowd(relais) as people:
        await people.invite([REACH[i % len(REACH)] for i in range(SIZE)])
        everybody = people.shoppers
        for stage in range(STAGES):
            await people.step([s for i, s in enumerate(everybody) if i // len(REACH) % STAGES > stage], lambda _: W)
        later = [s for i, s in enumerate(everybody) if i % 9 == 0]
        at_once = [s for s in everybody if s not in later]
        channel, fault, options = outage.fault
        reachable = [s for s in at_once if s.reach in outage.roads]
        if outage.hears:
            await people.fault(channel, fault, **options)
            await write_next(people, at_once)
        else:
            await people.write_as_it_breaks(
                lambda: write_next(people, at_once),
                len(at_once),
                lambda: people.fault(channel, fault, **options),
            )
        await people.until(reachable, has_left, 90, "everybody who has another road is on it")
        report.to_other_s = await seconds(people, reachable)
        if outage.hears:
            await write_next(people, later)
            known = [s for s in later if s.reach in outage.roads]
            await people.until(known, has_left, 60, "who writes later as well")
            report.later_s = await seconds(people, known)
        report.held = sum(held(talk) for _, talk in await people.records(everybody))
        gone_on = [s for s, talk in await people.records(everybody) if talk.channel is not W]
        await people.finish(gone_on + [s for s in at_once if s.reach in outage.by_themselves], road_of)

        await people.fault(channel, fault, on=False)
        back = [s for s, talk in await people.records(everybody) if talk.last_order_id is None]
        await people.until(back, answered, 120, "what was held has come")
        await people.finish(back, lambda _: W, 120)
        keep(await count(people, report))
    assert (report.completed, report.lost, report.doubled_orders) == (SIZE, 0, 0)
    assert (report.wrong_orders, report.wrong_channel) == (0, 0)


async def write_next(people: Any, who: list[Shopper]) -> None:
    talks = await people.records(who)
    await asyncio.gather(*(people.write(s, SAID[talk.awaiting]) for s, talk in talks))


def has_left(_: Shopper, talk: Conversation) -> bool:
    return talk.channel is not W


def answered(_: Shopper, talk: Conversation) -> bool:
    return not talk.unanswered and not held(talk) and talk.late is None


async def seconds(people: Any, who: list[Shopper]) -> list[float]:
    took = [await first_elsewhere(people, s) for s in who]
    return [second for second in took if second is not None]
