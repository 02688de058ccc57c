"""A shop's word on a channel, an operator's on a fault domain: kept beside what was measured and never mixed with it."""

from __future__ import annotations

from bot.core.addresses import ChannelName, ShopId
from bot.core.health import FORCIBLE, AccountHealth, domain_key, force_of

WORDS = ("up", "down", "auto")


def force_key(shop: ShopId, channel: ChannelName) -> str:
    """``<shop>/<channel>``."""
    return f"{shop}/{channel}"


def forced(
    state: str, reason: str, now: float, by: str | None = None, until: float | None = None
) -> AccountHealth:
    """The record of a force; ``auto`` ends one. Raises ValueError for other words."""
    if state not in WORDS:
        raise ValueError(f"a force is one of {', '.join(WORDS)}")
    if state == "auto":
        return AccountHealth(since=now, forced_reason=reason)
    return AccountHealth(
        since=now, forced=state, forced_reason=reason, forced_by=by, forced_until=until
    )


def domain_force_key(domain: str) -> str:
    """Raises ValueError for a domain that is not forced."""
    key = force_of(domain_key(domain))
    if key is None or domain not in FORCIBLE:
        raise ValueError(f"a fault domain is one of {', '.join(FORCIBLE)}")
    return key
