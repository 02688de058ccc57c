"""Reading and ticking off: incidents, readiness, the call list, alerts and consents of a shop. For REST and console."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from bot.core import readiness
from bot.core.addresses import ChannelName
from bot.ledger import views
from bot.ledger.engine import Ledger
from bot.ledger.models import ConversationRow, Customer
from bot.ledger.outage_models import AlertRow, CallListRow, ConsentRow, Incident
from bot.ledger.times import shown, shown_or_none

MOST = 100
MOST_CALLS = 5000
"""In one CSV file: nobody calls more in a day."""
CSV_COLUMNS = ("name", "phone", "basket", "value_xof", "say", "reason", "since", "called_at", "called_by")


async def current(ledger: Ledger, shop_id: str) -> list[views.Json]:
    """Outages that last, newest first, in REST's form. Raises Unavailable."""
    query = select(Incident.__table__).where(Incident.shop_id == shop_id, Incident.ended_at.is_(None))
    async with ledger.reading() as connection:
        rows = await connection.execute(query.order_by(Incident.began_at.desc()))
        return [views.incident(row) for row in rows]


async def incident(ledger: Ledger, shop_id: str, incident_id: str) -> views.Json | None:
    """One outage in REST's form; None when the shop has no such one. Raises Unavailable."""
    query = select(Incident.__table__).where(Incident.shop_id == shop_id, Incident.id == incident_id)
    async with ledger.reading() as connection:
        row = (await connection.execute(query)).first()
    return None if row is None else views.incident(row)


async def ready(
    ledger: Ledger, shop_id: str, domains: Mapping[ChannelName, tuple[str, ...]]
) -> Mapping[str, Any]:
    """REST's ``readiness``. ``domains``: the shop's channels and what each depends on. Raises Unavailable.

    Two counts over indexes: half a second at 100,000 customers of whom 60,000 have an open basket (SQLite).
    """
    alive = (Customer.shop_id == shop_id, Customer.erased_at.is_(None))
    baskets = (
        select(Customer.roads, func.count().label("number"))
        .select_from(ConversationRow)
        .join(Customer, Customer.id == ConversationRow.customer_id)
        .where(ConversationRow.shop_id == shop_id, ConversationRow.basket_xof > 0, *alive)
        .group_by(Customer.roads)
    )
    people = await by_roads(ledger, shop_id)
    async with ledger.reading() as connection:
        shopping = {row.roads: row.number for row in await connection.execute(baskets)}
    return {
        "shoppers": readiness.count(people, domains, order_under_way=False),
        "open_baskets": readiness.count(shopping, domains, order_under_way=True),
    }


async def by_roads(ledger: Ledger, shop_id: str) -> dict[int, int]:
    """Numbers of shoppers by their roads (``core.readiness.Road``). Raises Unavailable."""
    query = (
        select(Customer.roads, func.count().label("number"))
        .where(Customer.shop_id == shop_id, Customer.erased_at.is_(None))
        .group_by(Customer.roads)
    )
    async with ledger.reading() as connection:
        return {row.roads: row.number for row in await connection.execute(query)}


async def tick(ledger: Ledger, shop_id: str, conversation_id: str, by: str, at: datetime) -> bool:
    """Note that somebody called; done twice the first one stays. False: not on this shop's list. Raises Unavailable."""
    mine = (CallListRow.shop_id == shop_id, CallListRow.conversation_id == conversation_id)
    async with ledger.writing() as connection:
        await connection.execute(
            update(CallListRow)
            .where(*mine, CallListRow.called_at.is_(None))
            .values(called_at=at, called_by=by)
        )
        return await connection.scalar(select(func.count()).select_from(CallListRow).where(*mine)) == 1


async def calls(ledger: Ledger, shop_id: str, *, all_: bool = False) -> list[views.Json]:
    """Whom to call, the greatest value first; ``all_``: also who was called. Raises Unavailable."""
    query = select(CallListRow.__table__).where(CallListRow.shop_id == shop_id)
    if not all_:
        query = query.where(CallListRow.called_at.is_(None))
    order = (CallListRow.value_xof.desc(), CallListRow.since, CallListRow.conversation_id)
    async with ledger.reading() as connection:
        return [views.call(row) for row in await connection.execute(query.order_by(*order).limit(MOST_CALLS))]


async def call(ledger: Ledger, shop_id: str, conversation_id: str) -> views.Json | None:
    """One shopper to call; None when not on this shop's list. Raises Unavailable."""
    query = select(CallListRow.__table__).where(
        CallListRow.shop_id == shop_id, CallListRow.conversation_id == conversation_id
    )
    async with ledger.reading() as connection:
        row = (await connection.execute(query)).first()
    return None if row is None else views.call(row)


async def calls_csv(ledger: Ledger, shop_id: str) -> str:
    """The whole list as a file for a spreadsheet, UTF-8 with a mark so that Excel reads accents. Raises Unavailable."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    for call in await calls(ledger, shop_id, all_=True):
        writer.writerow([_cell(call[name]) for name in CSV_COLUMNS])
    return out.getvalue()


def _cell(value: object) -> object:
    """Names come from strangers: a spreadsheet would run a text that begins like a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return "" if value is None else value


async def alerts(ledger: Ledger, shop_id: str) -> list[views.Json]:
    """What the shop's people were told last, newest first, at most 100. Raises Unavailable."""
    query = select(AlertRow.__table__).where(AlertRow.shop_id == shop_id)
    async with ledger.reading() as connection:
        rows = await connection.execute(query.order_by(AlertRow.created_at.desc(), AlertRow.id).limit(MOST))
        return [
            {
                "id": row.id,
                "incident_id": row.incident_id,
                "kind": row.kind,
                "name": row.name,
                "address": row.address,
                "role": row.role,
                "text": row.text,
                "status": row.status,
                "created_at": shown(row.created_at),
                "sent_at": shown_or_none(row.sent_at),
                "cost_xof": row.cost_xof,
            }
            for row in rows
        ]


async def consents(ledger: Ledger, shop_id: str, customer_id: str) -> list[views.Json]:
    """How a shopper's addresses were opened and closed, oldest first. Raises Unavailable."""
    query = select(ConsentRow.__table__).where(
        ConsentRow.shop_id == shop_id, ConsentRow.customer_id == customer_id
    )
    async with ledger.reading() as connection:
        rows = await connection.execute(query.order_by(ConsentRow.at, ConsentRow.id))
        return [
            {"address": row.address, "granted": row.granted, "how": row.how, "at": shown(row.at)}
            for row in rows
        ]
