"""The ledger ends the same however often and in whatever order it hears the journal."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from bot.core.addresses import LaneId, parse
from bot.core.customers import KnownAddress, Proof
from bot.core.journal import Entry, PublicEvent
from bot.core.messages import MessageStatus
from bot.ledger.columns import Base
from bot.ledger.engine import Ledger, open_ledger
from bot.ledger.models import AddressRow, CallListRow, ConversationRow, Customer, JournalReject, MessageRow
from bot.ledger.projector import LedgerRecords, Projector
from bot.ledger.times import instant
from bot.storage import codec
from bot.storage.codec import NewerVersion
from bot.storage.journal import Stored
from tests.ledger.samples import LANE, conversation, entry, item

OTHER = LaneId("0711111111111111aaaa")
TELEGRAM = parse("telegram:42")
assert TELEGRAM is not None

RECEIVED = PublicEvent("message.received:x", "message.received", 1001.0, {"conversation_id": LANE})
HISTORY: tuple[tuple[str, Entry], ...] = (
    ("07:1000-0", entry(conversation(1001.0), item(1), events=(RECEIVED,))),
    ("07:1000-1", entry(conversation(1001.0), item(2, MessageStatus.WAITING, "Bonsoir"))),
    ("07:1000-10", entry(conversation(1002.0, epoch=1), item(2, MessageStatus.SENT, "Bonsoir"))),
    (
        "07:2000-0",
        entry(conversation(1003.0, human=True), item(2, MessageStatus.DELIVERED, "Bonsoir"), item(3)),
    ),
)


async def contents(ledger: Ledger) -> dict[str, list[Any]]:
    """Every row of every table, but the numbers the database gives itself."""
    found: dict[str, list[Any]] = {}
    async with ledger.reading() as connection:
        for table in Base.metadata.sorted_tables:
            rows = await connection.execute(select(*(c for c in table.columns if c.name not in ("n", "at"))))
            found[table.name] = sorted(str(tuple(row)) for row in rows)
    return found


async def one(ledger: Ledger, table: Any) -> Any:
    async with ledger.reading() as connection:
        return (await connection.execute(select(table.__table__))).one_or_none()


async def test_the_newest_snapshot_and_every_message_are_there(ledger: Ledger) -> None:
    records = LedgerRecords(ledger)
    await records.write(HISTORY)

    assert await records.latest(LANE) == conversation(1003.0, human=True)
    row = await one(ledger, ConversationRow)
    assert (row.status, row.channel, row.basket["lines"][0]["product_id"]) == ("human", "whatsapp", "foulard")
    async with ledger.reading() as connection:
        found = await connection.execute(
            select(MessageRow.serial, MessageRow.status, MessageRow.created_at).order_by(MessageRow.serial)
        )
        assert [tuple(row) for row in found] == [
            (1, "received", instant(1001.0)), (2, "delivered", instant(1002.0)), (3, "received", instant(1003.0))
        ]  # fmt: skip


async def test_writing_it_again_changes_nothing(ledger: Ledger) -> None:
    records = LedgerRecords(ledger)
    await records.write(HISTORY)
    before = await contents(ledger)
    await records.write(HISTORY)
    await records.write(HISTORY[:2])

    assert await contents(ledger) == before


@settings(max_examples=25, deadline=None)
@given(heard=st.lists(st.lists(st.sampled_from(HISTORY), min_size=1), max_size=4))
def test_any_order_with_any_repeats_ends_the_same(
    heard: list[list[tuple[str, Entry]]], sqlite_tables: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async def write(*batches: list[tuple[str, Entry]]) -> dict[str, list[Any]]:
        path = shutil.copy(sqlite_tables, tmp_path_factory.mktemp("any"))
        ledger = open_ledger(f"sqlite+aiosqlite:///{path}")
        for batch in batches:
            await LedgerRecords(ledger).write(batch)
        found = await contents(ledger)
        await ledger.close()
        return found

    missing = [position for position in HISTORY if not any(position in batch for batch in heard)]
    assert asyncio.run(write(*heard, missing)) == asyncio.run(write(list(HISTORY)))


async def test_an_unknown_lane_has_no_record(ledger: Ledger) -> None:
    assert await LedgerRecords(ledger).latest(OTHER) is None


async def test_half_an_emoji_and_a_nul_do_not_stop_it(ledger: Ledger) -> None:
    text = "ok \ud83d\0!"
    await LedgerRecords(ledger).write([("07:1-0", entry(conversation(), item(1, text=text)))])

    assert (await one(ledger, MessageRow)).text == "ok ���!"


async def test_a_linked_address_stays_with_who_got_it_last(ledger: Ledger) -> None:
    assert TELEGRAM is not None
    records, first, second = LedgerRecords(ledger), conversation(), conversation(lane=OTHER)
    first = replace(first, customer=first.customer.heard(TELEGRAM, "42", 1500.0))
    linked = KnownAddress(TELEGRAM, "42", Proof.LINK, 1600.0)
    mine = replace(second, customer=replace(second.customer, addresses=(linked,)))

    owners = []
    for position, record in (
        ("07:1-0", first), ("07:2-0", mine), ("07:3-0", first), ("07:4-0", second), ("07:5-0", first)
    ):  # fmt: skip
        await records.write([(position, entry(record))])
        async with ledger.reading() as connection:
            owners.append(
                await connection.scalar(
                    select(AddressRow.customer_id).where(AddressRow.address == "telegram:42")
                )
            )

    a, b = f"cus-{LANE}", f"cus-{OTHER}"
    assert owners == [a, b, b, None, a]


async def test_an_address_taken_out_of_the_book_is_gone(ledger: Ledger) -> None:
    records, record = LedgerRecords(ledger), conversation()
    await records.write([("07:1-0", entry(record))])
    await records.write([("07:2-0", entry(replace(record, customer=replace(record.customer, addresses=()))))])

    assert await one(ledger, AddressRow) is None


async def test_who_cannot_be_reached_is_on_the_call_list_until_a_road_opens(ledger: Ledger) -> None:
    records = LedgerRecords(ledger)
    data = {"phone": "+2250700000001", "basket": "1 foulard", "reason": "no_road"}
    told = PublicEvent("conversation.unreachable:x", "conversation.unreachable", 1200.0, data)
    lost = conversation(1200.0, unreachable_told=True)

    await records.write([("07:1-0", entry(lost, events=(told,)))])
    listed = await one(ledger, CallListRow)
    await records.write([("07:2-0", entry(replace(lost, epoch=1)))])
    still = await one(ledger, CallListRow)
    await records.write([("07:3-0", entry(conversation(1300.0)))])

    assert (listed.phone, listed.basket, listed.since) == ("+2250700000001", "1 foulard", instant(1200.0))
    assert (still, await one(ledger, CallListRow)) == (listed, None)


async def test_what_was_erased_does_not_come_back(ledger: Ledger) -> None:
    records = LedgerRecords(ledger)
    await records.write(HISTORY[:1])
    async with ledger.writing() as connection:
        await connection.execute(update(ConversationRow).values(erased_at=instant(1500.0)))

    await records.write(HISTORY[1:])
    assert (await one(ledger, MessageRow)).id == f"{LANE}-1"
    assert await records.latest(LANE) is None

    await records.write([("07:9000-0", entry(conversation(2000.0)))])
    assert await records.latest(LANE) == conversation(2000.0)


class StreamOfLists:
    """A journal in lists: what Redis' streams hold."""

    def __init__(self, stored: list[Stored]) -> None:
        self.stored = stored

    async def read(self, partition: int, after_id: str, count: int) -> list[Stored]:
        return [s for s in self.stored if s.partition == partition and _number(s.id) > _number(after_id)][
            :count
        ]

    async def read_all(self, after: Any, count: int = 64) -> list[Stored]:
        return [
            s
            for partition in range(64)
            for s in await self.read(partition, after.get(partition, "0-0"), count)
        ]

    async def trim(self, up_to: Mapping[int, str]) -> None:
        self.stored = [s for s in self.stored if _number(s.id) > _number(up_to.get(s.partition, "0-0"))]

    async def begin_after(self, partition: int, entry_id: str) -> None:
        raise AssertionError("asked for only when a run begins")


