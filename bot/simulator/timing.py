"""Time inside the simulator: a clock that can be moved forward, a pace, and waiting for a change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the invisible parts take, in seconds; tests set them near zero."""

    send: float = 0.15
    deliver: float = 0.35
    read: float = 0.8
    refuse: float = 0.3
    retry: float = 0.2
    telegram_retry: float = 1.0


class SimClock:
    """Unix time, shifted forward on demand (to close a 24 h window or to let a validity period end)."""

    def __init__(self) -> None:
        self._shift = 0.0

    def now(self) -> float:
        """Return the simulated time in Unix seconds."""
        return time.time() + self._shift

    def advance(self, seconds: float) -> None:
        """Move the clock forward; it never goes back."""
        if seconds < 0:
            raise ValueError("the clock only goes forward")
        self._shift += seconds


class Pulse:
    """Lets tasks wait until a condition holds, looked at again after each `beat`."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def beat(self) -> None:
        """Wake every waiting task so that it looks at its condition again."""
        event, self._event = self._event, asyncio.Event()
        event.set()

    async def until(self, holds: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until `holds()`; return False when `timeout` seconds passed first."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not holds():
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return False
            try:
                await asyncio.wait_for(self._event.wait(), left)
            except TimeoutError:
                return holds()
        return True
