"""Events are read in order from any number on; an erased shopper leaves no word behind."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from bot.core.journal import PublicEvent
from bot.core.orders import Placed
from bot.ledger.columns import Base
from bot.ledger.engine import Ledger
from bot.ledger.erasing import erase
from bot.ledger.feed import LedgerFeed
from bot.ledger.models import JournalReject, OrderRow
from bot.ledger.numbering import Numberer
from bot.ledger.orders import LedgerOrders
from bot.ledger.projector import LedgerRecords
from bot.ledger.times import instant
from bot.storage.journal import Stored
from tests.ledger.samples import LANE, SHOP, conversation, entry, item, open_shop, request
from tests.ledger.test_numbering import write

CUSTOMER = f"cus-{LANE}"
MOVED = PublicEvent(
    "conversation.moved:1", "conversation.moved", 1001.0,
    {"conversation_id": LANE, "customer_id": CUSTOMER, "phone": "+2250700000001"},
)  # fmt: skip


async def test_events_follow_a_number(ledger: Ledger) -> None:
    await write(ledger, "a", 1, 2, 3)
    await write(ledger, "b", 1)
    feed = LedgerFeed(ledger)
    before = await feed.after("a", 0)
    await Numberer(ledger).once()

    assert before == []
    assert [event["id"] for event in await feed.after("a", 1)] == ["a:2", "a:3"]
    assert [event["id"] for event in await feed.after("a", 0, limit=1)] == ["a:1"]
    assert (await feed.last("a"), await feed.last("b")) == (3, 1)
    assert (await feed.after("a", 2))[0] == {
        "id": "a:3", "seq": 3, "type": "test.done", "occurred_at": "2026-11-24T12:00:00.000Z", "shop_id": "a",
        "data": {"n": 3},
    }  # fmt: skip


async def test_nothing_of_an_erased_shopper_is_left(ledger: Ledger, tmp_path: Path) -> None:
    await open_shop(ledger, tmp_path)
    records = LedgerRecords(ledger)
    await records.write(
        [("07:1-0", entry(conversation(), item(1, text="chez tantie Rose"), events=(MOVED,)))]
    )
    unreadable = [
        Stored(7, f"9-{n}", f'{{"lane":"{lane}"}}'.encode()) for n, lane in enumerate((LANE, "other"))
    ]
    await records.take_in(unreadable)
    placed = await LedgerOrders(ledger).place(request("b1", conversation_id=LANE, customer_id=CUSTOMER))
    await Numberer(ledger).once()

    lanes = await erase(ledger, SHOP, CUSTOMER, now=lambda: instant(2000.0))
    await records.write(
        [("07:1-0", entry(conversation(), item(1, text="chez tantie Rose"), events=(MOVED,)))]
    )

    assert isinstance(placed, Placed)
    assert lanes == [LANE]
    async with ledger.reading() as connection:
        for table in Base.metadata.sorted_tables:
            rows = [str(tuple(row)) for row in await connection.execute(select(table))]
            told = [LANE] if table.name == "journal_rejects" and LANE in "".join(rows) else []
            told += [
                word
                for word in ("Rose", "Aya", "0700000001", "pharmacie")
                if any(word in row for row in rows)
            ]
            assert (table.name, told) == (table.name, [])
        assert len((await connection.execute(select(JournalReject.position))).all()) == 1
        kept = (await connection.execute(select(OrderRow.number, OrderRow.total_xof, OrderRow.commune))).one()
    assert tuple(kept) == (placed.number, placed.total_xof, "Cocody")
    assert [(event["seq"], event["data"]) for event in await LedgerFeed(ledger).after(SHOP, 0)] == [
        (1, {}),
        (2, {}),
    ]


async def test_a_customer_of_another_shop_is_not_erased(ledger: Ledger) -> None:
    await LedgerRecords(ledger).write([("07:1-0", entry(conversation()))])

    assert await erase(ledger, "autre-boutique", CUSTOMER) is None
    assert await LedgerRecords(ledger).latest(LANE) == conversation()
