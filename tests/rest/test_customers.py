"""What is known of a shopper is handed out whole, and erased everywhere."""

from __future__ import annotations

import asyncio

from sqlalchemy import select

from bot.ledger.columns import Base
from bot.storage.memory_lanes import MemoryLanes
from tests.rest.branch import LANE, ORDER, Branch, eventually
from tests.rest.receiver import receiving
from tests.web.test_webhooks import FORM

WORDS = ("0700000001", "Koffi", "Pharmacie", "Salut tantie Rose")


async def with_order(branch: Branch) -> str:
    """The shopper of LANE has an order and has been told of it."""
    await branch.talk()
    wanted = {**ORDER, "customer": {"address": "whatsapp:+2250700000001"}}
    made = await branch.call("POST", "/orders", headers={"Idempotency-Key": "k"}, json=wanted)
    return str(made.json()["customer_id"])


async def test_the_export_holds_everything(branch: Branch) -> None:
    customer = await with_order(branch)
    found = (await branch.call("GET", f"/customers/{customer}/export")).json()
    assert found["customer"]["id"] == customer
    assert ([c["id"] for c in found["conversations"]], len(found["orders"])) == ([LANE], 1)
    assert {m["direction"] for m in found["messages"]} == {"in", "out"}


async def test_nothing_is_left_of_an_erased_shopper(branch: Branch) -> None:
    customer = await with_order(branch)
    async with receiving() as receiver:
        hook = (await branch.call("POST", "/webhooks", json={"url": receiver.url})).json()
        receiver.secret = hook["secret"]
        assert (await branch.call("DELETE", f"/customers/{customer}")).status_code == 204
        await branch.call("POST", f"/webhooks/{hook['id']}/replay", json={"after": 0, "until": 1000})

        async def replayed() -> bool:
            return any(event["type"] == "order.placed" for event in receiver.taken)

        await eventually(replayed)
        assert all(word not in str(receiver.seen) for word in WORDS)
    assert (await branch.call("GET", f"/customers/{customer}")).status_code == 404
    assert (await branch.call("DELETE", f"/customers/{customer}")).status_code == 204
    async with branch.ledger.reading() as connection:
        for table in Base.metadata.sorted_tables:
            rows = str((await connection.execute(select(table))).all())
            assert (table.name, [word for word in WORDS if word in rows]) == (table.name, [])
    assert isinstance(branch.lanes, MemoryLanes)
    state = await branch.lanes.peek(LANE)
    assert state is not None and all(word.encode() not in state for word in WORDS)
    order = (await branch.call("GET", "/orders")).json()["items"][0]
    assert (order["total_xof"], order["delivery"]["phone"]) == (6500, None)


async def test_an_erased_shopper_who_writes_again_is_a_shopper_again(branch: Branch) -> None:
    customer = await with_order(branch)
    await branch.call("DELETE", f"/customers/{customer}")
    await branch.twilio("whatsapp", {**FORM, "MessageSid": "SM" + "c" * 32})

    async def back() -> bool:
        found = await branch.call("GET", "/customers", params={"address": "whatsapp:+2250700000001"})
        return [item["id"] for item in found.json()["items"]] == [customer]

    await eventually(back)


async def test_without_a_worker_erasing_is_503_and_asking_again_does_the_rest(branch: Branch) -> None:
    customer = await with_order(branch)
    branch.stop_working()
    answer = await branch.call("DELETE", f"/customers/{customer}")
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    working = asyncio.create_task(branch.stepping())
    assert (await branch.call("DELETE", f"/customers/{customer}")).status_code == 204
    working.cancel()
    state = await branch.lanes.peek(LANE)
    assert state is not None and b"0700000001" not in state
