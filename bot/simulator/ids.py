"""Identifiers as the providers make them: random for the world, repeatable for one seed."""

from __future__ import annotations

import random
import string
import uuid


class Ids:
    """Makes sids, update ids and opaque ids from one generator."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed) if seed is not None else random.SystemRandom()
        # Telegram: sequential from a random start.
        self._update = self._random.randrange(100_000_000, 900_000_000)

    def sid(self, prefix: str) -> str:
        """Return a Twilio sid: two letters and 32 hex digits."""
        return f"{prefix}{self._random.getrandbits(128):032x}"

    def uuid(self) -> str:
        """Return a UUID as Android apps print it."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def opaque(self, length: int = 22) -> str:
        """Return letters and digits that mean nothing."""
        letters = string.ascii_letters + string.digits
        return "".join(self._random.choice(letters) for _ in range(length))

    def number(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high` inclusive."""
        return self._random.randint(low, high)

    def update_id(self) -> int:
        """Return the next Telegram update id."""
        self._update += 1
        return self._update
