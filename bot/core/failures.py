"""What a failed send means: whose fault it is, whether to try again, how sure we are. Values, not exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What is broken. Only CHANNEL is evidence of an outage; SENDER means a person must look."""

    CONTENT = "content"
    RECIPIENT = "recipient"
    WINDOW = "window"
    SENDER = "sender"
    CHANNEL = "channel"
    THROTTLE = "throttle"
    OURS = "ours"


class Retry(StrEnum):
    """What may help."""

    NEVER = "never"
    LATER = "later"
    OTHER_ROAD = "other_road"
    CHANGE = "change"
    """Send something else (a template, plain text)."""


class Certainty(StrEnum):
    """Did the message leave?"""

    NOT_DELIVERED = "not_delivered"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Failure:
    """A provider's refusal, classified. ``code`` is the vendor's own, kept for the log and the console."""

    scope: Scope
    retry: Retry
    certainty: Certainty
    code: str
    note: str = ""
    retry_after: float | None = None
    """Seconds, where the provider said so."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message. ``final`` when it will never report again (Telegram)."""

    provider_id: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider said no; nothing was sent."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Unsure:
    """Time-out or broken connection after the request left: it may or may not have been sent."""

    note: str


Outcome = Accepted | Refused | Unsure
