"""Gives events their place in a shop's feed: whoever has read number N never later finds a new one below N.

A sequence is no order: it numbers when asked, not at commit. Here a locked counter row is the order; two numberers at
once are harmless, the lease that the caller holds only saves work.
"""

from __future__ import annotations

import asyncio

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ledger.engine import Ledger
from bot.ledger.models import Feed, OutboxRow
from bot.ledger.statements import insert_if_new
from bot.metrics import METRICS

BATCH = 200
IDLE_SECONDS = 0.25


class Numberer:
    """Numbers what the outbox holds."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def once(self) -> int:
        """Number up to 200 events of each shop; how many. Raises Unavailable."""
        async with self._ledger.reading() as connection:
            query = select(OutboxRow.shop_id).where(OutboxRow.seq.is_(None)).distinct()
            shops = [row.shop_id for row in await connection.execute(query)]
        done = 0
        for shop in shops:
            done += await self._number(shop)
        return done

    async def _number(self, shop: str) -> int:
        async def work(connection: AsyncConnection) -> list[str]:
            await connection.execute(
                insert_if_new(connection, Feed, "shop_id"), [{"shop_id": shop, "last": 0}]
            )
            counter = select(Feed.last).where(Feed.shop_id == shop).with_for_update()
            last = (await connection.execute(counter)).scalar_one()
            query = (
                select(OutboxRow.n, OutboxRow.type)
                .where(OutboxRow.shop_id == shop, OutboxRow.seq.is_(None))
                .order_by(OutboxRow.n)
                .limit(BATCH)
            )
            rows = list(await connection.execute(query))
            for place, row in enumerate(rows, last + 1):
                await connection.execute(update(OutboxRow).where(OutboxRow.n == row.n).values(seq=place))
            await connection.execute(update(Feed).where(Feed.shop_id == shop).values(last=last + len(rows)))
            return [row.type for row in rows]

        types = await self._ledger.write(work)
        for type_ in types:
            METRICS.events.labels(type_).inc()
        return len(types)

    async def run(self, stop: asyncio.Event) -> None:
        """Number for ever. Raises Unavailable; the caller tries again."""
        while not stop.is_set():
            if not await self.once():
                await asyncio.sleep(IDLE_SECONDS)
