"""Whom to tell of an outage next: walks over indexes, a page at a time, so that memory does not grow with the crowd.

The ledger and not Redis is asked: it has every conversation by shop, survives an empty Redis, and may be some seconds
late, because each lane decides for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, exists, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core import triage
from bot.core.addresses import ChannelName
from bot.core.readiness import Road
from bot.core.triage import Candidate, Tier
from bot.ledger.models import ConversationRow, Customer, OrderRow
from bot.ledger.outage_models import ReachOut
from bot.ledger.owed_alerts import ON_THE_WAY, TODAY
from bot.ledger.statements import insert_if_new
from bot.ledger.times import instant
from bot.ports import OpenIncident


async def candidates(
    connection: AsyncConnection,
    incident: OpenIncident,
    tier: Tier,
    wanted: Road,
    unwanted: Road,
    now: float,
    most: int,
) -> list[tuple[Candidate, str]]:
    """See ``ports.Outages.candidates``: the order is that of ``triage.in_order``."""
    query = _deliveries(now) if tier is Tier.DELIVERY else _conversations(tier, now)
    told = exists().where(ReachOut.incident_id == incident.id, ReachOut.conversation_id == ConversationRow.id)
    query = query.where(
        ConversationRow.shop_id == incident.shop_id,
        ConversationRow.channel == incident.channel.value,
        ConversationRow.erased_at.is_(None),
        Customer.erased_at.is_(None),
        ~told,
    )
    if wanted:
        query = query.where(Customer.roads.bitwise_and(int(wanted)) != 0)
    if unwanted:
        query = query.where(Customer.roads.bitwise_and(int(unwanted)) == 0)
    rows = await connection.execute(query.limit(most))
    return [
        (Candidate(row.id, tier, row.urgency, Road(row.roads), row.value), row.number or "") for row in rows
    ]


def _conversations(tier: Tier, now: float) -> Select[*tuple[Any, ...]]:
    order = tier is Tier.ORDER
    oldest = instant(now - (triage.BASKET_SECONDS if order else triage.IDLE_SECONDS))
    return (
        select(
            ConversationRow.id,
            ConversationRow.urgency,
            ConversationRow.basket_xof.label("value"),
            Customer.roads,
            literal("").label("number"),
        )
        .join(Customer, Customer.id == ConversationRow.customer_id)
        .where(
            # The same as basket_xof > 0, in the form that the index answers.
            ConversationRow.urgency >= triage.UNDER_WAY
            if order
            else ConversationRow.urgency < triage.UNDER_WAY,
            ConversationRow.last_message_at >= oldest,
        )
        .order_by(ConversationRow.urgency.desc(), ConversationRow.id)
    )


def _deliveries(now: float) -> Select[*tuple[Any, ...]]:
    """The newest live order of each conversation; the greatest value first."""
    newest = (
        select(OrderRow.conversation_id, func.max(OrderRow.number).label("number"))
        .where(OrderRow.status.in_(ON_THE_WAY), OrderRow.created_at >= instant(now) - TODAY)
        .group_by(OrderRow.conversation_id, OrderRow.shop_id)
        .subquery()
    )
    return (
        select(
            ConversationRow.id,
            ConversationRow.urgency,
            OrderRow.total_xof.label("value"),
            Customer.roads,
            OrderRow.number,
        )
        .join(newest, newest.c.conversation_id == ConversationRow.id)
        .join(OrderRow, (OrderRow.shop_id == ConversationRow.shop_id) & (OrderRow.number == newest.c.number))
        .join(Customer, Customer.id == ConversationRow.customer_id)
        .order_by(OrderRow.total_xof.desc(), ConversationRow.id)
    )


async def asked(
    connection: AsyncConnection,
    incident: OpenIncident,
    told: Sequence[Candidate],
    road: ChannelName | None,
    now: float,
) -> None:
    """Write down whose lanes were asked; twice is the same."""
    rows = [
        {
            "incident_id": incident.id,
            "conversation_id": one.conversation_id,
            "tier": int(one.tier),
            "road": road.value if road is not None else None,
            "at": instant(now),
        }
        for one in told
    ]
    await connection.execute(insert_if_new(connection, ReachOut, "incident_id", "conversation_id"), rows)
