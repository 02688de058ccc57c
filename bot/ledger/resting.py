"""Conversations that rest, for ``flows.nudge``."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from bot.core.addresses import ChannelName, LaneId, ShopId
from bot.flows.nudge import RESTS_AFTER, Resting, may_be_told
from bot.ledger.engine import Ledger
from bot.ledger.models import ConversationRow, OrderRow
from bot.ledger.times import instant
from bot.storage import codec

MOST = 40
BACK = timedelta(hours=22)
ALIVE = ("confirmed", "packed", "out_for_delivery")


class LedgerResting:
    """``flows.nudge.RestingConversations``."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def resting(self, shop: ShopId, channel: ChannelName, now: float) -> list[Resting]:
        """Those with an order that is on its way, newest first. Raises Unavailable."""
        row = ConversationRow
        query = (
            select(row.id, row.snapshot, OrderRow.number)
            .join(OrderRow, OrderRow.conversation_id == row.id)
            .where(
                row.shop_id == shop,
                row.erased_at.is_(None),
                row.last_message_at.between(instant(now) - BACK, instant(now - RESTS_AFTER)),
                OrderRow.status.in_(ALIVE),
            )
            .order_by(row.last_message_at.desc(), OrderRow.created_at.desc())
            .limit(MOST)
        )
        async with self._ledger.reading() as connection:
            found = list(await connection.execute(query))
        return [
            Resting(LaneId(one.id), one.number)
            for one in found
            if may_be_told(codec.conversation_from_json(one.snapshot), channel, now)
        ]
