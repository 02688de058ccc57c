"""What an incident came to: one set of queries over the transcript, run anew each time.

Counting anew and not adding up: a receipt that comes an hour late, an entry projected twice or a crash in between
cannot make a figure wrong, only old for some seconds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, distinct, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from bot.ledger.models import ConversationRow, MessageRow, OrderRow
from bot.ledger.outage_models import AlertRow, Detour, Incident, ReachOut

LEFT = ("accepted", "sent", "delivered", "read")
ARRIVED = ("delivered", "read")
NEVER_LEFT = ("failed", "expired")
AFTER = timedelta(minutes=10)
"""What was said in the outage may be answered, and ordered, a little after it."""


async def counts(connection: AsyncConnection, row: Any, now: datetime) -> dict[str, int]:
    """All figures of one incident (a row of ``incidents``), by column."""
    began: datetime = row.began_at
    ended: datetime = row.ended_at or now
    within = and_(MessageRow.shop_id == row.shop_id, MessageRow.created_at.between(began, ended))
    gone = [
        Detour.shop_id == row.shop_id, Detour.at.between(began, ended + AFTER), Detour.old == row.channel
    ]  # fmt: skip
    moved = select(Detour.conversation_id).where(*gone, Detour.kind == "moved").distinct()
    later = aliased(MessageRow)
    answer = exists().where(
        later.conversation_id == MessageRow.conversation_id,
        later.serial > MessageRow.serial,
        later.direction == "out",
        later.status.in_(LEFT),
        later.created_at <= ended + AFTER,
    )
    twin = exists().where(later.id == MessageRow.superseded_by, later.status.in_(LEFT))
    queries: dict[str, Select[Any]] = {
        "moved": select(func.count()).select_from(moved.subquery()),
        "answered": _messages(within, MessageRow.direction == "in", answer),
        "held": select(func.count(distinct(Detour.id))).where(*gone, Detour.kind == "held"),
        "lost": _messages(
            within,
            MessageRow.direction == "out",
            MessageRow.status.in_(NEVER_LEFT),
            MessageRow.superseded_by.is_(None),
            # Told unasked and no longer needed: nothing that anybody waited for.
            or_(MessageRow.reason.is_(None), MessageRow.reason.not_in(("returned", "unasked"))),
        ),
        "duplicated": _messages(within, MessageRow.direction == "out", MessageRow.status.in_(ARRIVED), twin),
        "spent_xof": select(func.coalesce(func.sum(MessageRow.cost_xof), 0)).where(within),
        "saved_xof": select(func.coalesce(func.sum(OrderRow.total_xof), 0)).where(
            OrderRow.shop_id == row.shop_id,
            OrderRow.created_at.between(began, ended + AFTER),
            OrderRow.status != "cancelled",
            OrderRow.channel.in_([c for c in ("whatsapp", "telegram", "sms", "web") if c != row.channel]),
            OrderRow.conversation_id.in_(moved),
        ),
        "returned": select(func.count())
        .select_from(ConversationRow)
        .where(ConversationRow.id.in_(moved), ConversationRow.channel == row.channel),
        "reached": select(func.count()).where(ReachOut.incident_id == row.id, ReachOut.road.is_not(None)),
        "alerts_xof": select(func.coalesce(func.sum(AlertRow.cost_xof), 0)).where(
            AlertRow.incident_id == row.id
        ),
    }
    found = {name: int(await connection.scalar(query) or 0) for name, query in queries.items()}
    found["spent_xof"] += found.pop("alerts_xof")
    return found


def _messages(*where: ColumnElement[bool]) -> Select[Any]:
    return select(func.count()).select_from(MessageRow).where(*where)


def due(now: datetime, settling: timedelta, *, also_ended: bool) -> Select[Any]:
    """The incidents to be counted now."""
    lasting = Incident.ended_at.is_(None)
    recent = Incident.ended_at > now - settling
    return select(Incident.__table__).where(or_(lasting, recent) if also_ended else lasting)
