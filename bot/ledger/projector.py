"""The journal's way into the ledger: each entry written once in effect, however often it is read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.addresses import LaneId
from bot.core.basket import to_dict
from bot.core.conversations import Conversation
from bot.core.journal import Entry, TranscriptItem
from bot.ledger.engine import Ledger
from bot.ledger.models import (
    AddressRow,
    CallListRow,
    ConversationRow,
    Customer,
    JournalOffset,
    JournalReject,
    MessageRow,
)
from bot.ledger.outbox import event_row, tell
from bot.ledger.statements import insert_if_new, upsert
from bot.ledger.times import instant, instant_or_none, utc_now
from bot.storage import codec
from bot.storage.journal import START, Journal, Stored
from bot.storage.plans import CodecError

log = structlog.get_logger()

BATCH = 64
IDLE_SECONDS = 0.05


def mark_of(position: str) -> str:
    """A position as text that sorts like the journal: ``07:1700000000000-0`` -> padded numbers."""
    milliseconds, _, nth = position.partition(":")[2].partition("-")
    return f"{int(milliseconds):016d}-{int(nth or 0):08d}"


class LedgerRecords:
    """What must outlive Redis (``ports.Records``)."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def latest(self, lane: LaneId) -> Conversation | None:
        """The conversation as last projected, to rebuild an empty lane. Raises Unavailable."""
        query = select(ConversationRow.snapshot).where(
            ConversationRow.id == lane, ConversationRow.erased_at.is_(None)
        )
        async with self._ledger.reading() as connection:
            snapshot = (await connection.execute(query)).scalar_one_or_none()
        return None if snapshot is None else codec.conversation_from_json(snapshot)

    async def write(self, entries: Sequence[tuple[str, Entry]]) -> None:
        """Project entries, oldest first, in one transaction. Raises Unavailable."""

        async def work(connection: AsyncConnection) -> None:
            for position, entry in entries:
                await _project(connection, mark_of(position), entry)

        await self._ledger.write(work)

    async def offsets(self) -> dict[int, str]:
        """How far each partition's journal is in the ledger."""
        async with self._ledger.reading() as connection:
            rows = await connection.execute(select(JournalOffset.partition, JournalOffset.last_id))
            return {row.partition: row.last_id for row in rows}

    async def take_in(self, stored: Sequence[Stored]) -> None:
        """Write journal entries and how far we are, in one transaction. What cannot be read is set aside."""

        async def work(connection: AsyncConnection) -> None:
            last: dict[int, str] = {}
            for item in stored:
                try:
                    entry = codec.decode_entry(item.entry)
                except CodecError as error:
                    reject = {
                        "position": item.position, "entry": item.entry, "reason": str(error)[:200], "at": utc_now(),
                    }  # fmt: skip
                    await connection.execute(insert_if_new(connection, JournalReject, "position"), [reject])
                    log.error("projector.entry_rejected", position=item.position)
                else:
                    await _project(connection, mark_of(item.position), entry)
                last[item.partition] = item.id
            rows = [{"partition": partition, "last_id": id_} for partition, id_ in last.items()]
            await connection.execute(upsert(connection, JournalOffset, ("partition",)), rows)

        await self._ledger.write(work)


class Projector:
    """Reads the journal and writes the ledger, until it is told to stop. One at a time: the caller holds a lease."""

    def __init__(self, journal: Journal, records: LedgerRecords) -> None:
        self._journal = journal
        self._records = records

    async def once(self, offsets: dict[int, str]) -> int:
        """One look at all partitions; the number of entries written. Raises Unavailable."""
        found = await self._journal.read_all(offsets, BATCH)
        if not found:
            return 0
        await self._records.take_in(found)
        for item in found:
            offsets[item.partition] = item.id
        for partition in {item.partition for item in found}:
            await self._journal.trim(partition, offsets[partition])
        return len(found)

    async def run(self, stop: asyncio.Event) -> None:
        """Project for ever. Raises Unavailable; the caller tries again."""
        offsets = dict.fromkeys(range(64), START) | await self._records.offsets()
        while not stop.is_set():
            if not await self.once(offsets):
                await asyncio.sleep(IDLE_SECONDS)


