"""How far each of our own jobs has read a shop's feed: where it goes on after a crash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ledger.engine import Ledger
from bot.ledger.models import Feed, FeedReader, OrderRow, OutboxRow
from bot.ledger.statements import upsert
from bot.ports import OrderNews, ShopNews

BATCH = 100


@dataclass(frozen=True, slots=True)
class Unread:
    """A shop whose feed goes on after ``seq``."""

    shop_id: str
    seq: int


async def unread(connection: AsyncConnection, name: str) -> list[Unread]:
    """Shops with events that this reader has not seen."""
    seen = func.coalesce(FeedReader.seq, 0)
    query = (
        select(Feed.shop_id, seen.label("seq"))
        .outerjoin(FeedReader, and_(FeedReader.name == name, FeedReader.shop_id == Feed.shop_id))
        .where(Feed.last > seen)
        .order_by(Feed.shop_id)
    )
    return [Unread(row.shop_id, row.seq) for row in await connection.execute(query)]


async def read_up_to(ledger: Ledger, name: str, shop_id: str, seq: int) -> None:
    """Remember the place. It never goes back: a reader that was paused may come late. Raises Unavailable."""
    async with ledger.writing() as connection:
        statement = upsert(connection, FeedReader, ("name", "shop_id"), newer="seq")
        await connection.execute(statement, [{"name": name, "shop_id": shop_id, "seq": seq}])


class LedgerOrderNews:
    """``ports.OrderFeed``: what shoppers are to be told of their orders."""

    NAME = "order-news"

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def unread(self) -> Sequence[ShopNews]:
        """Up to 100 events a shop, with what of them is news. Raises Unavailable."""
        found = []
        async with self._ledger.reading() as connection:
            for shop in await unread(connection, self.NAME):
                query = (
                    select(OutboxRow.id, OutboxRow.type, OutboxRow.seq, OutboxRow.data)
                    .where(OutboxRow.shop_id == shop.shop_id, OutboxRow.seq > shop.seq)
                    .order_by(OutboxRow.seq)
                    .limit(BATCH)
                )
                rows = (await connection.execute(query)).all()
                news = [row for row in rows if row.data and row.type in ("order.placed", "order.updated")]
                addresses = await _addresses(connection, [row.data["id"] for row in news])
                told = tuple(_news(row, addresses.get(row.data["id"])) for row in news)
                found.append(ShopNews(shop.shop_id, rows[-1].seq, told))
        return found

    async def told(self, shop_id: str, seq: int) -> None:
        """Everything up to there is in the lanes. Raises Unavailable."""
        await read_up_to(self._ledger, self.NAME, shop_id, seq)


async def _addresses(connection: AsyncConnection, orders: list[str]) -> dict[str, str]:
    query = select(OrderRow.id, OrderRow.address).where(
        OrderRow.id.in_(orders), OrderRow.address.is_not(None)
    )
    return {row.id: row.address for row in await connection.execute(query)}


def _news(row: Any, address: str | None) -> OrderNews:
    order = row.data
    status, paid = order["status"], order["payment"]["status"]
    known = order.get("changed_by") == "shopper"
    return OrderNews(
        event_id=row.id,
        shop_id=order["shop_id"],
        conversation_id=order["conversation_id"],
        order_id=order["id"],
        number=order["number"],
        placed=row.type == "order.placed",
        status=status if status != order.get("previous_status", status) and not known else None,
        payment=paid if paid != order.get("previous_payment_status", paid) else None,
        address=address,
        name=order["delivery"]["name"],
    )
