"""The same POST under one Idempotency-Key is done once and answered the same, on both databases and in a race."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select, update

from bot.ledger.integrators import KeptAnswer
from bot.ledger.models import OrderRow
from bot.ledger.times import instant
from tests.rest.branch import LANE, ORDER, Branch, open_branch
from tests.web.house import OTHER

KEY = {"Idempotency-Key": "a-1"}


@pytest.fixture
async def both(tables_url: str, tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(tmp_path, ledger_url=tables_url) as found:
        yield found


async def orders(branch: Branch) -> int:
    async with branch.ledger.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(OrderRow)) or 0


async def test_fifty_racing_requests_are_one_order(both: Branch) -> None:
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(base_url=both.http.base_url, timeout=30, limits=limits) as client:
        headers = {**both.api(both.own.key), **KEY}
        answers = await asyncio.gather(
            *(client.post("/api/v1/orders", json=ORDER, headers=headers) for _ in range(50))
        )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 49
    assert await orders(both) == 1
    assert (await both.call("GET", "/products/foulard")).json()["stock"] == 99_998


async def test_another_body_is_422_and_another_writing_of_the_same_is_not(branch: Branch) -> None:
    await branch.call("POST", "/orders", headers=KEY, json=ORDER)
    other = await branch.call("POST", "/orders", headers=KEY, json={**ORDER, "payment": {"method": "wave"}})
    same = await branch.call("POST", "/orders", headers=KEY, json=dict(reversed(ORDER.items())))
    assert (other.status_code, other.json()["errors"][0]["code"]) == (422, "idempotency_key_reused")
    assert (same.status_code, await orders(branch)) == (201, 1)


async def test_a_refusal_is_kept_with_its_request(branch: Branch) -> None:
    wanted = {**ORDER, "lines": [{"product_id": "robe", "quantity": 4, "options": {"taille": "M"}}]}
    first = await branch.call("POST", "/orders", headers=KEY, json=wanted)
    await branch.call(
        "POST", "/products.csv?set_stock=true", headers={"Content-Type": "text/csv"}, content=ROBES
    )
    again = await branch.call("POST", "/orders", headers=KEY, json=wanted)
    fresh = await branch.call("POST", "/orders", json=wanted)
    assert (first.status_code, again.text, again.headers["content-type"]) == (
        409,
        first.text,
        "application/problem+json",
    )
    assert fresh.status_code == 201


ROBES = b"product_id,name,category,description,aliases,price_xof,options,stock\nrobe,Robe,robes,,,12500,taille=S|M,9\n"


async def test_the_same_word_of_another_key_is_another_word(branch: Branch) -> None:
    await branch.call("POST", "/orders", headers=KEY, json=ORDER)
    await branch.call("POST", "/orders", await branch.key(), headers=KEY, json=ORDER)
    await branch.call("POST", "/orders", await branch.key(OTHER), headers=KEY, json=ORDER)
    assert await orders(branch) == 3


async def test_after_a_day_the_word_is_free(branch: Branch) -> None:
    await branch.call("POST", "/orders", headers=KEY, json=ORDER)
    async with branch.ledger.writing() as connection:
        await connection.execute(update(KeptAnswer).values(created_at=instant(1000.0)))
    answer = await branch.call("POST", "/orders", headers=KEY, json=ORDER)
    assert ("idempotent-replayed" in answer.headers, await orders(branch)) == (False, 2)


async def test_a_word_said_in_a_race_is_said_once(branch: Branch) -> None:
    await branch.talk()
    url = f"/conversations/{LANE}/messages"
    answers = await asyncio.gather(
        *(branch.call("POST", url, headers=KEY, json={"text": "C'est prêt"}) for _ in range(10))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = await branch.call("POST", url, headers=KEY, json={"text": "Autre chose"})
    assert (other.status_code, other.json()["errors"][0]["code"]) == (422, "idempotency_key_reused")


async def test_a_webhooks_secret_is_in_the_repeat_and_not_in_the_ledger(branch: Branch) -> None:
    wanted = {"url": "https://example.com/x"}
    answers = [await branch.call("POST", "/webhooks", headers=KEY, json=wanted) for _ in range(2)]
    secrets = {answer.json()["secret"] for answer in answers}
    assert len(secrets) == 1
    async with branch.ledger.reading() as connection:
        (kept,) = await connection.scalars(select(KeptAnswer.body))
    assert secrets.pop() not in (kept or "")
