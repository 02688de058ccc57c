"""Words for what was seen and what is concluded."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """REST ``state`` of a channel."""

    UP = "up"
    SUSPECT = "suspect"
    DOWN = "down"
    RECOVERING = "recovering"
    BROKEN = "broken"


class Kind(StrEnum):
    """What was seen. A failure of content, recipient, window, throttle or ours is none of these: no evidence."""

    FAULT = "fault"
    """Refused with scope channel, or timed out: strong evidence against."""
    SILENT = "silent"
    """Accepted, and not ``sent`` in time: strong evidence against, if the provider's record agrees."""
    UNDELIVERED = "undelivered"
    """Sent to a phone that must be on, and not delivered in time: strong only where that is unusual."""
    WORKS = "works"
    """Delivered or read (or taken, where there are no receipts): evidence for."""
    SENT = "sent"
    """It left after all: takes back what its silence said."""
    BROKEN = "broken"
    """The account itself is refused: bad token, suspended sender."""
    PROBE_FAILED = "probe_failed"
    """The provider's API, or our own address, does not answer: weak."""
    PROBE_OK = "probe_ok"
    """It answers. That alone never means recovery."""
    FEED = "feed"
    """The provider's status page admits trouble: weak."""
    QUIET = "quiet"
    """Nobody writes, though at this hour people usually do: weak."""
    HEARD = "heard"
    """A shopper wrote. Says nothing of the way out."""
    TIME = "time"
    """Nothing was seen; only the clock went on."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation. ``recipient`` is a fingerprint; ``detail`` a vendor code or word."""

    at: float
    kind: Kind
    recipient: str
    detail: str = ""
    began_at: float | None = None
    """When the message it speaks of was sent: older than the present state's beginning does not end it."""
    sent_at: float | None = None
    """For WORKS: when the provider said ``sent``."""
    source: str = ""
    """For a fault domain: key of the account it was seen on."""
    checked: bool = True
    """For SILENT and UNDELIVERED: the provider's own record was asked about this very message, and agrees."""
    steady: bool = False
    """It speaks of a canary: a phone that is always on, so not reaching it is odd by itself."""
    weight: float = 0.0
    """How much it counted against, in nats (for people; set by ``observe``)."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of state, with what caused it. ``key`` is an account's, or ``domain:<name>``."""

    key: str
    old: State
    new: State
    at: float
    evidence: tuple[Evidence, ...]
    began_at: float | None = None
    """When the first message was sent that speaks for this outage; None where there is none."""
