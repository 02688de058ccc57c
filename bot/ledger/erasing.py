"""Erasing a shopper: words, names, numbers and addresses go; what the books need of an order stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ledger import search_index
from bot.ledger.console_models import NoteRow
from bot.ledger.engine import Ledger
from bot.ledger.integrators import KeptAnswer
from bot.ledger.models import (
    AddressRow,
    CallListRow,
    ConsentRow,
    ConversationRow,
    Customer,
    JournalReject,
    MessageRow,
    OrderRow,
    OutboxRow,
)
from bot.ledger.payment_models import CheckoutRow
from bot.ledger.times import utc_now


async def erase(
    ledger: Ledger, shop_id: str, customer_id: str, now: Callable[[], datetime] = utc_now
) -> list[str] | None:
    """Blank everything personal of a customer; None when the shop has no such customer. Raises Unavailable.

    Returns the ids of the conversations: their lanes must be cleared as well. Events keep id, number and type. What
    the journal still tells of the time before is dropped by the projector, which sees ``erased_at``.
    """

    async def work(connection: AsyncConnection) -> list[str] | None:
        at = now()
        found = await connection.execute(
            update(Customer)
            .where(Customer.id == customer_id, Customer.shop_id == shop_id)
            .values(name=None, folded_name="", erased_at=at)
            .returning(Customer.id)
        )
        if found.first() is None:
            return None
        lanes = list(
            await connection.scalars(
                select(ConversationRow.id).where(ConversationRow.customer_id == customer_id)
            )
        )
        await connection.execute(
            update(ConversationRow)
            .where(ConversationRow.id.in_(lanes))
            .values(snapshot={}, basket={}, awaiting=None, waiting_since=None, erased_at=at)
        )
        await connection.execute(delete(MessageRow).where(MessageRow.conversation_id.in_(lanes)))
        await search_index.forget(connection, lanes)
        await connection.execute(delete(NoteRow).where(NoteRow.conversation_id.in_(lanes)))
        await connection.execute(delete(CallListRow).where(CallListRow.conversation_id.in_(lanes)))
        await connection.execute(
            delete(ConsentRow).where(ConsentRow.shop_id == shop_id, ConsentRow.customer_id == customer_id)
        )
        await connection.execute(delete(AddressRow).where(AddressRow.customer_id == customer_id))
        await _forget_rejects(connection, [*lanes, customer_id])
        theirs = select(OrderRow.id).where(OrderRow.shop_id == shop_id, OrderRow.customer_id == customer_id)
        await connection.execute(
            update(CheckoutRow).where(CheckoutRow.order_id.in_(theirs)).values(link=None, tell=None, due_at=None)
        )
        await connection.execute(
            update(OrderRow)
            .where(OrderRow.shop_id == shop_id, OrderRow.customer_id == customer_id)
            .values(
                name=None,
                phone=None,
                landmark=None,
                latitude=None,
                longitude=None,
                address=None,
                updated_at=at,
            )
        )
        await connection.execute(
            delete(KeptAnswer).where(
                or_(KeptAnswer.customer_id == customer_id, KeptAnswer.conversation_id.in_(lanes))
            )
        )
        await connection.execute(
            update(OutboxRow)
            .where(or_(OutboxRow.customer_id == customer_id, OutboxRow.conversation_id.in_(lanes)))
            .values(data={})
        )
        return lanes

    return await ledger.write(work)


async def _forget_rejects(connection: AsyncConnection, names: list[str]) -> None:
    """Journal entries that could not be read can still be searched for whom they are about."""
    found = await connection.execute(select(JournalReject.position, JournalReject.entry))
    about = [row.position for row in found if any(name.encode() in row.entry for name in names)]
    await connection.execute(delete(JournalReject).where(JournalReject.position.in_(about)))
