"""What a message costs, and whether quiet hours or the shop's SMS budget hold it."""

from __future__ import annotations

from dataclasses import replace

from bot.core import triage
from bot.core.addresses import ChannelName
from bot.core.conversations import Conversation
from bot.core.deliveries import Delivery
from bot.core.messages import UNASKED, MessageStatus, Purpose, Rendered
from bot.core.shops import Shop
from bot.flows.desk import Desk, Work

QUIET, BUDGET = "quiet_hours", "budget"
DISTURBING = UNASKED | {Purpose.MOVE_NOTICE}


def cost(shop: Shop, channel: ChannelName, rendered: Rendered) -> int:
    """FCFA: segments at the shop's price; everything but SMS is free to send."""
    if channel is not ChannelName.SMS:
        return 0
    return shop.sms_price_xof * sum(part.segments or 1 for part in rendered.parts)


def budget_key(shop: Shop) -> str:
    """Of the meter on which the shop's SMS are counted."""
    return f"sms:{shop.id}"


async def held(
    desk: Desk, work: Work, delivery: Delivery, amount: int, now: float
) -> tuple[str, float] | None:
    """Why and until when it must wait; None when it may go, and its cost is counted then.

    An answer to someone who wrote in the last 15 minutes always goes: its cost is counted, and shown.
    """
    shop, purpose = work.shop, delivery.reply.purpose
    heard_at = max(work.conversation.heard_at.values(), default=None)
    waits = triage.may_wait(purpose, heard_at, now)
    if waits and purpose in DISTURBING:
        until = triage.quiet_until(shop.policy, shop.timezone, now)
        if until is not None:
            return QUIET, until
    if amount:
        limit = shop.policy.sms_budget_xof_per_hour if waits else None
        wait = await desk.meter.spend(budget_key(shop), amount, limit)
        if wait:
            return BUDGET, now + wait
    return None


def release(conversation: Conversation, now: float) -> Conversation:
    """Whoever writes is answered: what quiet hours or budget hold is tried again."""
    heard_at = max(conversation.heard_at.values(), default=None)
    freed = tuple(
        replace(d, not_before=0.0, reason=None)
        if d.status is MessageStatus.HELD
        and d.reason in (QUIET, BUDGET)
        and d.superseded_by is None
        and not triage.may_wait(d.reply.purpose, heard_at, now)
        else d
        for d in conversation.deliveries
    )
    return conversation if freed == conversation.deliveries else replace(conversation, deliveries=freed)
