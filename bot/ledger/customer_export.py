"""Everything the ledger knows of one customer, for the shopper who asks for it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select

from bot.ledger import views
from bot.ledger.engine import Ledger
from bot.ledger.models import (
    AddressRow,
    ConversationRow,
    Customer,
    MessageRow,
    OrderLine,
    OrderRow,
    OutboxRow,
)

MOST = 10_000
"""Rows of each kind."""


async def export_customer(ledger: Ledger, shop_id: str, customer_id: str) -> views.Json | None:
    """In REST's shapes. None: the shop has no such customer, or erased them. Raises Unavailable."""
    async with ledger.reading() as connection:

        async def rows(table: Any, order: Any, *where: Any) -> list[Any]:
            query = select(table.__table__).where(table.shop_id == shop_id, *where).order_by(order).limit(MOST)
            return list((await connection.execute(query)).all())

        found = await rows(Customer, Customer.id, Customer.id == customer_id, Customer.erased_at.is_(None))
        if not found:
            return None
        book = await rows(AddressRow, AddressRow.ordinal, AddressRow.customer_id == customer_id)
        shopper = views.customer(found[0], book)
        talks = await rows(
            ConversationRow, ConversationRow.created_at, ConversationRow.customer_id == customer_id
        )
        lanes = [row.id for row in talks]
        said = await rows(MessageRow, MessageRow.serial, MessageRow.conversation_id.in_(lanes))
        bought = await rows(OrderRow, OrderRow.created_at, OrderRow.customer_id == customer_id)
        about = or_(OutboxRow.customer_id == customer_id, OutboxRow.conversation_id.in_(lanes))
        told = await rows(OutboxRow, OutboxRow.seq, about, OutboxRow.seq > 0)
        wanted = select(OrderLine.__table__).where(OrderLine.order_id.in_([row.id for row in bought]))
        lines = (await connection.execute(wanted.order_by(OrderLine.order_id, OrderLine.ordinal))).all()
    return {
        "customer": shopper,
        "conversations": [views.conversation(row, shopper) for row in talks],
        "messages": [views.message(row) for row in said],
        "orders": [views.order(row, [line for line in lines if line.order_id == row.id]) for row in bought],
        "events": [views.event(row) for row in told],
    }
