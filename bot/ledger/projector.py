"""The journal's way into the ledger: each entry written once in effect, however often it is read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import ColumnElement, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.addresses import PARTITIONS, Address, LaneId, ShopId
from bot.core.conversations import Conversation
from bot.core.customers import LEADS
from bot.core.journal import Entry
from bot.ledger.engine import Ledger
from bot.ledger.marks import Marked, marked
from bot.ledger.models import AddressRow, ConversationRow, JournalOffset, JournalReject, MessageRow, OrderRow
from bot.ledger.projection import project
from bot.ledger.statements import insert_if_new, upsert
from bot.ledger.times import instant, utc_now
from bot.metrics import METRICS
from bot.storage import codec
from bot.storage.codec import NewerVersion
from bot.storage.journal import START, Journal, Stored
from bot.storage.plans import CodecError
from bot.together import Together

log = structlog.get_logger()

PER_PARTITION = 64
PER_TRANSACTION = 200
"""More would make orders wait for the projector's lock on SQLite."""
PAUSE = 0.15
"""Seconds between two looks: what was committed meanwhile is written together. A transaction costs far more than an entry."""
AT_ONCE = 64
"""Shoppers asked for in one query."""
MOST_HEARD = 1000
"""Messages of one shopper that are known again after Redis was lost."""


class LedgerRecords:
    """What must outlive Redis (``ports.Records``)."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        # Each shopper who is new asks several times; a rush of them asks together.
        self._latest: Together[LaneId, Conversation | None] = Together(self._latest_of, AT_ONCE)
        self._owner: Together[tuple[ShopId, Address], LaneId | None] = Together(self._owners_of, AT_ONCE)

    async def latest(self, lane: LaneId) -> Conversation | None:
        """The conversation as last projected, to rebuild an empty lane. Raises Unavailable."""
        return await self._latest(lane)

    async def owner(self, shop: ShopId, address: Address) -> LaneId | None:
        """The conversation an address leads to; what a shop or a shopper only stated leads nowhere. Raises Unavailable."""
        return await self._owner((shop, address))

    async def _latest_of(self, lanes: Sequence[LaneId]) -> list[Conversation | Exception | None]:
        table = ConversationRow
        query = select(table.id, table.snapshot).where(table.id.in_(sorted(set(lanes))), _known())
        async with self._ledger.reading() as connection:
            found = {row.id: row.snapshot for row in await connection.execute(query)}
        return [_read(found.get(lane)) for lane in lanes]

    async def _owners_of(self, asked: Sequence[tuple[ShopId, Address]]) -> list[LaneId | Exception | None]:
        table = AddressRow
        wanted = [(shop, str(address)) for shop, address in asked]
        query = (
            select(table.shop_id, table.address, ConversationRow.id)
            .join(table, table.customer_id == ConversationRow.customer_id)
            .where(tuple_(table.shop_id, table.address).in_(sorted(set(wanted))))
            .where(table.proved_by.in_(proof.value for proof in LEADS))
        )
        async with self._ledger.reading() as connection:
            found = {(shop, address): LaneId(lane) for shop, address, lane in await connection.execute(query)}
        return [found.get(one) for one in wanted]

    async def heard(self, lane: LaneId, since: float) -> Sequence[tuple[str, float]]:
        """The shopper's messages since then, the last ``MOST_HEARD`` of them, oldest first. Raises Unavailable."""
        table = MessageRow
        query = (
            select(table.provider_id, table.created_at)
            .where(table.conversation_id == lane, table.direction == "in", table.provider_id.is_not(None))
            .where(table.created_at >= instant(since))
            .order_by(table.serial.desc())
            .limit(MOST_HEARD)
        )
        async with self._ledger.reading() as connection:
            rows = list(await connection.execute(query))
        return [(row.provider_id, row.created_at.timestamp()) for row in reversed(rows)]

    async def order_of(self, basket_id: str) -> tuple[str, str] | None:
        """Id and number of the order a basket became. Raises Unavailable."""
        async with self._ledger.reading() as connection:
            query = select(OrderRow.id, OrderRow.number).where(OrderRow.basket_id == basket_id)
            row = (await connection.execute(query)).first()
        return None if row is None else (row.id, row.number)

    async def recent(self, since: float, after: str, most: int) -> Sequence[Conversation]:
        """Conversations with a message since then, by id. Raises Unavailable."""
        table = ConversationRow
        query = (
            select(table.snapshot)
            .where(table.id > after, table.last_message_at >= instant(since), _known())
            .order_by(table.id)
            .limit(most)
        )
        async with self._ledger.reading() as connection:
            return [codec.conversation_from_json(found) for found in await connection.scalars(query)]

    async def write(self, entries: Sequence[tuple[str, Entry]]) -> None:
        """Project entries in one transaction. Raises Unavailable."""
        read = [marked(position, entry) for position, entry in entries]
        await self._ledger.write(lambda connection: project(connection, read))

    async def offsets(self) -> dict[int, str]:
        """How far each partition's journal is in the ledger. Raises Unavailable."""
        async with self._ledger.reading() as connection:
            rows = await connection.execute(select(JournalOffset.partition, JournalOffset.last_id))
            return {row.partition: row.last_id for row in rows}

    async def take_in(self, stored: Sequence[Stored]) -> None:
        """Write journal entries and how far we are, in one transaction. What cannot be read is set aside.

        Raises Unavailable, and NewerVersion for entries that only a later Relais may read.
        """
        entries: list[Marked] = []
        rejects: list[dict[str, object]] = []
        for item in stored:
            try:
                entries.append(marked(item.position, codec.decode_entry(item.entry)))
            except NewerVersion:
                raise
            except CodecError as error:
                log.error("projector.entry_rejected", position=item.position)
                reject = {"position": item.position, "entry": item.entry, "reason": str(error)[:200]}
                rejects.append({**reject, "at": utc_now()})
        last = {item.partition: item.id for item in stored}

        async def work(connection: AsyncConnection) -> None:
            await project(connection, entries)
            if rejects:
                await connection.execute(insert_if_new(connection, JournalReject, "position"), rejects)
            rows = [{"partition": partition, "last_id": last[partition]} for partition in sorted(last)]
            await connection.execute(upsert(connection, JournalOffset, ("partition",)), rows)

        await self._ledger.write(work)
        if rejects:
            METRICS.parked.labels("journal").inc(len(rejects))


