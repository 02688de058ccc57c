"""Has the shopper finished typing? People write one thought in several messages; it is answered once.

A lone message waits for nothing. One that follows another closely, or that is plainly a beginning ("slt", "je veux,"),
waits a moment for the next, and the whole burst never longer than ``most``. What was heard stays one turn a message:
only the words that answer them are joined (``speaking.answer``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.core.messages import Received
from bot.core.wording import plain

_BEGINS = re.compile(r"(?:bonjour|bonsoir|bjr|bsr|salut|slt|cc|coucou|hello|hi|hey|allo|yo)(?: (?:a vous|la))?")
_GOES_ON = re.compile(r"(?:[,;:+&]|\.\.\.|…|\b(?:et|puis|avec|plus|and))\s*$")


@dataclass(frozen=True, slots=True)
class Settling:
    """How long to wait for more, in seconds."""

    near: float = 1.2
    """A message that comes this soon after the one before belongs to it."""
    pause: float = 0.8
    """Quiet after which the thought is taken to be complete."""
    most: float = 4.0
    """From the first message of a burst to its answer."""

    def until(self, received: Received, previous: float | None, first: float | None, now: float) -> float:
        """When this message may be answered; ``now`` unless more is likely.

        ``previous``: when the message before it came; ``first``: when the oldest unanswered one did.
        """
        if received.payload is not None or received.attachments:
            return now
        follows = previous is not None and now - previous <= self.near
        if not follows and not unfinished(received.text):
            return now
        began = now if first is None else first
        return max(now, min(now + self.pause, began + self.most))


TYPING = Settling()
"""How people type."""
AT_ONCE = Settling(near=-1.0, pause=0.0, most=0.0)
"""Waits for nothing."""


def unfinished(text: str) -> bool:
    """Is it plainly the beginning of something: a bare greeting, an open list?"""
    return _BEGINS.fullmatch(plain(text)) is not None or _GOES_ON.search(text.lower()) is not None
