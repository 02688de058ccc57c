"""Rates and money are shared by all processes and never go above their limit."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from bot.ports import Meter
from bot.storage.memory import MemoryMeter
from bot.storage.meter import RedisMeter


class Turned:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture(params=["memory", "redis"])
def meter(request: pytest.FixtureRequest, client: Redis) -> Meter:
    return MemoryMeter(Turned()) if request.param == "memory" else RedisMeter(client)


async def test_many_at_once_spend_no_more_than_the_limit(meter: Meter) -> None:
    waits = await asyncio.gather(*(meter.spend("sms:a", 35, 1000) for _ in range(60)))

    assert sum(wait == 0.0 for wait in waits) == 1000 // 35
    assert await meter.spent("sms:a") == 1000 // 35 * 35
    assert all(0 < wait <= 3660 for wait in waits if wait)


async def test_what_is_not_held_is_counted_all_the_same(meter: Meter) -> None:
    await meter.spend("sms:a", 35, 0)
    await meter.spend("sms:a", 35, None)

    assert (await meter.spent("sms:a"), await meter.spent("sms:b")) == (35, 0)


async def test_at_first_a_seconds_worth_may_go_and_no_more(meter: Meter) -> None:
    assert [await meter.places("x", 10.0, 100), await meter.places("y", 1.0, 100)] == [10, 1]
    assert await meter.places("z", 10.0, 3) == 3


async def test_rivals_share_one_rate(client: Redis) -> None:
    rivals = [RedisMeter(client) for _ in range(4)]
    began = time.monotonic()
    given_out = 0
    for _ in range(20):
        given_out += sum(await asyncio.gather(*(rival.places("x", 20.0, 50) for rival in rivals)))
    took = time.monotonic() - began

    assert 20 <= given_out <= 20 + 20 * took + 1


async def test_money_of_an_hour_ago_is_forgotten_on_redis(client: Redis) -> None:
    meter = RedisMeter(client)
    await meter.spend("a", 500, 500)
    [key] = await client.keys("*spent:a*")
    [(minute, amount)] = (await client.hgetall(key)).items()
    await client.delete(key)
    await client.hset(key, str(int(minute) - 61), amount)

    assert (await meter.spend("a", 500, 500), await client.hlen(key)) == (0.0, 1)


@given(st.lists(st.tuples(st.floats(0, 900), st.integers(1, 300)), max_size=60), st.integers(0, 2000))
async def test_no_hour_ever_costs_more_than_the_budget(steps: list[tuple[float, int]], limit: int) -> None:
    clock = Turned()
    meter = MemoryMeter(clock)
    spent: list[tuple[float, int]] = []
    for pause, amount in steps:
        clock.time += pause
        if await meter.spend("a", amount, limit) == 0.0:
            spent.append((clock.time, amount))

    for end, _ in spent:
        assert sum(amount for at, amount in spent if end - 3600 <= at <= end) <= limit


@given(st.lists(st.floats(0, 3), max_size=60), st.floats(0.2, 40))
async def test_any_stretch_of_time_carries_its_rate_and_one_second_more(pauses: list[float], rate: float) -> None:
    clock = Turned()
    meter = MemoryMeter(clock)
    taken: list[tuple[float, int]] = []
    for pause in pauses:
        clock.time += pause
        taken.append((clock.time, await meter.places("a", rate, 1000)))

    for i, (begin, _) in enumerate(taken):
        for end, _ in taken[i:]:
            many = sum(count for at, count in taken if begin <= at <= end)
            assert many <= rate * (end - begin) + max(rate, 1.0) + 1e-3
