"""Writing events into the outbox, where the numberer finds them. Called inside the transaction of what happened."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ledger.models import OutboxRow
from bot.ledger.statements import insert_if_new


def event_row(shop_id: str, cause: str, type_: str, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    """A row for ``tell``. ``cause`` becomes the event's id; whom it concerns is kept beside it, for erasing."""
    return {
        "shop_id": shop_id,
        "id": cause,
        "type": type_,
        "occurred_at": at,
        "data": data,
        "conversation_id": data.get("conversation_id"),
        "customer_id": data.get("customer_id"),
        "seq": None,
    }


async def tell(connection: AsyncConnection, rows: Iterable[dict[str, Any]]) -> None:
    """Append events; one that was told before is left as it is."""
    fresh = list(rows)
    if fresh:
        await connection.execute(insert_if_new(connection, OutboxRow, "id"), fresh)
