"""Paying by link: what a provider's checkout is, when it counts as paid, and when to ask after it. Knows no provider."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

CURRENCY = "XOF"
PROVIDERS = {"wave": "Wave"}
"""Payment methods that a provider can collect by link, with the name shoppers know."""
LOOKS = (20.0, 60.0, 120.0, 300.0, 600.0, 900.0, 3600.0)
"""Seconds between the looks at a checkout of which nothing is heard: a lost callback is found within 20 s at best, and
after about an hour and a half nobody asks any more. A callback that comes later still counts."""
TRIES = 3
"""Times a link is asked for before the shop's own instructions are said instead."""
TRY_AGAIN = 3.0
"""Seconds between them."""
STILL_USEFUL = 120.0
"""Seconds a link must have left to be put again instead of a new one."""


class SessionState(StrEnum):
    """A provider's session. ``FAILED``: a try to pay failed; the shopper may try again while it is open."""

    OPEN = "open"
    PAID = "paid"
    EXPIRED = "expired"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Session:
    """A checkout session as its provider tells it. ``reference`` is ours, ``amount_xof`` None for what is no whole
    number of francs. ``expires_at``: Unix seconds."""

    id: str
    reference: str
    amount_xof: int | None
    currency: str
    state: SessionState
    link: str | None = None
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class NoSession:
    """There is none. ``again``: another try may help. ``reason`` is for the log and the vendor, without any value."""

    reason: str
    again: bool


A_PERSON = "person"
"""In ``Checkout.tell``: money came that does not fit the order, so a person is to look at it."""


class CheckoutStatus(StrEnum):
    """Our side of it. ``FAILED``: no link could be had; ``CLOSED``: nobody asks after it any more."""

    WANTED = "wanted"
    OPEN = "open"
    PAID = "paid"
    FAILED = "failed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Checkout:
    """One link for one order. ``id`` is the reference and idempotency key that the provider is given."""

    id: str
    shop_id: str
    order_id: str
    conversation_id: str
    number: str
    provider: str
    amount_xof: int
    status: CheckoutStatus
    session_id: str | None
    link: str | None
    expires_at: float | None
    attempts: int
    """Tries to get the link, then looks at the session."""
    tell: str | None
    """What asked for it and has not been answered in the chat: the order's event, a turn, or ``A_PERSON``."""


class Settled(StrEnum):
    """What a session told by its provider came to."""

    PAID = "paid"
    REPEATED = "repeated"
    UNPAID = "unpaid"
    UNKNOWN = "unknown"
    MISMATCH = "mismatch"


class Trouble(StrEnum):
    """What the vendor must look at. Money came in all but the first two, and the order is not simply paid."""

    WRONG_AMOUNT = "wrong_amount"
    WRONG_CURRENCY = "wrong_currency"
    PAID_BEFORE = "paid_before"
    """The order was paid already: by another link, or a person said so."""
    CANCELLED = "cancelled"


def mismatch(owed_xof: int, session: Session) -> Trouble | None:
    """Why this session does not pay for what is owed."""
    if session.currency != CURRENCY:
        return Trouble.WRONG_CURRENCY
    return None if session.amount_xof == owed_xof else Trouble.WRONG_AMOUNT


def next_look(looks: int) -> float | None:
    """Seconds until the look after so many; None when there is none."""
    return LOOKS[looks] if looks < len(LOOKS) else None
