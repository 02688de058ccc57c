"""How fast one process may write to Telegram: one message a second a chat, thirty in all. Waits are bounded.

https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable


class Pace:
    """Hands out places in time. Not shared between processes: the provider's 429 settles what is left."""

    def __init__(
        self,
        *,
        per_chat: float = 1.0,
        overall: float = 30.0,
        max_wait: float = 1.5,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Rates are messages per second; ``max_wait`` is in seconds."""
        self._chat_gap = 1 / per_chat
        self._gap = 1 / overall
        self._max_wait = max_wait
        self._now = now
        self._sleep = sleep
        self._next = 0.0
        self._chats: OrderedDict[str, float] = OrderedDict()

    async def wait(self, chat: str) -> float:
        """Wait for a place: 0 when it is there, else the seconds until one is free (nothing was taken)."""
        now = self._now()
        self._forget(now)
        place = max(now, self._next, self._chats.get(chat, 0.0))
        delay = place - now
        if delay > self._max_wait:
            return delay
        # The shared line moves by one gap; a chat that waits for its own second does not hold the others up.
        self._next = max(self._next, now) + self._gap
        self._chats[chat] = place + self._chat_gap
        self._chats.move_to_end(chat)
        if delay > 0:
            await self._sleep(delay)
        return 0.0

    def _forget(self, now: float) -> None:
        while self._chats:
            chat, free = next(iter(self._chats.items()))
            if free > now:
                break
            del self._chats[chat]
