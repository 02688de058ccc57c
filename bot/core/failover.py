"""Which road a reply takes: conversation + address book + health + policy + now -> Send, Hold or Drop, with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.core.addresses import ChannelName
from bot.core.conversations import Conversation
from bot.core.customers import KnownAddress, Proof
from bot.core.deliveries import Delivery
from bot.core.health import State
from bot.core.messages import UNASKED, Purpose
from bot.core.shops import Shop

WINDOW_SECONDS = 24 * 3600.0
PAGE_OPEN_SECONDS = 120.0
FRESH_SECONDS = 60.0
HOLD_SECONDS = 15.0
CALL_LIST_SECONDS = 120.0
EXPIRY_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Send:
    """Take this road. ``moves`` when the conversation was elsewhere; ``template`` outside WhatsApp's window."""

    channel: ChannelName
    to: KnownAddress
    reason: str
    moves: bool
    template: str | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """No road is open. ``probe`` names a channel that is down on which this reply may be tried."""

    reason: str
    until: float
    probe: Send | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """It must not be sent any more."""

    reason: str


Decision = Send | Hold | Drop


def page_is_open(conversation: Conversation, now: float) -> bool:
    """Is the shopper's light page live (asked for in the last 2 minutes)?"""
    page = conversation.page
    return (
        page is not None
        and page.seen_at is not None
        and now - page.seen_at <= PAGE_OPEN_SECONDS
    )


def in_window(conversation: Conversation, now: float) -> bool:
    """May free text be sent to WhatsApp (the shopper wrote there in the last 24 h)?"""
    heard = conversation.heard_at.get(ChannelName.WHATSAPP)
    return heard is not None and now - heard < WINDOW_SECONDS


def choose(
    conversation: Conversation,
    delivery: Delivery,
    shop: Shop,
    states: Mapping[ChannelName, State],
    now: float,
) -> Decision:
    """Pick the road for one waiting reply.

    ``states`` holds the effective state of each channel the shop has; a channel that is missing does not exist.
    Answer where the conversation is, unless that road is closed; otherwise walk the shop's order of channels.
    """
    reply = delivery.reply
    if reply.expires_at is not None and now >= reply.expires_at:
        return Drop("expired")
    if now - delivery.since >= EXPIRY_SECONDS:
        return Drop("too_old")
    closed: str = "no_road"
    probe: Send | None = None
    for channel in _order(conversation, delivery, shop):
        road, why = _road(conversation, delivery, shop, channel, states, now)
        if road is not None:
            return Drop("returned") if road.channel is reply.gone else road
        if why == "down" and probe is None:
            probe = _probe(conversation, shop, channel, now)
        if channel is conversation.channel:
            closed = why
    if reply.gone is not None:
        # Nobody waits for it: it is neither kept nor used to try a dead channel.
        return Drop("unasked")
    return Hold(closed, now + HOLD_SECONDS, probe)


def _order(
    conversation: Conversation, delivery: Delivery, shop: Shop
) -> tuple[ChannelName, ...]:
    """Where the conversation is, where it is going, then the shop's order. An open page outranks a one-way SMS."""
    if delivery.reply.only_on is not None:
        return (delivery.reply.only_on,)
    first: list[ChannelName] = [conversation.channel, conversation.heading]
    if conversation.heading is ChannelName.SMS and not shop.sms_two_way:
        first.insert(0, ChannelName.WEB)
    return tuple(dict.fromkeys([*first, *shop.policy.order]))


def _road(
    conversation: Conversation,
    delivery: Delivery,
    shop: Shop,
    channel: ChannelName,
    states: Mapping[ChannelName, State],
    now: float,
) -> tuple[Send | None, str]:
    """The road over one channel, or None and why it is closed."""
    state = states.get(channel)
    if state is None:
        return None, "no_account"
    if channel in delivery.avoid:
        return None, "tried"
    known = next(iter(conversation.customer.on(channel)), None)
    if known is None:
        return None, "no_address"
    here = (conversation.channel, conversation.heading)
    moves = channel not in here and delivery.reply.only_on is None
    if state in (State.DOWN, State.BROKEN):
        return None, "down"
    if state is State.RECOVERING and moves:
        return None, "down"
    if channel is ChannelName.WEB and not page_is_open(conversation, now):
        return None, "page_closed"
    if known.proved_by in (Proof.WHATSAPP, Proof.SHOP) and not _derived_may_be_used(
        conversation, delivery
    ):
        return None, "not_proved"
    if channel is ChannelName.WHATSAPP and not in_window(conversation, now):
        template = shop.templates.get(
            "order_update"
            if delivery.reply.purpose is Purpose.STATUS_CHANGE
            else "resume"
        )
        if template is None:
            return None, "window"
        return Send(channel, known, "template", moves, template), ""
    return Send(channel, known, "moved" if moves else "here", moves), ""


def _derived_may_be_used(conversation: Conversation, delivery: Delivery) -> bool:
    """A number derived from WhatsApp or given by the shop counts as proved for an order in progress or placed.

    Reaching out may use it only about the basket that is open: see docs/decisions/0013.
    """
    if delivery.reply.purpose is Purpose.REACH_OUT:
        return bool(conversation.basket.lines) and not conversation.basket.closed
    if delivery.reply.purpose in UNASKED:
        return False
    return (
        bool(conversation.basket.lines)
        or conversation.last_order_id is not None
        or conversation.human
    )


def _probe(
    conversation: Conversation, shop: Shop, channel: ChannelName, now: float
) -> Send | None:
    """A held reply, or the answer to someone who just wrote on a dead channel, may try whether it works again."""
    known = next(iter(conversation.customer.on(channel)), None)
    if known is None or channel is ChannelName.WEB:
        return None
    if channel is ChannelName.WHATSAPP and not in_window(conversation, now):
        return None
    return Send(channel, known, "probe", channel is not conversation.channel)
