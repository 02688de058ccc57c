"""Reading a shop's numbered events, oldest first: what REST, the event stream and webhooks out are made of."""

from __future__ import annotations

from sqlalchemy import func, select

from bot.ledger import views
from bot.ledger.engine import Ledger
from bot.ledger.models import OutboxRow

MOST = 200


class LedgerFeed:
    """Events of all shops. A reader keeps the last ``seq`` it has seen and asks for what follows."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def after(self, shop_id: str, seq: int, limit: int = MOST) -> list[views.Json]:
        """Up to ``limit`` (at most 200) events after number ``seq``, 0 for all; none is ever added before the last.

        Raises Unavailable.
        """
        query = (
            select(OutboxRow.__table__)
            .where(OutboxRow.shop_id == shop_id, OutboxRow.seq > seq)
            .order_by(OutboxRow.seq)
            .limit(min(limit, MOST))
        )
        async with self._ledger.reading() as connection:
            return [views.event(row) for row in await connection.execute(query)]

    async def seq_of(self, shop_id: str, event_id: str) -> int | None:
        """The number of an event; None when there is none (yet). Raises Unavailable."""
        query = select(OutboxRow.seq).where(OutboxRow.shop_id == shop_id, OutboxRow.id == event_id)
        async with self._ledger.reading() as connection:
            return await connection.scalar(query)

    async def last(self, shop_id: str) -> int:
        """The last number given, 0 before the first. Raises Unavailable."""
        query = select(func.max(OutboxRow.seq)).where(OutboxRow.shop_id == shop_id)
        async with self._ledger.reading() as connection:
            return await connection.scalar(query) or 0
