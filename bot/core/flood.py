"""How much of one shopper is answered: a leaky bucket, so that a sender without mercy costs a turn now and then, not each time.

What is over it stays in the transcript, where the vendor reads it; only the dialogue is not asked about it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

BURST = 30
"""Messages answered at once. People who write one word a message send ten in a minute."""
PER_SECOND = 0.5
MOST_WAITING = 50
"""Messages that may wait for the dialogue, however slowly they came: each is in the record, which each step writes."""
TELL_EVERY = 600.0
"""Seconds between two words about it."""


@dataclass(frozen=True, slots=True)
class Flood:
    """``level``: messages in the bucket at ``at``. ``told_at``: when the shopper last heard that it is full."""

    level: float = 0.0
    at: float = 0.0
    told_at: float | None = None

    def with_one(self, now: float) -> Flood:
        """One more message came."""
        leaked = max(0.0, self.level - max(0.0, now - self.at) * PER_SECOND)
        return replace(self, level=min(leaked + 1.0, BURST + 1.0), at=max(self.at, now))

    @property
    def is_full(self) -> bool:
        """Is the message that came last one too many?"""
        return self.level > BURST

    def may_tell(self, now: float) -> bool:
        return self.told_at is None or now - self.told_at >= TELL_EVERY
