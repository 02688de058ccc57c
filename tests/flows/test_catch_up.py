"""When the accounts' inboxes are listed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.core.messages import Received
from bot.flows.catch_up import SETTLED, catch_up, keep_up
from bot.storage import codec
from tests.flows.world import TOKENS, TurnedClock, World


async def listed(lives: Sequence[str | None]) -> list[float]:
    """Seconds after the start at which it was listed, while the gateway lives these lives, one a look."""
    clock = TurnedClock()
    began, runs, left = clock.now(), [], list(lives)

    async def gateway() -> str | None:
        if not left:
            raise asyncio.CancelledError
        return left.pop(0)

    async def run(_: float) -> int:
        runs.append(clock.now() - began)
        return 0

    with pytest.raises(asyncio.CancelledError):
        await keep_up(clock, gateway, run)
    return runs


async def test_at_start_when_settled_and_every_five_minutes() -> None:
    assert await listed(["a"] * 330) == [20.0, 320.0, 620.0]


async def test_settled_after_a_restart_that_no_look_saw() -> None:
    assert await listed(["a"] * 20 + ["b"] * 20) == [20.0, 40.0 + SETTLED]


async def test_settled_after_a_gap_of_ten_seconds() -> None:
    assert await listed(["a"] * 20 + [None] * 5 + ["a"] * 20) == [20.0, 50.0 + SETTLED]


async def test_not_after_a_look_that_was_missed_once() -> None:
    assert await listed(["a"] * 20 + [None] + ["a"] * 20) == [20.0]


@pytest.mark.parametrize(
    ("age", "known", "put"), [(19, True, 0), (21, True, 1), (21, False, 0), (119, False, 0), (121, False, 1)]
)
async def test_a_message_whose_webhook_may_be_on_its_way_is_left_alone(age: float, known: bool, put: int) -> None:
    world = World()
    if known:
        await world.write("bonjour")
    now = world.clock.now()
    listed = replace(world.message("salut"), written_at=now - age)

    class Inbox:
        async def list_inbound(self, since: float) -> list[Received]:
            return [listed]

    assert await catch_up(world.lanes, codec, TOKENS, [Inbox()], now - 600, now) == put
