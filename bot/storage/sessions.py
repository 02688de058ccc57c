"""Sessions of the console in Redis: a random word in the cookie, its digest as the key, gone when idle for a week."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass

from redis.asyncio import Redis

from bot.storage.connection import PREFIX, as_client, reach

IDLE_SECONDS = 7 * 86400
LONGEST_SECONDS = 30 * 86400
_LENGTH = 43


@dataclass(frozen=True, slots=True)
class Session:
    """Someone who signed in. ``epoch`` must be the user's own, else it is over."""

    user_id: str
    epoch: int
    csrf: str
    """Hex; forms carry it masked."""
    began_at: float


class RedisSessions:
    """Every method may raise Unavailable."""

    def __init__(self, client_or_url: Redis | str, prefix: str = PREFIX) -> None:
        self._redis = as_client(client_or_url)
        self._prefix = f"{prefix}console:session:"

    async def begin(self, user_id: str, epoch: int, now: float) -> tuple[str, Session]:
        """A new session and the word for the cookie, which is kept nowhere else."""
        word = secrets.token_urlsafe(32)
        session = Session(user_id, epoch, secrets.token_hex(16), now)
        fields = {
            "user_id": user_id,
            "epoch": epoch,
            "csrf": session.csrf,
            "began_at": now,
        }
        await reach(self._redis.set(self._key(word), json.dumps(fields), ex=IDLE_SECONDS))
        return word, session

    async def find(self, word: str, now: float) -> Session | None:
        """The session of a cookie; looking keeps it alive, 30 days at most."""
        if len(word) != _LENGTH or not word.isascii():
            return None
        kept = await reach(self._redis.getex(self._key(word), ex=IDLE_SECONDS))
        if kept is None:
            return None
        session = Session(**json.loads(kept))
        if now - session.began_at > LONGEST_SECONDS:
            await self.end(word)
            return None
        return session

    async def end(self, word: str) -> None:
        """Sign out. Done twice is the same."""
        await reach(self._redis.delete(self._key(word)))

    def _key(self, word: str) -> str:
        # Whoever reads Redis must not be able to enter with what is written there.
        return self._prefix + hashlib.sha256(word.encode()).hexdigest()
