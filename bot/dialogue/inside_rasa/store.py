"""Where trackers live, in Redis: the few events a turn needs, and each turn's whole answer.

One round trip loads, one script saves. The script names the turn count the turn started from and is refused if that
has changed. Nothing is retried silently: a time-out is an unknown outcome, and the same turn asked again finds
its answer if the script ran. Nothing here knows what an event means.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.exceptions import NoScriptError, RedisError

from bot.dialogue.inside_rasa.contract import TurnFailed
from bot.dialogue.inside_rasa.reaching import connect

PARTITIONS = 64
KEPT_ANSWERS = 50
ANSWERS_LIFE = 8 * 24 * 3600
"""Seconds after the last turn: as long as lanes remember the ids of messages."""
TRACKER_LIFE = 30 * 24 * 3600
"""Seconds after the last turn. What matters longer (basket, checkout) comes with each turn."""

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


class _Script:
    """A Lua file of ours, sent by its hash; a cluster's client knows no scripts of its own that name no keys."""

    def __init__(self, name: str) -> None:
        self._source = (Path(__file__).parent / f"{name}.lua").read_text("utf-8")
        self._sha = hashlib.sha1(self._source.encode()).hexdigest()

    async def __call__(self, redis: Any, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        try:
            return await redis.evalsha(self._sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await redis.eval(self._source, len(keys), *keys, *arguments)


class TrackerStore:
    """Trackers and answers of all conversations. Every method raises TurnFailed when Redis does not answer."""

    def __init__(self, url: str, prefix: str = "relais") -> None:
        self._redis = connect(url)
        self._load, self._save = _Script("load"), _Script("save")
        self._prefix = prefix

    async def load(self, conversation_id: str, turn_id: str) -> Stored:
        """Read a conversation as it is at one moment; an unknown one is empty."""
        state, answers, _ = self._keys(conversation_id)
        try:
            found = await self._load(self._redis, [state, answers], [turn_id])
            answer, count, model, events = found
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
            done = await self._save(self._redis, self._keys(conversation_id), arguments)
        except (RedisError, OSError) as error:
            raise TurnFailed("store", f"save: {type(error).__name__}") from error
        if not done:
            raise TurnFailed("conflict", "another turn of this conversation was saved meanwhile")

    async def forget(self, conversation_id: str) -> None:
        """Erase everything kept about a conversation."""
        try:
            # As one command: the cluster's own delete asks for each key apart.
            await self._redis.execute_command("DEL", *self._keys(conversation_id))
        except (RedisError, OSError) as error:
            raise TurnFailed("store", f"forget: {type(error).__name__}") from error

    async def close(self) -> None:
        """Let the connections go."""
        await self._redis.close()

    def _keys(self, conversation_id: str) -> list[str]:
        tag = zlib.crc32(conversation_id.encode()) % PARTITIONS
        base = f"{self._prefix}:{{t{tag:02d}}}:{conversation_id}"
        return [f"{base}:state", f"{base}:answers", f"{base}:turns"]
