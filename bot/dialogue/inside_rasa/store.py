"""Where trackers live, in Redis: the few events a turn needs, and each turn's whole answer.

One round trip loads, one script saves. The script names the turn count the turn started from and is refused if that
has changed. Nothing is retried silently: a time-out is an unknown outcome, and the same turn asked again finds
its answer if the script ran. Nothing here knows what an event means.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from bot.dialogue.inside_rasa.contract import TurnFailed

PARTITIONS = 64
KEPT_ANSWERS = 50
ANSWERS_LIFE = 8 * 24 * 3600
"""Seconds after the last turn: as long as lanes remember the ids of messages."""
TRACKER_LIFE = 30 * 24 * 3600
"""Seconds after the last turn. What matters longer (basket, checkout) comes with each turn."""
TIMEOUT = 2.0
"""Seconds for one answer of Redis."""
_CONNECTIONS = 16

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Stored:
    """A conversation as it was found. ``count``: turns ever saved; ``answer``: this turn's, if it was taken."""

    answer: str | None
    count: int
    model: str | None
    events: list[dict[str, Any]] | None


@dataclass(frozen=True)
class Taken:
    """What one turn leaves: its answer, and the events the next turn needs, whole."""

    turn_id: str
    answer: str
    events: Sequence[Event]
    model: str


class TrackerStore:
    """Trackers and answers of all conversations. Every method raises TurnFailed when Redis does not answer."""

    def __init__(self, url: str, prefix: str = "relais") -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=TIMEOUT,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            decode_responses=True,
            # A retried script would be refused by its own first run; a retry is the gateway's to decide.
            retry_on_timeout=False,
        )
        self._redis: Any = Redis(connection_pool=pool)
        self._save = self._redis.register_script((Path(__file__).parent / "save.lua").read_text("utf-8"))
        self._prefix = prefix

    async def load(self, conversation_id: str, turn_id: str) -> Stored:
        """Read a conversation as it is at one moment; an unknown one is empty."""
        state, answers, _ = self._keys(conversation_id)
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hget(answers, turn_id)
                pipe.hmget(state, "count", "model", "events")
                answer, (count, model, events) = await pipe.execute()
        except (RedisError, OSError) as error:
            raise TurnFailed("store", f"load: {type(error).__name__}") from error
        if count is None:
            return Stored(answer, 0, None, None)
        return Stored(answer, int(count), model, json.loads(events))

    async def save(self, conversation_id: str, expected: int, taken: Taken) -> None:
        """Write a turn whole. Raises TurnFailed when the conversation is not as it was loaded."""
        events = json.dumps(taken.events, ensure_ascii=False, separators=(",", ":"))
        arguments = [
            *(expected, taken.model, events, taken.turn_id, taken.answer),
            *(KEPT_ANSWERS, TRACKER_LIFE, ANSWERS_LIFE),
        ]
        try:
            done = await self._save(keys=self._keys(conversation_id), args=arguments)
        except (RedisError, OSError) as error:
            raise TurnFailed("store", f"save: {type(error).__name__}") from error
        if not done:
            raise TurnFailed("conflict", "another turn of this conversation was saved meanwhile")

    async def forget(self, conversation_id: str) -> None:
        """Erase everything kept about a conversation."""
        try:
            await self._redis.delete(*self._keys(conversation_id))
        except (RedisError, OSError) as error:
            raise TurnFailed("store", f"forget: {type(error).__name__}") from error

    async def close(self) -> None:
        """Let the connections go."""
        await self._redis.close()
        await self._redis.connection_pool.disconnect()

    def _keys(self, conversation_id: str) -> list[str]:
        tag = zlib.crc32(conversation_id.encode()) % PARTITIONS
        base = f"{self._prefix}:{{t{tag:02d}}}:{conversation_id}"
        return [f"{base}:state", f"{base}:answers", f"{base}:turns"]
