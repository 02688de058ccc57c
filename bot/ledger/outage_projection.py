"""What journal entries make of the outage tables: detours, the call list, consents. Keyed, so repeats change nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.conversations import Conversation
from bot.core.journal import Entry, PublicEvent
from bot.ledger.marks import Marked
from bot.ledger.outage_models import CallListRow, ConsentRow, Detour
from bot.ledger.statements import insert_if_new, upsert
from bot.ledger.times import instant

UNREACHABLE = "conversation.unreachable"
MOVED = "conversation.moved"
HELD = "message.held"
WORDS = {
    "customer.opted_out": (False, "stop"),
    "customer.opted_in": (True, "start"),
    "customer.linked": (True, "link"),
    "customer.unlinked": (False, "unlinked"),
}


async def project(
    connection: AsyncConnection, entries: Sequence[Marked], newest: Sequence[Conversation]
) -> None:
    """Write what these entries tell. ``newest``: the records that are newer than the ledger's."""
    told = [(one.entry, event) for one in entries for event in one.entry.events]
    detours = [_detour(entry, event) for entry, event in told if event.type in (MOVED, HELD)]
    if detours:
        await connection.execute(insert_if_new(connection, Detour, "id"), detours)
    consents = [
        *(row for one in entries for row in _known(one)),
        *(_word(*each) for each in told if each[1].type in WORDS),
    ]
    if consents:
        rows = {row["id"]: row for row in consents}
        await connection.execute(
            insert_if_new(connection, ConsentRow, "id"), [rows[id_] for id_ in sorted(rows)]
        )
    await _call_list(connection, told, newest)


def _detour(entry: Entry, event: PublicEvent) -> dict[str, Any]:
    held = event.type == HELD
    return {
        "id": event.id,
        "shop_id": entry.shop_id,
        "conversation_id": entry.lane,
        "kind": "held" if held else "moved",
        "old": event.data.get("channel" if held else "old"),
        "new": event.data.get("new"),
        "at": instant(event.occurred_at),
    }


def _known(one: Marked) -> Iterator[dict[str, Any]]:
    """An address in the book, by the strongest proof so far: a stronger one later is another row."""
    customer = one.record.customer
    for known in customer.addresses:
        yield {
            "id": f"{customer.id}:{known.address}:{known.proved_by.value}",
            "shop_id": one.record.shop_id,
            "customer_id": customer.id,
            "address": str(known.address),
            "granted": True,
            "how": known.proved_by.value,
            "at": instant(known.added_at),
        }


def _word(entry: Entry, event: PublicEvent) -> dict[str, Any]:
    granted, how = WORDS[event.type]
    return {
        "id": event.id,
        "shop_id": entry.shop_id,
        "customer_id": event.data["customer_id"],
        "address": event.data["address"],
        "granted": granted,
        "how": how,
        "at": instant(event.occurred_at),
    }


async def _call_list(
    connection: AsyncConnection, told: Sequence[tuple[Entry, PublicEvent]], newest: Sequence[Conversation]
) -> None:
    """On the list while no road is open, off it when one is."""
    last = {entry.lane: event for entry, event in told if event.type == UNREACHABLE}
    listed = [
        _call(record, last[record.id]) for record in newest if record.unreachable_told and record.id in last
    ]
    reached = [record.id for record in newest if not record.unreachable_told]
    if listed:
        statement = upsert(connection, CallListRow, ("conversation_id",), ("since", "called_at", "called_by"))
        await connection.execute(statement, listed)
    if reached:
        await connection.execute(delete(CallListRow).where(CallListRow.conversation_id.in_(reached)))


def _call(record: Conversation, event: PublicEvent) -> dict[str, Any]:
    return {
        "conversation_id": record.id,
        "shop_id": record.shop_id,
        "customer_id": record.customer.id,
        "name": record.basket.checkout.name or record.customer.name,
        "phone": event.data.get("phone"),
        "basket": event.data.get("basket") or "",
        "value_xof": 0 if record.basket.closed else record.basket.total_xof,
        "say": event.data.get("say") or "",
        "reason": event.data.get("reason") or "",
        "since": instant(event.occurred_at),
        "called_at": None,
        "called_by": None,
    }
