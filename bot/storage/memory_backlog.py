"""``Backlog`` of lanes in memory."""

from __future__ import annotations

from collections.abc import Sequence

from bot.ports import Parked
from bot.storage.backlog import LaneView, Totals, has_work
from bot.storage.memory_lanes import MemoryLanes


class MemoryBacklog:
    """``Backlog`` of ``MemoryLanes``."""

    def __init__(self, lanes: MemoryLanes) -> None:
        self._lanes = lanes

    async def lanes(self, most: int) -> Sequence[LaneView]:
        views = [view for view in self._lanes.views() if has_work(view)]
        return sorted(views, key=lambda view: view.due_in)[:most]

    async def totals(self) -> Totals:
        views = list(self._lanes.views())
        late = max((-view.due_in for view in views), default=0.0)
        return Totals(
            due=sum(view.due_in <= 0 for view in views),
            late=max(late, 0.0),
            failing=sum(view.attempts > 1 for view in views),
            parked=len(self._lanes.park),
        )

    async def parked(self) -> Sequence[Parked]:
        return sorted(self._lanes.park.values(), key=lambda each: (each.at, each.id))

    async def drop(self, parked: Parked) -> bool:
        return self._lanes.park.pop(parked.id, None) is not None
