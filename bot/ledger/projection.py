"""What journal entries make of the tables: the newest snapshot of each conversation, its transcript, its events.

Everything is keyed and guarded by the journal's own order, so entries may come twice or too late and change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.attention import waiting_since
from bot.core.basket import to_dict
from bot.core.journal import Entry, PublicEvent, TranscriptItem
from bot.core.readiness import roads_of
from bot.core.triage import urgency
from bot.core.words import fold
from bot.ledger import outage_projection as outages
from bot.ledger import search_index
from bot.ledger.marks import Marked
from bot.ledger.models import AddressRow, ConversationRow, Customer, MessageRow
from bot.ledger.outbox import event_row, tell
from bot.ledger.statements import upsert
from bot.ledger.times import instant, instant_or_none


async def project(connection: AsyncConnection, entries: Sequence[Marked]) -> None:
    """Write entries, at most some hundred: a few statements for all of them, so that orders do not wait."""
    known = await _known(connection, {one.entry.lane for one in entries})
    alive = sorted(
        (one for one in entries if not _erased(known.get(one.entry.lane), one.entry)),
        key=lambda one: one.mark,
    )
    last = {one.entry.lane: one for one in alive}
    newest = [one for lane, one in sorted(last.items()) if lane not in known or known[lane].mark < one.mark]
    if newest:
        await _people(connection, newest)
        statement = upsert(connection, ConversationRow, ("id",), ("created_at", "erased_at"), newer="mark")
        await connection.execute(statement, [_conversation(one, known.get(one.entry.lane)) for one in newest])
    await _messages(connection, alive)
    await tell(connection, (_event(one.entry, event) for one in alive for event in one.entry.events))
    await outages.project(connection, alive, [one.record for one in newest])


async def _known(connection: AsyncConnection, lanes: Iterable[str]) -> Mapping[str, Any]:
    """Mark, time of erasing and since when a person is waited for, by conversation."""
    table = ConversationRow
    found = await connection.execute(
        select(table.id, table.mark, table.erased_at, table.waiting_since).where(table.id.in_(sorted(lanes)))
    )
    return {row.id: row for row in found}


def _erased(known: Any, entry: Entry) -> bool:
    """What the journal tells of times before a shopper was erased is dropped."""
    erased_at: datetime | None = None if known is None else known.erased_at
    return erased_at is not None and instant(entry.at) <= erased_at


async def _people(connection: AsyncConnection, newest: Sequence[Marked]) -> None:
    people: list[dict[str, Any]] = []
    book: list[dict[str, Any]] = []
    for one in newest:
        record, customer = one.record, one.record.customer
        people.append(
            {
                "id": customer.id,
                "shop_id": record.shop_id,
                "name": customer.name,
                "folded_name": fold(customer.name or ""),
                "language": customer.language,
                "roads": int(roads_of(customer)),
                "mark": one.mark,
                "created_at": instant(record.created_at),
                "erased_at": None,
            }
        )
        book += [
            {
                "shop_id": record.shop_id,
                "address": str(known.address),
                "customer_id": customer.id,
                "ordinal": ordinal,
                "proved_by": known.proved_by.value,
                "opted_out": known.opted_out,
                "added_at": instant(known.added_at),
                "last_heard_at": instant_or_none(known.last_heard_at),
            }
            for ordinal, known in enumerate(customer.addresses)
        ]
    # A shopper who comes back after having been erased is a shopper again.
    await connection.execute(upsert(connection, Customer, ("id",), ("created_at",), newer="mark"), people)
    await _forget_addresses(connection, {one.record.customer.id for one in newest}, book)
    if book:
        statement = upsert(
            connection,
            AddressRow,
            ("shop_id", "address"),
            # An address has one owner, the one who got it last, whatever conversation commits later.
            where=lambda new: or_(
                AddressRow.customer_id == new["customer_id"], AddressRow.added_at <= new["added_at"]
            ),
        )
        await connection.execute(statement, sorted(book, key=lambda row: (row["shop_id"], row["address"])))


async def _forget_addresses(
    connection: AsyncConnection, customers: set[str], book: Sequence[Mapping[str, Any]]
) -> None:
    """Remove what these customers no longer have."""
    table = AddressRow
    kept = {(row["shop_id"], row["address"], row["customer_id"]) for row in book}
    found = await connection.execute(
        select(table.shop_id, table.address, table.customer_id).where(
            table.customer_id.in_(sorted(customers))
        )
    )
    gone = [
        {"gone_shop": row.shop_id, "gone_address": row.address}
        for row in found
        if (row.shop_id, row.address, row.customer_id) not in kept
    ]
    if gone:
        await connection.execute(
            delete(table).where(
                table.shop_id == bindparam("gone_shop"), table.address == bindparam("gone_address")
            ),
            gone,
        )


def _conversation(one: Marked, known: Any) -> dict[str, Any]:
    record = one.record
    open_ = not record.basket.closed
    basket_xof = record.basket.items_total_xof if open_ else 0
    heard_at = max(record.heard_at.values(), default=record.created_at)
    waited = known.waiting_since.timestamp() if known is not None and known.waiting_since else None
    return {
        "id": record.id,
        "shop_id": record.shop_id,
        "customer_id": record.customer.id,
        "status": "human" if record.human else "bot",
        "channel": record.channel.value,
        "epoch": record.epoch,
        "awaiting": record.awaiting.value if record.awaiting else None,
        "basket": to_dict(record.basket) if open_ else {},
        "basket_xof": basket_xof,
        "urgency": urgency(basket_xof, heard_at),
        "snapshot": one.entry.conversation,
        "mark": one.mark,
        "created_at": instant(record.created_at),
        "last_message_at": instant_or_none(record.last_message_at),
        "waiting_since": instant_or_none(waiting_since(record, waited)),
        "erased_at": None,
    }


async def _messages(connection: AsyncConnection, entries: Sequence[Marked]) -> None:
    # The last word on each item counts: the record has joined the statuses already.
    rows = {item.id: _message(one, item) for one in entries for item in one.entry.messages}
    if rows:
        statement = upsert(connection, MessageRow, ("id",), ("created_at", "serial"), newer="mark")
        await connection.execute(statement, [rows[id_] for id_ in sorted(rows)])
        await search_index.put(connection, sorted(rows))


def _message(one: Marked, item: TranscriptItem) -> dict[str, Any]:
    return {
        "id": item.id,
        "shop_id": one.entry.shop_id,
        "conversation_id": one.entry.lane,
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
        "cost_xof": item.cost_xof,
        "mark": one.mark,
        "created_at": instant(item.created_at),
    }


def _event(entry: Entry, event: PublicEvent) -> dict[str, Any]:
    return event_row(entry.shop_id, event.id, event.type, instant(event.occurred_at), event.data)
