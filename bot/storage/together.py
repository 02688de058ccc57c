"""Script calls of one moment, sent as one pipeline: one write, one read and, in Redis, one fsync for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from bot.ports import Unavailable
from bot.storage.connection import Script, reach

MOST = 128
"""Calls in one pipeline: it holds up the rest of Redis for some milliseconds at most."""


@dataclass(frozen=True, slots=True)
class _Call:
    keys: Sequence[str]
    arguments: Sequence[Any]
    answer: asyncio.Future[Any]


class Together:
    """One script for many callers. Whoever calls while a pipeline is under way shares the next one.

    One at a time: measured, a second one under way makes both smaller and costs more than it hides.

    A caller that gives up leaves its call in the pipeline: like any time-out, that is an unknown outcome.
    """

    def __init__(self, client: Redis, script: Script) -> None:
        self._redis = client
        self._script = script
        self._waiting: list[_Call] = []
        self._flight: asyncio.Task[None] | None = None

    async def __call__(self, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Run it once. Raises ``Unavailable``, ResponseError."""
        call = _Call(keys, arguments, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        self._depart()
        return await reach(call.answer)

    def _depart(self) -> None:
        if self._waiting and self._flight is None:
            self._flight = asyncio.create_task(self._fly())
            self._flight.add_done_callback(self._landed)

    def _landed(self, _: asyncio.Task[None]) -> None:
        self._flight = None
        self._depart()

    async def _fly(self) -> None:
        # Taken here, not in _depart: whoever called in the same turn of the loop is aboard.
        calls, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        calls = [call for call in calls if not call.answer.done()]
        try:
            answers = await self._run(calls)
        except Exception as error:  # raised again by every caller: none may wait for ever
            answers = [error] * len(calls)
        except asyncio.CancelledError:
            _tell(calls, [Unavailable("redis: closing")] * len(calls))
            raise
        _tell(calls, answers)

    async def _run(self, calls: Sequence[_Call]) -> list[Any]:
        """Answers or errors, in order. Only calls the server had no script for are sent again."""
        if not calls:
            return []
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


def _tell(calls: Sequence[_Call], answers: Sequence[Any]) -> None:
    for call, answer in zip(calls, answers, strict=True):
        if call.answer.done():  # its caller has given up
            continue
        if isinstance(answer, Exception):
            call.answer.set_exception(answer)
        else:
            call.answer.set_result(answer)