def _number(id_: str) -> tuple[int, ...]:
    return tuple(int(part) for part in id_.split("-"))


def stored(number: int, data: bytes | None = None) -> Stored:
    record = conversation(1000.0 + number)
    return Stored(7, f"{number}-0", data or codec.encode_entry(entry(record, item(number))))


async def test_the_projector_writes_trims_and_remembers_how_far_it_is(ledger: Ledger) -> None:
    journal, records = StreamOfLists([stored(number) for number in range(1, 151)]), LedgerRecords(ledger)
    projector, offsets = Projector(journal, records), dict[int, str]()

    written = [await projector.once(offsets) for _ in range(4)]

    assert (written, journal.stored) == ([64, 64, 22, 0], [])
    assert await records.offsets() == {7: "150-0"}
    assert await records.latest(LANE) == conversation(1150.0)


async def test_what_cannot_be_read_is_set_aside_and_the_rest_goes_on(ledger: Ledger) -> None:
    journal = StreamOfLists([stored(1), stored(2, b'{"v":1,"lane":3}'), stored(3)])
    records = LedgerRecords(ledger)

    assert await Projector(journal, records).once({}) == 3
    assert (await one(ledger, JournalReject)).entry == b'{"v":1,"lane":3}'
    assert await records.latest(LANE) == conversation(1003.0)


async def test_what_only_a_newer_relais_can_read_waits_for_it(ledger: Ledger) -> None:
    journal = StreamOfLists([stored(1, b'{"v":99}')])

    with pytest.raises(NewerVersion):
        await Projector(journal, LedgerRecords(ledger)).once({})
    assert len(journal.stored) == 1


async def test_a_customer_keeps_the_time_of_the_first_word(ledger: Ledger) -> None:
    records = LedgerRecords(ledger)
    await records.write(HISTORY)
    await records.write([("07:9000-0", entry(conversation(5000.0, created_at=4000.0)))])

    row = await one(ledger, Customer)
    assert row.created_at == instant(1000.0)
    assert row.created_at + timedelta(seconds=1) == instant(1001.0)
