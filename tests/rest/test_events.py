"""The feed by number, by waiting and as a stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from typing import Any

from sqlalchemy import update

from bot.ledger.housekeeping import EVENTS_KEPT, Housekeeping
from bot.ledger.models import OutboxRow
from bot.ledger.times import utc_now
from bot.web.api.event_kinds import KINDS, TYPES
from tests.rest.branch import ORDER, Branch, eventually
from tests.rest.test_webhooks import happen
from tests.web.house import SHOP


async def numbered(branch: Branch, last: int) -> None:
    async def there() -> bool:
        return await branch.gateway_feed() >= last

    await eventually(there)


async def stream(branch: Branch, query: str = "", last: str | None = None) -> AsyncGenerator[dict[str, Any]]:
    headers = {**branch.api(branch.own.key), **({"Last-Event-ID": last} if last else {})}
    async with branch.http.stream("GET", f"/api/v1/events/stream{query}", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        event: dict[str, Any] = {}
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if not line and event.get("data"):
                yield {**json.loads(event["data"]), "id": event["id"], "event": event["event"]}
                event = {}
            else:
                event[name] = value


async def test_events_are_read_by_number_and_by_type(branch: Branch) -> None:
    await happen(branch, 5)
    await happen(branch, 2, type_="customer.linked")
    await numbered(branch, 7)
    first = (await branch.call("GET", "/events", params={"after": 2, "limit": 2})).json()
    rest = (await branch.call("GET", "/events", params={"cursor": first["next_cursor"]})).json()
    some = (await branch.call("GET", "/events", params={"types": "customer.linked"})).json()
    assert [event["seq"] for event in first["items"]] == [3, 4]
    assert ([event["seq"] for event in rest["items"]], rest["next_cursor"]) == ([5, 6, 7], None)
    assert [event["seq"] for event in some["items"]] == [6, 7]


async def test_waiting_ends_with_the_next_event(branch: Branch) -> None:
    await happen(branch, 1)
    await numbered(branch, 1)
    waiting = asyncio.create_task(branch.call("GET", "/events", params={"after": 1, "wait": 10}))
    done, _ = await asyncio.wait([waiting], timeout=0.5)
    assert not done
    await happen(branch, 1, first=1)
    assert [event["seq"] for event in (await waiting).json()["items"]] == [2]


async def test_a_stream_goes_on_after_the_last_event_id(branch: Branch) -> None:
    await happen(branch, 3)
    await numbered(branch, 3)
    seen = []
    async with aclosing(stream(branch, "?after=3", last="1")) as events:
        async for event in events:
            seen.append((event["id"], event["event"], event["data"]["n"]))
            if len(seen) == 2:
                await happen(branch, 1, first=3)
            if len(seen) == 3:
                break
    assert seen == [("2", "stock.low", 1), ("3", "stock.low", 2), ("4", "stock.low", 3)]


async def test_a_stream_without_a_number_begins_with_what_is_new(branch: Branch) -> None:
    await happen(branch, 3)
    await numbered(branch, 3)

    async def first() -> dict[str, Any]:
        async with aclosing(stream(branch)) as events:
            return await anext(events)

    reading = asyncio.create_task(first())
    await eventually(lambda: _listening(branch))
    made = 3
    while not reading.done():  # the stream may begin after the first of them
        await happen(branch, 1, first=made)
        made += 1
        await asyncio.sleep(0.1)
    assert 4 <= (await reading)["seq"] <= made


async def _listening(branch: Branch) -> bool:
    return branch.app.ctx.feed.streams > 0


async def test_a_key_has_five_streams(branch: Branch) -> None:
    streams = [stream(branch, "?after=0") for _ in range(5)]
    await happen(branch, 1)
    await numbered(branch, 1)
    for one in streams:
        await anext(one)
    sixth = await branch.call("GET", "/events/stream")
    assert (sixth.status_code, "retry-after" in sixth.headers) == (429, True)
    for one in streams:
        await one.aclose()

    async def room() -> bool:
        return branch.app.ctx.feed.streams == 0

    await eventually(room)


async def test_a_stopping_server_ends_streams_at_once(branch: Branch) -> None:
    await happen(branch, 1)
    await numbered(branch, 1)
    events = stream(branch, "?after=0")
    await anext(events)
    branch.app.ctx.feed.close()
    assert [event async for event in events] == []


async def test_what_was_removed_is_410_and_not_a_silent_jump(branch: Branch) -> None:
    await happen(branch, 4)
    await numbered(branch, 4)
    old = utc_now() - EVENTS_KEPT - timedelta(hours=1)
    async with branch.ledger.writing() as connection:
        await connection.execute(update(OutboxRow).where(OutboxRow.seq <= 2).values(occurred_at=old))
    assert await Housekeeping(branch.ledger).once() == 2
    gone = await branch.call("GET", "/events", params={"after": 1})
    assert (gone.status_code, gone.json()["type"]) == (410, "/problems/gone")
    assert "3" in gone.json()["detail"]
    left = await branch.call("GET", "/events", params={"after": 2})
    assert [event["seq"] for event in left.json()["items"]] == [3, 4]


async def test_what_is_told_has_the_published_shape(branch: Branch) -> None:
    await branch.talk()
    order = (await branch.call("POST", "/orders", json=ORDER)).json()
    await branch.call("PATCH", f"/orders/{order['id']}", json={"status": "packed"})

    async def all_there() -> Any:
        events = (await branch.call("GET", "/events", params={"limit": 100})).json()["items"]
        kinds = {event["type"] for event in events}
        return (
            events if {"message.received", "message.sent", "order.placed", "order.updated"} <= kinds else None
        )

    models = {kind.name: kind.data for kind in KINDS}
    for event in await eventually(all_there):
        assert (event["type"] in TYPES, event["shop_id"]) == (True, SHOP)
        models[event["type"]].model_validate(event["data"])
