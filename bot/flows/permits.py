"""Limits of calls in flight, one for each outside party, so that one that hangs cannot take all hands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

AGAIN = 0.1
"""Seconds after which a lane that got no permit asks again, while few others do."""
LONGEST = 5.0
"""It asks again after so many seconds at most, however many others wait."""


class Permits:
    """``limit`` calls at once for each party; a lane that gets none does not wait, it goes back."""

    def __init__(self, limit: int = 24, limits: dict[str, int] | None = None) -> None:
        self._default = limit
        self._limits = limits or {}
        self._used: Counter[str] = Counter()
        self._next: dict[str, float] = {}

    @contextmanager
    def one(self, party: str) -> Iterator[bool]:
        """True inside when a permit was free; it is given back at the end."""
        if self._used[party] >= self._limit(party):
            yield False
            return
        self._used[party] += 1
        try:
            yield True
        finally:
            self._used[party] -= 1

    @contextmanager
    def share(self, party: str, part: str) -> Iterator[str | None]:
        """Like ``one``, for a part (a shop) that may hold half of them: its rush leaves the others their turn.

        Inside: None when granted, else the name under which to ask again.
        """
        own = f"{party} of {part}"
        self._limits.setdefault(own, max(1, self._limit(party) // 2))
        with self.one(own) as within:
            if not within:
                yield own
                return
            with self.one(party) as granted:
                yield None if granted else party

    def again_at(self, party: str, now: float) -> float:
        """When a lane that got no permit may ask again: each later than the one before.

        All that wait for a party that hangs ask together no more than ``limit`` times in ``AGAIN`` seconds, so that
        asking costs the same for a hundred lanes as for ten thousand.
        """
        earliest = now + AGAIN
        turn = max(earliest, self._next.get(party, 0.0) + AGAIN / self._limit(party))
        self._next[party] = turn = min(turn, now + LONGEST)
        return turn

    def _limit(self, party: str) -> int:
        return self._limits.get(party, self._default)

    def in_flight(self, party: str) -> int:
        return self._used[party]
