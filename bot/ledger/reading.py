"""What each person of a shop has read: unread is what a shopper said after the last message that person has seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, or_, select, update

from bot.ledger.console_models import ReadRow, User
from bot.ledger.engine import Ledger
from bot.ledger.models import ConversationRow, MessageRow
from bot.ledger.statements import upsert
from bot.ledger.users import KnownUser


def unread_by(user: KnownUser) -> ColumnElement[bool]:
    """A condition on ``ConversationRow``."""
    place = (
        select(ReadRow.serial)
        .where(ReadRow.user_id == user.id, ReadRow.conversation_id == ConversationRow.id)
        .correlate(ConversationRow)
        .scalar_subquery()
    )
    return (
        select(MessageRow.id)
        .where(
            MessageRow.conversation_id == ConversationRow.id,
            MessageRow.serial > func.coalesce(place, 0),
            MessageRow.direction == "in",
            or_(place.is_not(None), MessageRow.created_at > user.caught_up_at),
        )
        .correlate(ConversationRow)
        .exists()
    )


class LedgerReading:
    """Places of all people. Raises Unavailable."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def unread(self, user: KnownUser, conversations: Sequence[str]) -> frozenset[str]:
        """Which of these conversations have words the person has not seen."""
        query = select(ConversationRow.id).where(
            ConversationRow.shop_id == user.shop_id, ConversationRow.id.in_(conversations), unread_by(user)
        )
        async with self._ledger.reading() as connection:
            return frozenset(await connection.scalars(query))

    async def read_to(self, user: KnownUser, conversation: str, serial: int) -> None:
        """The person has seen everything up to a message. Writes only when that is news."""
        mine = (ReadRow.user_id == user.id, ReadRow.conversation_id == conversation)
        async with self._ledger.reading() as connection:
            known = await connection.scalar(select(ReadRow.serial).where(*mine))
        if known is None or known < serial:
            await self._put(user, conversation, serial)

    async def mark_unread(self, user: KnownUser, conversation: str) -> None:
        """As if the shopper's last message had not been seen."""
        last = select(func.max(MessageRow.serial)).where(
            MessageRow.shop_id == user.shop_id,
            MessageRow.conversation_id == conversation,
            MessageRow.direction == "in",
        )
        async with self._ledger.reading() as connection:
            serial = await connection.scalar(last)
        if serial is not None:
            await self._put(user, conversation, serial - 1)

    async def catch_up(self, user: KnownUser, now: datetime) -> None:
        """Everything that was said until now is read."""
        async with self._ledger.writing() as connection:
            await connection.execute(delete(ReadRow).where(ReadRow.user_id == user.id))
            await connection.execute(update(User).where(User.id == user.id).values(caught_up_at=now))

    async def _put(self, user: KnownUser, conversation: str, serial: int) -> None:
        row = {"user_id": user.id, "conversation_id": conversation, "serial": serial}
        async with self._ledger.writing() as connection:
            await connection.execute(upsert(connection, ReadRow, ("user_id", "conversation_id")).values(row))
