"""Webhooks out: at least once, in order, signed, whatever the other side does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from bot.hooks.client import HookClient
from bot.hooks.sender import GIVE_UP_AFTER, Sender, backoff
from bot.ledger.deliveries import LedgerDeliveries
from bot.ledger.integrators import Subscription
from bot.ledger.outbox import event_row, tell
from bot.ledger.times import utc_now
from tests.rest.branch import LOOPBACK, Branch, eventually
from tests.rest.receiver import Receiver, receiving
from tests.web.house import OTHER, SECRET, SHOP


async def subscribe(branch: Branch, receiver: Receiver, **more: Any) -> str:
    made = await branch.call("POST", "/webhooks", json={"url": receiver.url, **more})
    assert made.status_code == 201, made.text
    receiver.secret = made.json()["secret"]
    return str(made.json()["id"])


async def happen(
    branch: Branch, count: int, first: int = 0, shop: str = SHOP, type_: str = "stock.low"
) -> None:
    async with branch.ledger.writing() as connection:
        rows = [
            event_row(shop, f"{type_}:{shop}:{n}", type_, utc_now(), {"n": n})
            for n in range(first, first + count)
        ]
        await tell(connection, rows)


async def taken(receiver: Receiver, count: int) -> list[int]:
    async def enough() -> bool:
        return len(receiver.taken) >= count

    await eventually(enough)
    return [event["data"]["n"] for event in receiver.taken]


def fails_every(nth: int) -> Callable[[dict[str, Any]], int | None]:
    asked = iter(range(10_000))
    return lambda event: 500 if next(asked) % nth == 0 else 204


async def test_a_receiver_that_fails_gets_everything_once_and_in_order(branch: Branch) -> None:
    async with receiving(answer=fails_every(3)) as receiver:
        await subscribe(branch, receiver)
        await happen(branch, 40)
        assert await taken(receiver, 40) == list(range(40))
        assert len(receiver.seen) > 40


async def test_a_receiver_that_dies_gets_the_rest_when_it_is_back(branch: Branch) -> None:
    async with receiving() as receiver:
        await subscribe(branch, receiver)
        await happen(branch, 5)
        await taken(receiver, 5)
        await receiver.stop()
        await happen(branch, 5, first=5)
        webhook = (await branch.call("GET", "/webhooks")).json()["items"][0]

        async def failing() -> bool:
            return bool((await branch.call("GET", f"/webhooks/{webhook['id']}")).json()["failing_since"])

        await eventually(failing)
        await receiver.start()
        assert await taken(receiver, 10) == list(range(10))


async def test_a_receiver_that_hangs_holds_up_nobody_else(branch: Branch) -> None:
    async with receiving(answer=lambda event: None) as dead, receiving() as alive:
        await subscribe(branch, dead)
        await subscribe(branch, alive)
        await happen(branch, 10)
        assert await taken(alive, 10) == list(range(10))
        assert dead.taken == []


async def test_a_shops_dead_receivers_leave_room_for_other_shops(branch: Branch) -> None:
    async with receiving(answer=lambda event: None) as dead, receiving() as alive:
        for _ in range(9):
            await subscribe(branch, dead)
        made = await branch.call("POST", "/webhooks", branch.other.key, json={"url": alive.url})
        alive.secret = made.json()["secret"]
        await happen(branch, 5)
        await happen(branch, 5, shop=OTHER)
        assert await taken(alive, 5) == list(range(5))


async def test_only_the_wanted_types_come_and_the_place_moves_past_the_others(branch: Branch) -> None:
    async with receiving() as receiver:
        webhook = await subscribe(branch, receiver, types=["stock.low"])
        await happen(branch, 120, type_="customer.linked")
        await happen(branch, 2)
        assert await taken(receiver, 2) == [0, 1]

        async def moved() -> bool:
            return bool((await branch.call("GET", f"/webhooks/{webhook}")).json()["seq"] == 122)

        await eventually(moved)


async def test_a_sender_that_is_killed_repeats_one_event_under_its_id(branch: Branch) -> None:
    async with receiving() as receiver:
        webhook = await subscribe(branch, receiver)
        await happen(branch, 3)
        await taken(receiver, 3)
        async with branch.ledger.writing() as connection:
            # As after a kill between their answer and our commit.
            await connection.execute(update(Subscription).where(Subscription.id == webhook).values(seq=2))
        assert await taken(receiver, 4) == [0, 1, 2, 2]
        assert receiver.ids[2] == receiver.ids[3] and len(set(receiver.ids)) == 3


async def test_a_paused_sender_cannot_move_the_place_back(branch: Branch) -> None:
    async with receiving() as receiver:
        webhook = await subscribe(branch, receiver)
        deliveries = LedgerDeliveries(branch.ledger)
        await happen(branch, 3)
        await taken(receiver, 3)
        async with branch.ledger.writing() as connection:
            await connection.execute(update(Subscription).values(seq=0, status="disabled"))
            await connection.execute(update(Subscription).values(status="enabled"))
        (old,) = await deliveries.due(utc_now())

        async def done() -> bool:
            return bool((await branch.call("GET", f"/webhooks/{webhook}")).json()["seq"] == 3)

        await eventually(done)
        await deliveries.taken(old, 1, None)
        assert await done()


async def test_gone_disables_at_once_and_the_feed_is_told(branch: Branch) -> None:
    async with receiving(answer=lambda event: 410) as receiver:
        webhook = await subscribe(branch, receiver)
        await happen(branch, 3)

        async def told() -> Any:
            found = await branch.call("GET", "/events", params={"types": "webhook.disabled"})
            return found.json()["items"]

        (event,) = await eventually(told)
        assert (event["data"]["webhook_id"], event["data"]["reason"]) == (webhook, "gone")
        shown = (await branch.call("GET", f"/webhooks/{webhook}")).json()
        assert (shown["status"], shown["disabled_reason"], len(receiver.seen)) == ("disabled", "gone", 1)


async def test_three_days_of_failures_disable(branch: Branch) -> None:
    async with receiving(answer=lambda event: 500) as receiver:
        webhook = await subscribe(branch, receiver)
        await happen(branch, 1)
        since = utc_now() - GIVE_UP_AFTER - timedelta(minutes=1)

        async def off() -> bool:
            # Again and again: an attempt under way writes its own first.
            async with branch.ledger.writing() as connection:
                failing = update(Subscription).where(Subscription.attempts > 0)
                await connection.execute(failing.values(failing_since=since))
            found = (await branch.call("GET", f"/webhooks/{webhook}")).json()
            return bool(found["disabled_reason"] == "failing")

        await eventually(off)
        receiver.answer = lambda event: 200
        await branch.call("PATCH", f"/webhooks/{webhook}", json={"status": "enabled"})
        # What it missed, and then that it was disabled.
        assert (await _taken_types(receiver, 2)) == ["stock.low", "webhook.disabled"]


async def _seen(receiver: Receiver) -> bool:
    return bool(receiver.seen)


async def _taken_types(receiver: Receiver, count: int) -> list[str]:
    async def enough() -> bool:
        return len(receiver.taken) >= count

    await eventually(enough)
    return [event["type"] for event in receiver.taken]


async def test_a_stretch_is_sent_again_in_order_and_logged(branch: Branch) -> None:
    async with receiving() as receiver:
        webhook = await subscribe(branch, receiver)
        await happen(branch, 6)
        await taken(receiver, 6)
        asked = await branch.call("POST", f"/webhooks/{webhook}/replay", json={"after": 2, "until": 5})
        assert asked.status_code == 202
        assert (await taken(receiver, 9))[6:] == [2, 3, 4]
        one = await branch.call("POST", f"/webhooks/{webhook}/events/stock.low:{SHOP}:0/redeliver")
        assert one.status_code == 202
        assert (await taken(receiver, 10))[9:] == [0]

        async def logged() -> Any:
            found = (await branch.call("GET", f"/webhooks/{webhook}/deliveries")).json()["items"]
            return found if len(found) == 10 else None

        log = await eventually(logged)
        assert [entry["replayed"] for entry in log] == [True] * 4 + [False] * 6
        assert {entry["status"] for entry in log} == {200}


async def test_after_a_rotation_both_secrets_verify(branch: Branch) -> None:
    async with receiving() as old, receiving() as new:
        webhook = await subscribe(branch, old)
        rotated = await branch.call("POST", f"/webhooks/{webhook}/rotate")
        assert rotated.json()["secret"] != old.secret
        await happen(branch, 1)
        await taken(old, 1)
        new.secret = rotated.json()["secret"]
        await branch.call("PATCH", f"/webhooks/{webhook}", json={"url": new.url})
        await happen(branch, 1, first=1)
        await taken(new, 1)


async def test_a_key_that_only_reads_people_makes_masked_webhooks(branch: Branch) -> None:
    async with receiving() as receiver:
        plain = await branch.key(SHOP, "webhooks:write")
        made = await branch.call("POST", "/webhooks", plain, json={"url": receiver.url})
        receiver.secret = made.json()["secret"]
        async with branch.ledger.writing() as connection:
            data = {"phone": "+2250700000042", "n": 0}
            await tell(connection, [event_row(SHOP, "x:1", "conversation.unreachable", utc_now(), data)])
        await taken(receiver, 1)
        assert receiver.taken[0]["data"]["phone"].endswith("•42")


async def test_a_redirect_is_a_failure_and_is_not_followed(branch: Branch) -> None:
    async with receiving() as other, receiving(answer=lambda event: 302) as receiver:
        receiver.extra = f"Location: {other.url}\r\n"
        await subscribe(branch, receiver)
        await happen(branch, 1)
        await eventually(lambda: _seen(receiver))
        assert (receiver.taken, other.seen) == ([], [])


async def test_a_body_that_drips_ends_with_the_attempt() -> None:
    ended = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not reader.at_eof() and not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.05)
        writer.transport.abort()
        ended.set()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    client = HookClient(LOOPBACK, attempt_seconds=0.4)
    tried = await client.post(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", b"{}", {})
    await client.close()
    await ended.wait()
    server.close()
    assert (tried.status, tried.error) == (None, "timeout")


@pytest.mark.parametrize("roll", [0.0, 0.5, 1.0])
def test_the_waits_grow_to_four_hours_and_cover_three_days(roll: float) -> None:
    waits = [backoff(attempt, lambda: roll) for attempt in range(1, 40)]
    assert waits == sorted(waits)
    assert (round(waits[0]), round(waits[-1])) == (
        round(5 * (0.8 + 0.4 * roll)),
        round(14_400 * (0.8 + 0.4 * roll)),
    )
    assert sum(waits) > GIVE_UP_AFTER.total_seconds()


async def test_two_senders_at_once_lose_nothing(branch: Branch, tmp_path: Path) -> None:
    rival = HookClient(LOOPBACK, attempt_seconds=1.0)
    sender = Sender(LedgerDeliveries(branch.ledger), rival, SECRET, wait=lambda attempts: 0.05)
    stop = asyncio.Event()
    running = asyncio.create_task(sender.run(stop))
    async with receiving(answer=fails_every(4)) as receiver:
        await subscribe(branch, receiver)
        await happen(branch, 30)

        async def all_there() -> bool:
            return {event["data"]["n"] for event in receiver.taken} == set(range(30))

        await eventually(all_there)
        stop.set()
        await running
    await rival.close()
