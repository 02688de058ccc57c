"""Script calls of one moment, sent as one pipeline: one write, one read and, in Redis, one fsync for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from bot.storage.connection import Script, reach
from bot.together import Together

MOST = 128
"""Calls in one pipeline: it holds up the rest of Redis for some milliseconds at most."""


@dataclass(frozen=True, slots=True)
class _Call:
    keys: Sequence[str]
    arguments: Sequence[Any]


class Pipelined:
    """One script for many callers, who travel together."""

    def __init__(self, client: Redis, script: Script) -> None:
        self._redis = client
        self._script = script
        self._together: Together[_Call, Any] = Together(self._run, MOST)

    async def __call__(self, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Run it once. Raises ``Unavailable``, ResponseError."""
        return await reach(self._together(_Call(keys, arguments)))

    async def _run(self, calls: Sequence[_Call]) -> list[Any]:
        """Answers or errors, in order. Only calls the server had no script for are sent again."""
        answers = await self._pipe(calls, ("EVALSHA", self._script.sha))
        missed = [at for at, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if missed:
            again = await self._pipe([calls[at] for at in missed], ("EVAL", self._script.source))
            for at, answer in zip(missed, again, strict=True):
                answers[at] = answer
        return answers

    async def _pipe(self, calls: Sequence[_Call], words: tuple[str, str]) -> list[Any]:
        pipeline = self._redis.pipeline(transaction=False)
        for call in calls:
            pipeline.execute_command(*words, len(call.keys), *call.keys, *call.arguments)
        answers: list[Any] = await pipeline.execute(raise_on_error=False)
        return answers
