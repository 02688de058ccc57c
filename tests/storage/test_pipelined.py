"""Calls that travel together: each gets its own answer, and the failure of one is its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bot.core.addresses import home_lane
from bot.ports import Unavailable
from bot.storage.connection import Script, connect
from bot.storage.pipelined import MOST, Pipelined
from bot.storage.redis import RedisLanes
from tests.storage.servers import running


class Echo(Script):
    """A script of the test's own: adds up, says no to what is no number."""

    def __init__(self) -> None:
        super().__init__()
        self.source = "return redis.call('INCRBY', KEYS[1], ARGV[1])"


async def test_each_caller_gets_its_own_answer(client: Redis) -> None:
    together = Pipelined(client, Echo())
    count = 3 * MOST
    answers = await asyncio.gather(*(together(["sum"], [1]) for _ in range(count)))
    assert answers == list(range(1, count + 1))


async def test_a_refused_call_harms_no_other(client: Redis) -> None:
    together = Pipelined(client, Echo())
    answers = await asyncio.gather(
        together(["sum"], [1]), together(["sum"], ["no number"]), together(["sum"], [1]), return_exceptions=True
    )
    assert (answers[0], answers[2]) == (1, 2)
    assert isinstance(answers[1], ResponseError)


async def test_scripts_forgotten_by_the_server_are_sent_again_once(client: Redis) -> None:
    lanes = RedisLanes(client)
    homes = [home_lane("shop", f"tel:{number}") for number in range(20)]
    await client.script_flush()
    puts = await asyncio.gather(*(lanes.put(home, "a", b"x") for home in homes))
    again = await asyncio.gather(*(lanes.put(home, "a", b"x") for home in homes))
    assert [put.fresh for put in puts] == [True] * 20
    assert [put.fresh for put in again] == [False] * 20


async def test_a_dead_server_is_told_to_all(tmp_path: Path) -> None:
    with running(tmp_path, "--appendonly", "yes") as url:
        client = connect(url)
        together = Pipelined(client, Echo())
        assert await together(["sum"], [1]) == 1
    answers = await asyncio.gather(*(together(["sum"], [1]) for _ in range(5)), return_exceptions=True)
    await client.aclose()
    assert [type(answer) for answer in answers] == [Unavailable] * 5


async def test_one_who_gives_up_holds_up_nobody(client: Redis) -> None:
    together = Pipelined(client, Echo())
    impatient = asyncio.create_task(together(["sum"], [1]))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await together(["sum"], [1]) in (1, 2)
    with pytest.raises(asyncio.CancelledError):
        await impatient
