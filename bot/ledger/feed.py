"""Reading a shop's numbered events, oldest first: what REST, the event stream and webhooks out are made of."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select

from bot.ledger import views
from bot.ledger.engine import Ledger
from bot.ledger.models import Feed, OutboxRow

MOST = 200


class LedgerFeed:
    """Events of all shops. A reader keeps the last ``seq`` it has seen and asks for what follows."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def after(
        self, shop_id: str, seq: int, limit: int = MOST, types: Collection[str] = ()
    ) -> list[views.Json]:
        """Up to ``limit`` (at most 200) events after number ``seq``, 0 for all; none is ever added before the last.

        ``types``: only these, if some are given. Raises Unavailable.
        """
        query = (
            select(OutboxRow.__table__)
            .where(OutboxRow.shop_id == shop_id, OutboxRow.seq > seq)
            .order_by(OutboxRow.seq)
            .limit(min(limit, MOST))
        )
        if types:
            query = query.where(OutboxRow.type.in_(sorted(types)))
        async with self._ledger.reading() as connection:
            return [views.event(row) for row in await connection.execute(query)]

    async def last(self, shop_id: str) -> int:
        """The last number given, 0 before the first. Raises Unavailable."""
        query = select(Feed.last).where(Feed.shop_id == shop_id)
        async with self._ledger.reading() as connection:
            return await connection.scalar(query) or 0

    async def oldest(self, shop_id: str) -> int | None:
        """The lowest number that was not removed by age; None when there is none. Raises Unavailable."""
        query = select(func.min(OutboxRow.seq)).where(OutboxRow.shop_id == shop_id)
        async with self._ledger.reading() as connection:
            return await connection.scalar(query)

    async def lasts(self) -> dict[str, int]:
        """The last number of every shop. Raises Unavailable."""
        async with self._ledger.reading() as connection:
            return {row.shop_id: row.last for row in await connection.execute(select(Feed.shop_id, Feed.last))}