def _read(snapshot: Any) -> Conversation | Exception | None:
    """What one lane's record says; what is wrong with it concerns those who asked for it alone."""
    if snapshot is None:
        return None
    try:
        return codec.conversation_from_json(snapshot)
    except CodecError as error:
        return error


def _known() -> ColumnElement[bool]:
    """Is there a record to go by? Not of a shopper who was erased and has not written since."""
    table = ConversationRow
    return or_(table.erased_at.is_(None), table.last_message_at > table.erased_at)


class Projector:
    """Reads the journal and writes the ledger, until it is told to stop.

    The caller holds a lease so that one does it at a time; two at once are only work done twice.
    """

    def __init__(self, journal: Journal, records: LedgerRecords) -> None:
        self._journal = journal
        self._records = records

    async def once(self, offsets: dict[int, str]) -> int:
        """One look at all partitions; the number of entries written. ``offsets`` moves on. Raises Unavailable."""
        found = await self._journal.read_all(offsets, PER_PARTITION)
        for start in range(0, len(found), PER_TRANSACTION):
            some = found[start : start + PER_TRANSACTION]
            await self._records.take_in(some)
            last = {item.partition: item.id for item in some}
            offsets.update(last)
            await self._journal.trim(last)
        return len(found)

    async def run(self, stop: asyncio.Event) -> None:
        """Project for ever. Raises Unavailable; the caller tries again."""
        known = await self._records.offsets()
        for partition, last in known.items():
            await self._journal.begin_after(partition, last)
        offsets = dict.fromkeys(range(PARTITIONS), START) | known
        while not stop.is_set():
            if await self.once(offsets) < PER_PARTITION:
                await asyncio.sleep(PAUSE)
