"""Passwords as argon2id digests. Computing one takes a core and 19 MB for some 30 ms: callers use a thread, few at once."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LEAST, MOST = 10, 200
"""Characters."""
AT_ONCE = 2

# OWASP's second set for argon2id (19 MiB, two passes): a small server must bear a burst of sign-ins.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODY = _HASHER.hash("nobody has this password")
_COMMON = frozenset(
    {"motdepasse", "motdepasse1", "password12", "password123", "1234567890", "0123456789", "azertyuiop",
     "qwertyuiop", "0000000000", "1111111111", "abidjan225", "cotedivoire"}
)  # fmt: skip


def weakness(password: str, login: str) -> str | None:
    """Why it is no good, as a word (``short``, ``long``, ``common``); None when it will do."""
    if len(password) < LEAST:
        return "short"
    if len(password) > MOST:
        return "long"
    if password.lower() in _COMMON or password.lower() == login.lower() or len(set(password)) < 4:
        return "common"
    return None


class Passwords:
    """Hashes and checks, at most two at a time, so that a flood of sign-ins cannot take memory and cores."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def hash(self, password: str) -> str:
        async with self._slots:
            return await asyncio.to_thread(_HASHER.hash, password)

    async def verify(self, kept: str | None, password: str) -> bool:
        """Is it the password? Without a kept one the answer is no, after the same time."""
        async with self._slots:
            right = await asyncio.to_thread(_matches, kept or _NOBODY, password[:MOST])
        return right and kept is not None


def outdated(kept: str) -> bool:
    """Was it made with weaker settings than today's?"""
    return _HASHER.check_needs_rehash(kept)


def _matches(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False
