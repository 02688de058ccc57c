"""Conversations as the console lists, searches and tells them. Each query within one shop; none per row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.addresses import normalise_msisdn
from bot.core.words import fold
from bot.ledger import search_index, views
from bot.ledger.console_models import NoteRow
from bot.ledger.engine import Ledger
from bot.ledger.models import AddressRow, ConversationRow, Customer, MessageRow, OrderRow, OutboxRow
from bot.ledger.reading import unread_by
from bot.ledger.users import KnownUser

PAGE = 30
MESSAGES = 50
MOST_FOUND = 60
MOVES = ("conversation.moved", "conversation.handed_over", "customer.opted_out")


class Folder(StrEnum):
    """Which conversations."""

    WAITING = "waiting"
    """In a person's hands, who waits longest first."""
    BOT = "bot"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list."""

    id: str
    name: str | None
    addresses: list[str]
    status: str
    channel: str
    awaiting: str | None
    basket_xof: int
    last_message_at: datetime | None
    waiting_since: datetime | None
    last_text: str
    last_author: str
    last_status: str
    late: bool
    found: str = ""
    """Words around what was searched for."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What narrows the list. ``day``: from, to."""

    channel: str | None = None
    day: tuple[datetime, datetime] | None = None
    with_order: bool = False
    unread_by: KnownUser | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of the list begins: strictly after this row."""

    at: datetime
    id: str


class LedgerInbox:
    """Raises Unavailable."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def counts(self, shop: str) -> dict[str, int]:
        """How many are in a person's hands (``waiting``), and how many of those wait for an answer (``unanswered``)."""
        query = select(func.count(), func.count(ConversationRow.waiting_since)).where(
            ConversationRow.shop_id == shop, ConversationRow.status == "human"
        )
        async with self._ledger.reading() as connection:
            row = (await connection.execute(query)).one()
        return {"waiting": row[0], "unanswered": row[1]}

    async def list(
        self, shop: str, folder: Folder, filters: Filters, after: Place | None = None, limit: int = PAGE
    ) -> Sequence[Row]:
        """Up to ``limit`` + 1 rows: one more tells that there are more."""
        table = ConversationRow
        query = _rows().where(table.shop_id == shop, table.erased_at.is_(None), *_narrowed(filters))
        if folder is Folder.WAITING:
            # A handful: who waits for an answer first, longest on top, then the rest by their last word.
            query = query.where(table.status == "human").order_by(
                table.waiting_since.is_(None),
                table.waiting_since.asc(),
                table.last_message_at.desc(),
                table.id.desc(),
            )
            limit = max(limit, 200)
        else:
            query = query.where(table.last_message_at.is_not(None))
            if folder is Folder.BOT:
                query = query.where(table.status == "bot")
            if after is not None:
                query = query.where(
                    or_(
                        table.last_message_at < after.at,
                        and_(table.last_message_at == after.at, table.id < after.id),
                    )
                )
            query = query.order_by(table.last_message_at.desc(), table.id.desc())
        async with self._ledger.reading() as connection:
            return await _shown(connection, (await connection.execute(query.limit(limit + 1))).all(), {})

    async def search(self, shop: str, words: str) -> Sequence[Row]:
        """Conversations by name, number in any spelling, order number, or words said; newest first, 60 at most."""
        folded = fold(words).strip()
        if not folded:
            return []
        async with self._ledger.reading() as connection:
            found = await _by_words(connection, shop, words)
            ids = {*found, *await _by_person(connection, shop, words, folded)}
            ids |= await _by_order(connection, shop, words)
            if not ids:
                return []
            query = (
                _rows()
                .where(
                    ConversationRow.shop_id == shop,
                    ConversationRow.erased_at.is_(None),
                    ConversationRow.id.in_(ids),
                )
                .order_by(ConversationRow.last_message_at.desc(), ConversationRow.id.desc())
                .limit(MOST_FOUND)
            )
            return await _shown(connection, (await connection.execute(query)).all(), found)

    async def messages(
        self, shop: str, conversation: str, before: int | None = None, limit: int = MESSAGES
    ) -> Sequence[Any]:
        """The last messages (before a number), oldest first, one more than ``limit`` when there are older ones."""
        query = select(MessageRow.__table__).where(
            MessageRow.shop_id == shop, MessageRow.conversation_id == conversation
        )
        if before is not None:
            query = query.where(MessageRow.serial < before)
        async with self._ledger.reading() as connection:
            rows = (await connection.execute(query.order_by(MessageRow.serial.desc()).limit(limit + 1))).all()
        return list(reversed(rows))

    async def turns(self, shop: str, conversation: str, since: datetime) -> Sequence[Any]:
        """Moves, changes of hands and opt-outs since a time, oldest first."""
        query = (
            select(OutboxRow.id, OutboxRow.type, OutboxRow.data, OutboxRow.occurred_at)
            .where(
                OutboxRow.shop_id == shop,
                OutboxRow.conversation_id == conversation,
                OutboxRow.type.in_(MOVES),
                OutboxRow.occurred_at >= since,
            )
            .order_by(OutboxRow.occurred_at.desc())
            .limit(100)
        )
        async with self._ledger.reading() as connection:
            return list(reversed((await connection.execute(query)).all()))

    async def notes(self, shop: str, conversation: str) -> Sequence[Any]:
        query = (
            select(NoteRow.__table__)
            .where(NoteRow.shop_id == shop, NoteRow.conversation_id == conversation)
            .order_by(NoteRow.at.desc())
            .limit(100)
        )
        async with self._ledger.reading() as connection:
            return list(reversed((await connection.execute(query)).all()))

    async def changed(self, shop: str, mark: str) -> Sequence[tuple[str, str]]:
        """(conversation, mark) of what the projector wrote after a place in the journal, oldest first."""
        query = (
            select(ConversationRow.id, ConversationRow.mark)
            .where(ConversationRow.shop_id == shop, ConversationRow.mark > mark)
            .order_by(ConversationRow.mark)
            .limit(500)
        )
        async with self._ledger.reading() as connection:
            return [(row.id, row.mark) for row in await connection.execute(query)]

    async def newest_mark(self, shop: str) -> str:
        """The newest place in the journal that reached this shop; "" for none."""
        query = select(func.max(ConversationRow.mark)).where(ConversationRow.shop_id == shop)
        async with self._ledger.reading() as connection:
            return await connection.scalar(query) or ""


