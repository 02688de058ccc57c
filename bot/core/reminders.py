"""One reminder of an abandoned basket: only with the shopper's yes, inside WhatsApp's window, never in quiet hours."""

from __future__ import annotations

from bot.core import hours
from bot.core.conversations import Conversation
from bot.core.shops import Shop

REMIND_SECONDS = 3 * 3600.0
"""A basket left for this long is abandoned."""
LATEST_SECONDS = 23 * 3600.0
"""After the shopper's last word: an hour within the 24 h in which free text may be sent."""


def remind_at(shop: Shop, now: float) -> float | None:
    """When to remind a shopper who says yes now; None when no good hour comes in time."""
    at = now + REMIND_SECONDS
    quiet = shop.policy.quiet_hours
    if quiet is not None:
        at = hours.ends_at(quiet, shop.timezone, at) or at
    return at if at <= now + LATEST_SECONDS else None


def still_wanted(conversation: Conversation) -> bool:
    """Is there still a basket to be reminded of, and nobody else who has the word?"""
    basket = conversation.basket
    return bool(basket.lines) and not basket.closed and not conversation.human
