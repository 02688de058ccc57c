"""A shopper who waits for a person: when the vendor is alerted, when the bot offers to go on.

The times are settled when the wait begins, so that the lane's next due time follows from its state alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core import hours
from bot.core.messages import Choice
from bot.core.shops import Shop

ALERT_SECONDS = 600.0
OFFER_SECONDS = 7200.0

RESUME, WAIT = "resume_bot", "wait_person"
CHOICES = {
    "fr": (Choice(RESUME, "Continuer"), Choice(WAIT, "Attendre")),
    "en": (Choice(RESUME, "Go on"), Choice(WAIT, "Wait")),
}


@dataclass(frozen=True, slots=True)
class PersonAwaited:
    """The vendor owes a word since then. Times in Unix seconds."""

    since: float
    offer_at: float
    alerted: bool = False
    offered: bool = False


def awaited(shop: Shop, now: float) -> PersonAwaited:
    """A wait that begins now: an offer after 2 h, or when the shop closes if that is sooner."""
    closes = hours.closes_at(shop.hours, shop.timezone, now)
    offer_at = now + OFFER_SECONDS
    if not hours.is_open(shop.hours, shop.timezone, now):
        offer_at = now + ALERT_SECONDS
    elif closes is not None:
        offer_at = min(offer_at, max(closes, now + ALERT_SECONDS))
    return PersonAwaited(now, offer_at)


def due_at(wait: PersonAwaited | None) -> float | None:
    """When something is to be done about the wait, or None."""
    if wait is None or wait.offered:
        return None
    return wait.offer_at if wait.alerted else min(wait.since + ALERT_SECONDS, wait.offer_at)
