"""A party that hangs takes its own permits and nothing else: no hand, no lane and no turn of anybody else waits for it."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.addresses import ChannelName
from bot.core.failures import Accepted, Outcome
from bot.flows.permits import AGAIN, LONGEST, Permits
from bot.ports import Outgoing
from bot.worker import HANDS, Worker
from tests.flows.world import Phone, World

T, W = ChannelName.TELEGRAM, ChannelName.WHATSAPP
PERMITS = 24


@dataclass
class Hanging(Phone):
    """Calls are taken, and answered when the test says so."""

    calling: int = 0
    most: int = 0
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, outgoing: Outgoing) -> Outcome:
        self.calling += 1
        self.most = max(self.most, self.calling)
        await self.answers.wait()
        self.calling -= 1
        self.shown.append(outgoing)
        return Accepted(f"SM{len(self.shown)}-{self.name}")


async def until(holds: object) -> None:
    async with asyncio.timeout(30):
        while not holds():  # type: ignore[operator]
            await asyncio.sleep(0.001)


async def test_telegram_answers_while_every_call_to_whatsapp_hangs() -> None:
    world = World()
    hanging = Hanging(W, world.whatsapp.capabilities)
    world.phones[W] = hanging
    stop = asyncio.Event()
    working = asyncio.create_task(Worker(world.desk).run(stop))
    try:
        for number in range(1, 91):
            await world.put(world.message("Salut", number=number))
        await until(lambda: hanging.calling == PERMITS)
        for number in range(1, 11):
            await world.put(world.message("Salut", T, number))
        await until(lambda: len(world.telegram.shown) == 10)
        # Not one of them waited for a call to end: none has.
        assert (hanging.shown, hanging.calling) == ([], PERMITS)
        hanging.answers.set()
        world.clock.time += LONGEST
        await until(lambda: len(hanging.shown) == 90)
    finally:
        stop.set()
        await working
    assert hanging.most == PERMITS < HANDS


async def test_a_worker_that_can_take_no_lanes_ends() -> None:
    world = World()

    async def broken(partition: int) -> None:
        raise RuntimeError("a fault of ours")

    world.desk.lanes.take = broken  # type: ignore[method-assign, assignment]
    await world.put(world.message("Salut"))
    with pytest.raises(RuntimeError, match="a fault of ours"):
        async with asyncio.timeout(30):
            await Worker(world.desk).run(asyncio.Event())


@given(st.integers(1, 400), st.integers(1, 48))
def test_lanes_that_wait_ask_no_more_often_the_more_they_are(lanes: int, limit: int) -> None:
    permits = Permits(limit)
    times = [permits.again_at("whatsapp", 100.0) for _ in range(lanes)]
    assert times == sorted(times)
    assert times[0] == 100.0 + AGAIN
    assert times[-1] <= 100.0 + LONGEST
    early = [at for at in times if at < 100.0 + LONGEST]
    for at in early:
        assert len([other for other in early if at <= other < at + AGAIN - 1e-9]) <= limit


@given(st.lists(st.booleans(), max_size=200), st.integers(2, 48))
def test_a_shops_rush_leaves_half_of_the_permits(busy: list[bool], limit: int) -> None:
    permits = Permits(limit)
    with ExitStack() as held:
        granted = [held.enter_context(permits.share("rasa", "busy")) is None for _ in busy]
        assert sum(granted) <= limit // 2
        with permits.share("rasa", "quiet") as refused:
            assert refused is None
        if len(busy) > limit // 2:
            assert held.enter_context(permits.share("rasa", "busy")) == "rasa of busy"
    assert permits.in_flight("rasa") == 0
