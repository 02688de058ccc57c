"""The feed has no gaps, and a number never appears below one that was read."""

from __future__ import annotations

import asyncio

from sqlalchemy import select

from bot.ledger.engine import Ledger
from bot.ledger.models import OutboxRow
from bot.ledger.numbering import Numberer
from bot.ledger.outbox import event_row, tell
from tests.ledger.samples import NOON


async def write(ledger: Ledger, shop: str, *numbers: int) -> None:
    async with ledger.writing() as connection:
        await tell(connection, [event_row(shop, f"{shop}:{n}", "test.done", NOON, {"n": n}) for n in numbers])


async def feed(ledger: Ledger, shop: str, after: int = 0) -> list[tuple[int | None, str]]:
    async with ledger.reading() as connection:
        found = await connection.execute(
            select(OutboxRow.seq, OutboxRow.id)
            .where(OutboxRow.shop_id == shop, OutboxRow.seq > after)
            .order_by(OutboxRow.seq)
        )
        return [(row.seq, row.id) for row in found]


async def test_each_shop_counts_from_one(ledger: Ledger) -> None:
    await write(ledger, "a", 1, 2)
    await write(ledger, "b", 1)

    assert await Numberer(ledger).once() == 3
    assert await feed(ledger, "a") == [(1, "a:1"), (2, "a:2")]
    assert await feed(ledger, "b") == [(1, "b:1")]


async def test_an_event_told_twice_is_numbered_once(ledger: Ledger) -> None:
    await write(ledger, "a", 1)
    await Numberer(ledger).once()
    await write(ledger, "a", 1, 2)

    assert await Numberer(ledger).once() == 1
    assert await feed(ledger, "a") == [(1, "a:1"), (2, "a:2")]


async def test_rivals_leave_no_gap_and_readers_miss_nothing(ledger: Ledger, rival: Ledger) -> None:
    writing = True
    seen: list[int] = []

    async def writer(name: int) -> None:
        for n in range(40):
            await write(ledger if name % 2 else rival, "a", 1000 * name + n)

    async def numberer(own: Ledger) -> None:
        while await Numberer(own).once() or writing:
            await asyncio.sleep(0)

    async def reader() -> None:
        while writing or len(seen) < 160:
            seen.extend(seq for seq, _ in await feed(ledger, "a", max(seen, default=0)) if seq is not None)
            await asyncio.sleep(0)

    others = [
        asyncio.create_task(job) for job in (numberer(ledger), numberer(rival), numberer(rival), reader())
    ]
    await asyncio.gather(*(writer(name) for name in range(4)))
    writing = False
    await asyncio.wait_for(asyncio.gather(*others), 60)

    assert seen == list(range(1, 161))


async def test_one_writers_events_keep_their_order(ledger: Ledger) -> None:
    for n in range(450):
        if n % 50 == 0:
            await write(ledger, "a", *range(n, n + 50))
    numbered = [await Numberer(ledger).once() for _ in range(4)]

    assert numbered == [200, 200, 50, 0]
    assert [id_ for _, id_ in await feed(ledger, "a")] == [f"a:{n}" for n in range(450)]
