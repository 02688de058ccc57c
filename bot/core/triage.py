"""Who is told first in an outage, under a rate and a budget, and what may wait. Pure: rates and money are counted elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

from bot.core.addresses import ChannelName
from bot.core.conversations import Conversation
from bot.core.messages import UNASKED, Purpose
from bot.core.readiness import Road
from bot.core.shops import Policy

WAIT_SECONDS = 180.0
"""A channel must be down that long before anybody is written to who is owed nothing."""
ANSWER_SECONDS = 900.0
"""Who wrote that recently is answered whatever the hour and the budget."""
HALF_LIFE = 7200.0
"""Seconds in which an untouched basket is worth half: two hours later few come back to it by themselves."""
BASKET_SECONDS = 72 * 3600.0
IDLE_SECONDS = 24 * 3600.0
"""A conversation without a basket is over after that."""
UNHEARD_SECONDS = 600.0
"""Telegram gives no receipts: an open checkout without an answer there for so long gets one SMS."""
UNDER_WAY = 1_000_000.0
"""Added to the urgency of an order under way: all of them come before everybody else."""
TELEGRAM_PER_SECOND = 30.0


class Tier(IntEnum):
    """First an order under way, then a delivery due today, then the rest."""

    ORDER = 0
    DELIVERY = 1
    REST = 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may be told. ``value_xof``: of the basket, or of the order to be delivered."""

    conversation_id: str
    tier: Tier
    urgency: float
    roads: Road
    value_xof: int = 0


def urgency(basket_xof: int, heard_at: float) -> float:
    """How early a conversation is told: the greater, the earlier. ``heard_at``: Unix seconds.

    The logarithm of a value that halves every ``HALF_LIFE``, with the part that is the same for all left out: so the
    order of two conversations never changes while nobody writes, and a database can keep it in an index.
    """
    value = math.log2(max(basket_xof, 1)) + heard_at / HALF_LIFE
    return UNDER_WAY + value if basket_xof > 0 else value


def in_order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Who is told first, first; ties in the order of their ids, so that every process agrees.

    A delivery counts by the order's value: its basket is closed, its urgency says nothing of it.
    """

    def place(one: Candidate) -> tuple[int, float, str]:
        weight = float(one.value_xof) if one.tier is Tier.DELIVERY else one.urgency
        return one.tier, -weight, one.conversation_id

    return sorted(candidates, key=place)


def rates(sms_per_second: float) -> Mapping[ChannelName, float]:
    """Messages a second that an account carries, by channel; what is not named is never reached out on."""
    return {ChannelName.TELEGRAM: TELEGRAM_PER_SECOND, ChannelName.SMS: sms_per_second}


def may_wait(purpose: Purpose, heard_at: float | None, now: float) -> bool:
    """May quiet hours and budget hold it? Never an answer to someone who wrote in the last 15 minutes.

    ``heard_at``: when the shopper last wrote anywhere. The vendor's own words and changes of an order's status are the
    vendor's decision.
    """
    if purpose in UNASKED:
        return True
    if purpose in (Purpose.VENDOR, Purpose.STATUS_CHANGE):
        return False
    return heard_at is None or now - heard_at > ANSWER_SECONDS


def unheard_at(conversation: Conversation) -> float | None:
    """When an open checkout that was moved to Telegram, and got no answer there, is sent one SMS; None: never."""
    moved_at, basket = conversation.moved_at, conversation.basket
    heard_at = conversation.heard_at.get(ChannelName.TELEGRAM)
    if (
        conversation.channel is not ChannelName.TELEGRAM
        or conversation.home_channel is None
        or moved_at is None
        or conversation.nudged_epoch == conversation.epoch
        or (heard_at is not None and heard_at >= moved_at)
        or not basket.lines
        or basket.closed
    ):
        return None
    return moved_at + UNHEARD_SECONDS


def quiet_until(policy: Policy, timezone: str, now: float) -> float | None:
    """When the shop's quiet hours end (Unix seconds), or None when they are not now."""
    if policy.quiet_hours is None:
        return None
    zone = ZoneInfo(timezone)
    local = datetime.fromtimestamp(now, zone)
    begin, end = (time.fromisoformat(word) for word in policy.quiet_hours)
    for day in (-1, 0):
        date = local.date() + timedelta(days=day)
        starts = datetime.combine(date, begin, zone)
        ends = datetime.combine(date if end > begin else date + timedelta(days=1), end, zone)
        if starts <= local < ends:
            return ends.timestamp()
    return None
