"""A shop's word on a channel, kept beside what was measured and never mixed with it."""

from __future__ import annotations

from bot.core.addresses import ChannelName, ShopId
from bot.core.health import AccountHealth

WORDS = ("up", "down", "auto")


def force_key(shop: ShopId, channel: ChannelName) -> str:
    """``<shop>/<channel>``."""
    return f"{shop}/{channel}"


def forced(state: str, reason: str, now: float) -> AccountHealth:
    """The record of a force; ``auto`` ends one. Raises ValueError for other words."""
    if state not in WORDS:
        raise ValueError(f"a force is one of {', '.join(WORDS)}")
    return AccountHealth(since=now, forced=None if state == "auto" else state, forced_reason=reason)
