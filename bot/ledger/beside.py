"""What staff keep beside conversations: notes to each other, and ready answers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select

from bot.ledger.console_models import CannedRow, NoteRow
from bot.ledger.engine import Ledger
from bot.ledger.models import ConversationRow
from bot.ledger.statements import upsert
from bot.ledger.times import utc_now


@dataclass(frozen=True, slots=True)
class Canned:
    """A ready answer. ``code``: what follows the slash."""

    id: str
    code: str
    text: str


class LedgerBeside:
    """Notes and ready answers of all shops. Raises Unavailable."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime] = utc_now) -> None:
        self._ledger = ledger
        self._now = now

    async def add_note(self, shop_id: str, conversation_id: str, user_id: str, who: str, text: str) -> bool:
        """Write a note; False when the shop has no such conversation (any more)."""
        row = {
            "id": f"note_{secrets.token_hex(8)}",
            "shop_id": shop_id,
            "conversation_id": conversation_id,
            "user_id": user_id,
            "who": who,
            "text": text,
            "at": self._now(),
        }
        async with self._ledger.writing() as connection:
            known = await connection.scalar(
                select(ConversationRow.id).where(
                    ConversationRow.id == conversation_id, ConversationRow.shop_id == shop_id
                )
            )
            if known is None:
                return False
            await connection.execute(insert(NoteRow).values(row))
        return True

    async def canned(self, shop_id: str) -> Sequence[Canned]:
        query = (
            select(CannedRow.__table__)
            .where(CannedRow.shop_id == shop_id)
            .order_by(CannedRow.code)
            .limit(200)
        )
        async with self._ledger.reading() as connection:
            return [Canned(row.id, row.code, row.text) for row in await connection.execute(query)]

    async def put_canned(self, shop_id: str, code: str, text: str) -> None:
        """Make a ready answer, or give its code other words."""
        async with self._ledger.writing() as connection:
            await connection.execute(
                upsert(connection, CannedRow, ("shop_id", "code"), ("id",)).values(
                    id=f"can_{secrets.token_hex(8)}", shop_id=shop_id, code=code, text=text
                )
            )

    async def drop_canned(self, shop_id: str, canned_id: str) -> None:
        async with self._ledger.writing() as connection:
            await connection.execute(
                delete(CannedRow).where(CannedRow.shop_id == shop_id, CannedRow.id == canned_id)
            )
