"""The gateway's door: webhooks knock, are answered 200 or not, and come again as their senders do."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from bot.core.messages import Received, Reported
from bot.core.tokens import Tokens
from bot.flows.receive import receive
from bot.ports import Lanes, Unavailable
from bot.storage import codec

ANSWER_SECONDS = 5.0


class Door:
    """``lanes`` is how the gateway of the moment reaches the store; None while no gateway runs."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self.lanes: Lanes | None = None
        self.acknowledged: dict[str, float] = {}
        """Provider ids that were answered 200, with the time of the first answer."""
        self.heard: list[Received] = []
        """Everything shoppers' platforms passed on, delivered or not."""
        self._tasks: set[asyncio.Task[Any]] = set()

    def run(self, work: Coroutine[Any, Any, Any]) -> None:
        """Something goes on in the world outside."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def deliver(self, item: Received | Reported, patience: float) -> bool:
        """Knock until answered 200 or until patience (seconds) is over."""
        loop = asyncio.get_running_loop()
        end, wait = loop.time() + patience, 1.0
        while True:
            if await self._knock(item):
                if isinstance(item, Received):
                    self.acknowledged.setdefault(item.id, loop.time())
                return True
            if loop.time() + wait > end:
                return False
            await asyncio.sleep(wait)
            wait = min(wait * 2, 60.0)

    async def _knock(self, item: Received | Reported) -> bool:
        if self.lanes is None:
            return False
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await receive(self.lanes, codec, self._tokens, item)
        except (Unavailable, TimeoutError):
            return False
        return True
