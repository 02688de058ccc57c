"""Where a person's answer would go now, what it would cost, and why: the same choice the worker will make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.core import failover
from bot.core.addresses import ChannelName
from bot.core.conversations import Conversation
from bot.core.deliveries import Delivery
from bot.core.failover import Send
from bot.core.health import AccountHealth
from bot.core.messages import MessageId, Purpose, Reply
from bot.core.shops import Shop
from bot.flows.desk import states_of

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Road:
    """``channel`` None: it would be held. ``price_xof``: of one SMS segment, 0 where nothing is paid by message."""

    channel: str | None
    reason: str
    moves: bool = False
    template: bool = False
    one_way: bool = False
    price_xof: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """WhatsApp's 24 h: ``left`` seconds, 0 when it is shut, None when the shopper never wrote there."""

    left: float | None

    @property
    def hours(self) -> int:
        return int((self.left or 0) // HOUR)


def road(
    conversation: Conversation, shop: Shop, health: Mapping[ChannelName, AccountHealth], now: float
) -> Road:
    """Ask the rules about a vendor's reply that is not written yet."""
    draft = Delivery(MessageId("draft-0"), Reply("", Purpose.VENDOR, author="vendor"), created_at=now)
    decision = failover.choose(conversation, draft, shop, states_of(health), now)
    if not isinstance(decision, Send):
        return Road(None, decision.reason)
    sms = decision.channel is ChannelName.SMS
    return Road(
        decision.channel.value,
        decision.reason,
        moves=decision.moves,
        template=decision.template is not None,
        one_way=sms and not shop.sms_two_way,
        price_xof=shop.sms_price_xof if sms else 0,
    )


def window(conversation: Conversation, now: float) -> Window:
    heard = conversation.heard_at.get(ChannelName.WHATSAPP)
    if heard is None:
        return Window(None)
    return Window(max(0.0, failover.WINDOW_SECONDS - (now - heard)))
