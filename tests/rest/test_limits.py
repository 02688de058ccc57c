"""Rates are counted in a real Redis, a key and a stranger each by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.storage.redis import RedisLimits, connect
from bot.web.api.router import STRANGERS_PER_MINUTE
from tests.rest.branch import Branch, open_branch
from tests.storage.servers import running


@pytest.fixture
async def counted(tmp_path: Path) -> AsyncIterator[Branch]:
    (tmp_path / "redis").mkdir()
    with running(tmp_path / "redis") as url:
        client = connect(url)
        async with open_branch(tmp_path, limits=RedisLimits(client)) as branch:
            yield branch
        await client.aclose()


async def test_a_key_has_its_own_quota_and_is_told_of_it(counted: Branch) -> None:
    small, other = await counted.key(rate=3), await counted.key(rate=3)
    answers = [await counted.call("GET", "/zones", small) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]
    assert answers[0].headers["ratelimit-policy"] == '"default";q=3;w=60'
    assert 1 <= int(answers[3].headers["retry-after"]) <= 60
    assert answers[3].json()["type"] == "/problems/too-many-requests"
    assert (await counted.call("GET", "/zones", other)).status_code == 200


async def test_a_quota_counts_refused_requests_and_racing_ones(counted: Branch) -> None:
    key = await counted.key(rate=10)
    answers = await asyncio.gather(*(counted.call("GET", "/orders/none", key) for _ in range(25)))
    assert sorted(answer.status_code for answer in answers) == [404] * 10 + [429] * 15


async def test_strangers_are_slowed_and_burn_nobodys_quota(counted: Branch) -> None:
    answers = [await counted.call("GET", "/zones", "nobody") for _ in range(STRANGERS_PER_MINUTE + 1)]
    assert {answer.status_code for answer in answers[:-1]} == {401}
    assert answers[-1].status_code == 429
    assert (await counted.call("GET", "/zones")).status_code == 200


async def test_without_the_store_reading_goes_on(tmp_path: Path) -> None:
    client = connect("redis://127.0.0.1:1/0")
    async with open_branch(tmp_path, limits=RedisLimits(client)) as branch:
        assert (await branch.call("GET", "/zones")).status_code == 200
    await client.aclose()
