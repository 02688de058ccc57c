"""The last resort: one shopper whose conversation rests is told again what she ordered, on the channel in question.
Never a question, and nobody else is told: it is news of her own, and the only way to see whether a channel works on
which nobody writes and nothing is owed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.core import speaking, wording
from bot.core.addresses import ChannelName, LaneId, ShopId
from bot.core.conversations import Conversation
from bot.core.customers import Customer
from bot.core.failover import in_window
from bot.core.messages import Command, Purpose, Reply
from bot.ports import Codec, Lanes

NAME = "nudge"
RESTS_AFTER = 1800.0
TRY_FOR = 30.0
"""Seconds after which it is dropped: by then the channel has shown whether it works."""


@dataclass(frozen=True, slots=True)
class Resting:
    """A conversation that may be told. ``number``: of its last order."""

    lane: LaneId
    number: str


class RestingConversations(Protocol):
    """Conversations at home on a channel, with an order on its way, that have been quiet, newest first."""

    async def resting(self, shop: ShopId, channel: ChannelName, now: float) -> list[Resting]: ...


def may_be_told(conversation: Conversation, channel: ChannelName, now: float) -> bool:
    """Did it live there, does it rest, is nothing asked or owed, and may free text still be sent?"""
    return (
        conversation.home_channel is channel
        and not conversation.human
        and conversation.pending is None
        and conversation.late is None
        and not conversation.unanswered
        and not speaking.waiting(conversation)
        and now - (conversation.last_message_at or 0.0) >= RESTS_AFTER
        and (channel is not ChannelName.WHATSAPP or in_window(conversation, now))
        and _has(conversation.customer, channel)
    )


def _has(customer: Customer, channel: ChannelName) -> bool:
    return next(iter(customer.on(channel)), None) is not None


def obey(conversation: Conversation, command: Command, now: float) -> Conversation:
    """Queue the status message, for that channel only."""
    channel = ChannelName(command.argument("channel") or "")
    number = command.argument("number") or ""
    if not number or not may_be_told(conversation, channel, now):
        return conversation
    text = wording.order_stands(number, conversation.customer.language)
    told = Reply(text, Purpose.STATUS_CHANGE, author="system", only_on=channel, expires_at=now + TRY_FOR)
    return speaking.say(conversation, told, now)


async def nudge(
    lanes: Lanes,
    codec: Codec,
    book: RestingConversations,
    shop: ShopId,
    channel: ChannelName,
    told: set[LaneId],
    now: float,
) -> bool:
    """Tell the first who was not told before; False when there is nobody. Raises Unavailable."""
    for one in await book.resting(shop, channel, now):
        if one.lane in told:
            continue
        told.add(one.lane)
        arguments = (("channel", channel.value), ("number", one.number))
        command = Command(f"{NAME}:{one.lane}:{int(now)}", NAME, now, arguments)
        await lanes.put(one.lane, command.id, codec.encode_item(command))
        return True
    return False
