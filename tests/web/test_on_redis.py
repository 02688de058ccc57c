"""The same public side over a real Redis with fsync, and what it answers when that Redis dies."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.storage.redis import RedisLanes, RedisLimits, connect
from bot.web.chat import limits
from tests.storage.servers import running
from tests.web.house import SHOP, House, open_house
from tests.web.test_chat import payloads
from tests.web.test_webhooks import FORM

FSYNC = ("--appendonly", "yes", "--appendfsync", "always")


async def test_a_repeat_is_dropped_by_redis(tmp_path: Path) -> None:
    with running(tmp_path, *FSYNC) as url:
        client = connect(url)
        async with open_house(work=False, lanes=RedisLanes(client)) as house:
            for _ in range(3):
                assert (await house.twilio("whatsapp", FORM)).status_code == 200
            numbers = (await house.http.get("/metrics")).text
        await client.aclose()
    assert 'relais_webhooks_repeated_total{hook="whatsapp"} 2.0' in numbers


async def test_an_order_on_the_page_over_redis(tmp_path: Path) -> None:
    with running(tmp_path, *FSYNC) as url:
        client = connect(url)
        async with open_house(lanes=RedisLanes(client)) as house:
            path = (await house.http.post(f"/s/{SHOP}")).headers["location"]
            await house.http.post(path, data={"text": "2 pagnes", "form": "a"})
            confirm = payloads((await house.http.get(path)).text)[0]
            for _ in range(2):
                await house.http.post(path, data={"choice": confirm})
            assert "Commande AM-1 confirmée" in (await house.http.get(path)).text
            assert len(house.waiter.orders) == 1
        await client.aclose()


async def test_a_stranger_begins_and_says_only_so_much_in_a_minute(tmp_path: Path) -> None:
    with running(tmp_path, *FSYNC) as url:
        client = connect(url)
        counted = RedisLimits(client)
        async with open_house(limits=counted) as house:
            path = (await house.http.post(f"/s/{SHOP}")).headers["location"]
            said = [await house.http.post(path, data={"form": str(n)}) for n in range(limits.SAID_ON_PAGE + 1)]
            assert [answer.status_code for answer in said] == [303] * limits.SAID_ON_PAGE + [429]
            assert 1 <= int(said[-1].headers["retry-after"]) <= 60 and "rien n&#39;est perdu" in said[-1].text
            for _ in range(limits.BEGUN_BY_ADDRESS - 1):
                await counted.hit("begin:127.0.0.1", limits.BEGUN_BY_ADDRESS)
            assert (await house.http.post(f"/s/{SHOP}")).status_code == 429
            # Somebody else, behind the same proxy.
            elsewhere = {"X-Forwarded-For": "203.0.113.7"}
            assert (await house.http.post(f"/s/{SHOP}", headers=elsewhere)).status_code == 303
            assert (await house.http.get(path)).status_code == 200
        await client.aclose()


@pytest.mark.parametrize("hook", ["whatsapp", "sms"])
async def test_when_redis_dies_every_provider_gets_503(tmp_path: Path, hook: str) -> None:
    form = FORM if hook == "whatsapp" else {**FORM, "From": "+2250700000001", "To": "+2250700000191"}
    with running(tmp_path, *FSYNC) as url:
        client = connect(url)
        async with open_house(work=False, lanes=RedisLanes(client)) as house:
            assert (await house.twilio(hook, form)).status_code == 200
            await _die(client)
            answer = await house.twilio(hook, {**form, "MessageSid": "SM" + "b" * 32})
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert (await house.http.get("/healthz")).status_code == 200
        await client.aclose()


async def test_a_redis_that_was_never_there_is_503(tmp_path: Path) -> None:
    client = connect("redis://127.0.0.1:1/0")
    async with open_house(work=False, lanes=RedisLanes(client)) as house:
        assert (await house.twilio("whatsapp", FORM)).status_code == 503
        assert (await house.telegram({"update_id": 1})).status_code in (200, 400)
    await client.aclose()


async def test_a_store_that_hangs_is_503_within_its_time(house: House) -> None:
    house.lanes.hangs = True
    assert (await house.twilio("whatsapp", FORM)).status_code == 503


async def _die(client: Redis) -> None:
    from redis.exceptions import ConnectionError

    with pytest.raises(ConnectionError):
        await client.execute_command("SHUTDOWN", "NOSAVE")
