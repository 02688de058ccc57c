"""Following a forward from lane to lane, the same for every store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from bot.core.addresses import LaneId

HOPS = 8
MOVED = 2
"""First word of an answer ``(2, target)``: not here, ask there."""


class ForwardLoop(Exception):
    """Forwards that lead nowhere: a bug, or two lanes linked to each other at the same moment."""


async def follow(lane: LaneId, at: Callable[[LaneId], Awaitable[Any]]) -> tuple[LaneId, Any]:
    """Call ``at`` on the lane, and again where it says it has moved to. Returns the last lane and its answer."""
    here = lane
    for _ in range(HOPS):
        answer = await at(here)
        if answer[0] != MOVED:
            return here, answer
        target = answer[1]
        here = LaneId(target.decode() if isinstance(target, bytes) else target)
    raise ForwardLoop(lane)