def _rows() -> Any:
    table = ConversationRow
    return select(
        table.id, table.customer_id, table.status, table.channel, table.awaiting, table.basket,
        table.last_message_at, table.waiting_since,
    )  # fmt: skip


def _narrowed(filters: Filters) -> list[Any]:
    table, where = ConversationRow, []
    if filters.channel is not None:
        where.append(table.channel == filters.channel)
    if filters.day is not None:
        begin, end = filters.day
        where += [table.last_message_at >= begin, table.last_message_at < end]
    if filters.with_order:
        where.append(table.id.in_(select(OrderRow.conversation_id).where(OrderRow.shop_id == table.shop_id)))
    if filters.unread_by is not None:
        where.append(unread_by(filters.unread_by))
    return where


async def _shown(connection: AsyncConnection, rows: Sequence[Any], found: dict[str, str]) -> list[Row]:
    """Rows with people and last words: three queries, however many rows."""
    if not rows:
        return []
    ids, people = [row.id for row in rows], [row.customer_id for row in rows]
    names = {
        row.id: row.name
        for row in await connection.execute(select(Customer.id, Customer.name).where(Customer.id.in_(people)))
    }
    book: dict[str, list[str]] = {}
    for entry in await connection.execute(
        select(AddressRow.customer_id, AddressRow.address)
        .where(AddressRow.customer_id.in_(people))
        .order_by(AddressRow.ordinal)
    ):
        book.setdefault(entry.customer_id, []).append(entry.address)
    last = (
        select(MessageRow.conversation_id, func.max(MessageRow.serial).label("serial"))
        .where(MessageRow.conversation_id.in_(ids))
        .group_by(MessageRow.conversation_id)
        .subquery()
    )
    said = {
        row.conversation_id: row
        for row in await connection.execute(
            select(
                MessageRow.conversation_id,
                MessageRow.text,
                MessageRow.author,
                MessageRow.status,
                MessageRow.late,
            ).join(
                last,
                and_(
                    MessageRow.conversation_id == last.c.conversation_id, MessageRow.serial == last.c.serial
                ),
            )
        )
    }
    shown = []
    for row in rows:
        words = said.get(row.id)
        shown.append(
            Row(
                id=row.id,
                name=names.get(row.customer_id),
                addresses=book.get(row.customer_id, []),
                status=row.status,
                channel=row.channel,
                awaiting=row.awaiting,
                basket_xof=views.basket(row.basket)["items_total_xof"],
                last_message_at=row.last_message_at,
                waiting_since=row.waiting_since,
                last_text=words.text if words else "",
                last_author=words.author if words else "",
                last_status=words.status if words else "",
                late=bool(words and words.late),
                found=found.get(row.id, ""),
            )
        )
    return shown


async def _by_words(connection: AsyncConnection, shop: str, words: str) -> dict[str, str]:
    """Conversation -> the newest message with words that begin as those searched."""
    found: dict[str, str] = {}
    for conversation, text in await search_index.find(connection, shop, words, 200):
        found.setdefault(conversation, text)
    return found


async def _by_person(connection: AsyncConnection, shop: str, words: str, folded: str) -> set[str]:
    """By name without accents, and by telephone number, whole or its last digits."""
    digits = "".join(c for c in words if c.isdigit())
    number = normalise_msisdn(words)
    query = (
        select(Customer.id)
        .where(
            Customer.shop_id == shop,
            *(Customer.folded_name.contains(word, autoescape=True) for word in folded.split()),
        )
        .limit(MOST_FOUND)
    )
    people = set(await connection.scalars(query))
    if number is not None or len(digits) >= 4:
        by_number = [AddressRow.address.like(f"%{digits[-10:]}")] if len(digits) >= 4 else []
        if number is not None:
            by_number.append(AddressRow.address.in_([f"whatsapp:{number}", f"tel:{number}"]))
        people |= set(
            await connection.scalars(
                select(AddressRow.customer_id)
                .where(AddressRow.shop_id == shop, or_(*by_number))
                .limit(MOST_FOUND)
            )
        )
    if not people:
        return set()
    return set(
        await connection.scalars(select(ConversationRow.id).where(ConversationRow.customer_id.in_(people)))
    )


async def _by_order(connection: AsyncConnection, shop: str, words: str) -> set[str]:
    """By order number, also without its letters."""
    number = words.strip().upper().replace(" ", "-")
    ends_so = OrderRow.number.endswith(f"-{number}", autoescape=True)
    query = select(OrderRow.conversation_id).where(
        OrderRow.shop_id == shop, or_(OrderRow.number == number, ends_so)
    )
    return set(await connection.scalars(query.limit(MOST_FOUND)))
