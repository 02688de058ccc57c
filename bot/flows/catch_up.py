"""Find what shoppers wrote while nobody listened: list each account's inbound messages and put the unseen.

Twilio's webhook is not repeated for ever; its message list keeps what we missed. Telegram repeats by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from math import inf
from typing import Protocol, runtime_checkable

from bot.core.messages import Received
from bot.core.tokens import Tokens
from bot.flows.receive import lane_for, receive
from bot.ports import Clock, Codec, Lanes, Unavailable

EVERY = 300.0
GAP = 10.0
LOOK_EVERY = 2.0
BACK = 3600.0
"""How far back is looked, in seconds; what was seen in the last 8 days is dropped by the lane."""
SETTLED = 20.0
"""A younger message is left alone: its webhook may be on its way (15 s with all repeats), and knows more of the sender
than the list does, so that a new shopper's message would begin two conversations."""
STRANGER = 120.0
"""The same for a sender nobody knows here: the webhook's message may also wait for a worker."""


@runtime_checkable
class Inbox(Protocol):
    """An account whose inbound messages can be listed."""

    async def list_inbound(self, since: float) -> Sequence[Received]:
        """Inbound messages since then, oldest first. Raises Unavailable."""
        ...


async def catch_up(
    lanes: Lanes, codec: Codec, tokens: Tokens, inboxes: Sequence[Inbox], since: float, now: float
) -> int:
    """Put everything unseen and settled; the number that was new. An account that cannot be listed waits its turn."""
    fresh = 0
    for inbox in inboxes:
        try:
            messages = await inbox.list_inbound(since)
        except Unavailable:
            continue
        for message in messages:
            if not await _settled(lanes, tokens, message, now):
                continue
            put = await receive(lanes, codec, tokens, message)
            fresh += put is not None and put.fresh
    return fresh


async def _settled(lanes: Lanes, tokens: Tokens, message: Received, now: float) -> bool:
    age = STRANGER if message.written_at is None else now - message.written_at
    lane = lane_for(tokens, message)
    if not SETTLED <= age < STRANGER or lane is None:
        return age >= STRANGER
    return await lanes.resolve(lane) != lane or await lanes.peek(lane) is not None


async def keep_up(
    clock: Clock,
    gateway: Callable[[], Awaitable[str | None]],
    run: Callable[[float], Awaitable[int]],
) -> None:
    """Run when what came before the start, or while the gateway was gone, is settled; then every 5 minutes.

    ``gateway`` names its present life, None while it does not answer: a restart takes a second or two, less than is
    seen by looking, and Twilio's repeats may all fall into it. Never returns.
    """
    last_alive = last_run = clock.now()
    again_at, back = last_alive + SETTLED, BACK
    life = await gateway()
    while True:
        await clock.sleep(LOOK_EVERY)
        now = clock.now()
        found = await gateway()
        if found is None:
            continue
        gone, last_alive = now - last_alive, now
        if found != life or gone >= GAP:
            life, again_at, back = found, now + SETTLED, max(back, gone + BACK)
        if now >= again_at or now - last_run >= EVERY:
            since, again_at, last_run, back = now - back, inf, now, BACK
            await run(since)
