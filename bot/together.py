"""What is asked in one moment, asked as one: callers that come while an answer is under way share the next question."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from bot.ports import Unavailable

Ask = TypeVar("Ask")
Answer = TypeVar("Answer")


class Together(Generic[Ask, Answer]):
    """One question for many callers. ``run`` gets up to ``most`` of what they ask and gives an answer, or an error, for each.

    One at a time: measured with Redis, a second one under way makes both smaller and costs more than it hides.

    A caller that gives up leaves what it asked in the question: like any time-out, that is an unknown outcome.
    """

    def __init__(
        self, run: Callable[[Sequence[Ask]], Awaitable[Sequence[Answer | Exception]]], most: int
    ) -> None:
        self._run = run
        self._most = most
        self._waiting: list[tuple[Ask, asyncio.Future[Answer]]] = []
        self._flight: asyncio.Task[None] | None = None

    async def __call__(self, ask: Ask) -> Answer:
        """The answer to this. Raises what ``run`` gave or raised, and Unavailable when all is being closed."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((ask, answer))
        self._depart()
        return await answer

    def _depart(self) -> None:
        if self._waiting and self._flight is None:
            self._flight = asyncio.create_task(self._fly())
            self._flight.add_done_callback(self._landed)

    def _landed(self, _: asyncio.Task[None]) -> None:
        self._flight = None
        self._depart()

    async def _fly(self) -> None:
        # Taken here, not in _depart: whoever asked in the same turn of the loop is aboard.
        aboard, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        aboard = [(ask, answer) for ask, answer in aboard if not answer.done()]
        if not aboard:
            return
        answers: Sequence[Answer | Exception]
        try:
            answers = await self._run([ask for ask, _ in aboard])
        except Exception as error:  # raised again by every caller: none may wait for ever
            answers = [error] * len(aboard)
        except asyncio.CancelledError:
            _tell(aboard, [Unavailable("closing")] * len(aboard))
            raise
        _tell(aboard, answers)


def _tell(
    aboard: Sequence[tuple[Ask, asyncio.Future[Answer]]], answers: Sequence[Answer | Exception]
) -> None:
    for (_, waiting), answer in zip(aboard, answers, strict=True):
        if waiting.done():  # its caller has given up
            continue
        if isinstance(answer, Exception):
            waiting.set_exception(answer)
        else:
            waiting.set_result(answer)
