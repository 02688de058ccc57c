"""Limits of calls in flight, one for each outside party, so that one that hangs cannot take all hands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Permits:
    """``limit`` calls at once for each party; a lane that gets none does not wait, it goes back."""

    def __init__(self, limit: int = 24, limits: dict[str, int] | None = None) -> None:
        self._default = limit
        self._limits = limits or {}
        self._used: Counter[str] = Counter()

    @contextmanager
    def one(self, party: str) -> Iterator[bool]:
        """True inside when a permit was free; it is given back at the end."""
        if self._used[party] >= self._limits.get(party, self._default):
            yield False
            return
        self._used[party] += 1
        try:
            yield True
        finally:
            self._used[party] -= 1

    def in_flight(self, party: str) -> int:
        return self._used[party]
