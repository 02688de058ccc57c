"""When the accounts' inboxes are listed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from bot.flows.catch_up import LOOK_EVERY, keep_up
from tests.flows.world import TurnedClock


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


async def test_at_start_and_every_five_minutes() -> None:
    assert await listed(["a"] * 320) == [0.0, 300.0, 600.0]


async def test_after_a_restart_that_no_look_saw() -> None:
    assert await listed(["a", "a", "b", "b"]) == [0.0, 2 * LOOK_EVERY]


async def test_after_a_gap_of_ten_seconds() -> None:
    assert await listed(["a", "a", None, None, None, None, "a", "a"]) == [0.0, 6 * LOOK_EVERY]


async def test_not_after_a_look_that_was_missed_once() -> None:
    assert await listed(["a", None, "a"]) == [0.0]