async def _project(connection: AsyncConnection, mark: str, entry: Entry) -> None:
    record = codec.conversation_from_json(entry.conversation)
    if await _erased(connection, record):
        return
    newest = await _is_newest(connection, record, mark)
    if newest:
        await _snapshot(connection, mark, entry, record)
    for item in entry.messages:
        await _message(connection, mark, entry, item)
    causes = [
        event_row(entry.shop_id, event.id, event.type, instant(event.occurred_at), event.data)
        for event in entry.events
    ]
    await tell(connection, causes)
    if newest:
        await _call_list(connection, entry, record)


async def _erased(connection: AsyncConnection, record: Conversation) -> bool:
    """What the journal tells of times before a shopper was erased is dropped."""
    query = select(ConversationRow.erased_at).where(ConversationRow.id == record.id)
    erased = (await connection.execute(query)).scalar_one_or_none()
    return erased is not None and instant(record.last_message_at or record.created_at) <= erased


async def _is_newest(connection: AsyncConnection, record: Conversation, mark: str) -> bool:
    known = (
        await connection.execute(select(ConversationRow.mark).where(ConversationRow.id == record.id))
    ).scalar_one_or_none()
    return known is None or known < mark


async def _snapshot(connection: AsyncConnection, mark: str, entry: Entry, record: Conversation) -> None:
    created = instant(record.created_at)
    person = {
        "id": record.customer.id,
        "shop_id": entry.shop_id,
        "name": record.customer.name,
        "language": record.customer.language,
        "mark": mark,
        "created_at": created,
        "erased_at": None,
    }
    keep = ("created_at", "erased_at")
    await connection.execute(upsert(connection, Customer, ("id",), keep, newer="mark"), [person])
    await connection.execute(delete(AddressRow).where(AddressRow.customer_id == record.customer.id))
    book = [
        {
            "shop_id": entry.shop_id,
            "address": str(known.address),
            "customer_id": record.customer.id,
            "ordinal": ordinal,
            "proved_by": known.proved_by.value,
            "opted_out": known.opted_out,
            "added_at": instant(known.added_at),
            "last_heard_at": instant_or_none(known.last_heard_at),
        }
        for ordinal, known in enumerate(record.customer.addresses)
    ]
    if book:
        await connection.execute(upsert(connection, AddressRow, ("shop_id", "address")), book)
    row = {
        "id": record.id,
        "shop_id": entry.shop_id,
        "customer_id": record.customer.id,
        "status": "human" if record.human else "bot",
        "channel": record.channel.value,
        "epoch": record.epoch,
        "awaiting": record.awaiting.value if record.awaiting else None,
        "basket": {} if record.basket.closed else to_dict(record.basket),
        "snapshot": entry.conversation,
        "mark": mark,
        "created_at": created,
        "last_message_at": instant_or_none(record.last_message_at),
        "erased_at": None,
    }
    await connection.execute(upsert(connection, ConversationRow, ("id",), keep, newer="mark"), [row])


async def _message(connection: AsyncConnection, mark: str, entry: Entry, item: TranscriptItem) -> None:
    row: dict[str, Any] = {
        "id": item.id,
        "shop_id": entry.shop_id,
        "conversation_id": entry.lane,
        "serial": int(item.id.rpartition("-")[2]),
        "direction": item.direction,
        "author": item.author,
        "channel": item.channel.value if item.channel else None,
        "text": item.text,
        "status": item.status.value,
        "late": item.late,
        "superseded_by": item.superseded_by,
        "provider_id": item.provider_id,
        "error_code": item.error_code,
        "reason": item.reason,
        "attachments": list(item.attachments),
        "mark": mark,
        "created_at": instant(item.created_at),
    }
    statement = upsert(connection, MessageRow, ("id",), ("created_at", "serial"), newer="mark")
    await connection.execute(statement, [row])


async def _call_list(connection: AsyncConnection, entry: Entry, record: Conversation) -> None:
    """On the list while no road is open, off it when one is."""
    told = next((event for event in entry.events if event.type == "conversation.unreachable"), None)
    if told is not None:
        row = {
            "conversation_id": record.id,
            "shop_id": entry.shop_id,
            "customer_id": record.customer.id,
            "phone": told.data.get("phone"),
            "basket": told.data.get("basket") or "",
            "reason": told.data.get("reason") or "",
            "since": instant(told.occurred_at),
        }
        await connection.execute(upsert(connection, CallListRow, ("conversation_id",), ("since",)), [row])
    elif not record.unreachable_told:
        await connection.execute(delete(CallListRow).where(CallListRow.conversation_id == record.id))
