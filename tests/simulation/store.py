"""The store of a simulation: the memory adapters, which tell when something becomes due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bot.core.addresses import PARTITIONS, Address, LaneId, ShopId
from bot.core.conversations import Conversation
from bot.core.journal import Entry, TranscriptItem
from bot.ports import Clock
from bot.storage import codec
from bot.storage.memory import MemoryJournal, MemoryLanes


class SimulatedLanes(MemoryLanes):
    """Memory lanes with a look-out for the next due time."""

    def __init__(self, clock: Clock) -> None:
        self._news = asyncio.Event()
        super().__init__(clock)

    async def until_due(self, step: float) -> None:
        """Return ``step`` seconds after something is due: what a poll of that period would take, without the polls."""
        while True:
            await asyncio.sleep(step)
            at = self._first_due()
            now = self._clock.now()
            if at is not None and at <= now:
                return
            self._news.clear()
            try:
                async with asyncio.timeout(None if at is None else at - now):
                    await self._news.wait()
            except TimeoutError:
                continue

    def _first_due(self) -> float | None:
        return min((at for due in self._due for at in due._at.values()), default=None)

    def _wake(self, partition: int, at: float) -> None:
        self._news.set()
        super()._wake(partition, at)

    def flush(self) -> None:
        super().flush()
        self._news.set()

    def stuck(self) -> list[LaneId]:
        """Lanes with something in their inbox or a due time in the past."""
        now = self._clock.now()
        waiting = [lane for lane, record in self._lanes.items() if record.inbox]
        late = [lane for due in self._due for lane, at in due._at.items() if at <= now]
        return sorted({*waiting, *late})

    def held(self) -> list[LaneId]:
        """Lanes whose lease has not ended."""
        return [lane for lane, record in self._lanes.items() if self._held(record)]

    def states(self) -> dict[LaneId, Conversation]:
        """Every conversation there is."""
        return {
            lane: codec.decode_conversation(record.state)
            for lane, record in self._lanes.items()
            if record.state is not None
        }


class Archive:
    """What the projector has read from the journal: the latest records, transcripts by item, events by id."""

    def __init__(self, lanes: MemoryLanes, order_of: Callable[[str], tuple[str, str] | None]) -> None:
        self._order_of = order_of
        self._journal = MemoryJournal(lanes)
        self._read = ["0-0"] * PARTITIONS
        self._latest: dict[LaneId, dict[str, Any]] = {}
        self.items: dict[str, TranscriptItem] = {}
        self.heard: dict[LaneId, list[str]] = {}
        """Provider ids of what shoppers wrote, in the order in which it was taken in."""
        self.events: dict[str, tuple[float, str, dict[str, object]]] = {}

    async def latest(self, lane: LaneId) -> Conversation | None:
        known = self._latest.get(lane)
        return None if known is None else codec.conversation_from_json(known)

    async def owner(self, shop: ShopId, address: Address) -> LaneId | None:
        entries = [(one.added_at, talk.id) for talk in self._records() if (one := talk.customer.find(address))]
        return max(entries)[1] if entries else None

    async def heard(self, lane: LaneId, since: float) -> Sequence[tuple[str, float]]:
        mine = (i for i in self.items.values() if i.direction == "in" and i.id.startswith(f"{lane}-"))
        return [(item.provider_id or "", item.created_at) for item in mine if item.created_at >= since]

    async def order_of(self, basket_id: str) -> tuple[str, str] | None:
        return self._order_of(basket_id)

    async def recent(self, since: float, after: str, most: int) -> Sequence[Conversation]:
        late = (t for t in self._records() if t.id > after and (t.last_message_at or 0.0) >= since)
        return sorted(late, key=lambda talk: talk.id)[:most]

    def _records(self) -> Iterator[Conversation]:
        return map(codec.conversation_from_json, self._latest.values())

    async def write(self, entries: Sequence[tuple[str, Entry]]) -> None:
        """The flows never write; the projector does."""
        raise AssertionError("flows never write the ledger")

    async def project(self) -> None:
        """Read the journal to its end."""
        for partition in range(PARTITIONS):
            while stored := await self._journal.read(partition, self._read[partition], 100):
                for one in stored:
                    self._note(codec.decode_entry(one.entry))
                    self._read[partition] = one.id
            await self._journal.trim({partition: self._read[partition]})

    def restart(self) -> None:
        """The journal was lost with the store: it begins again."""
        self._read = ["0-0"] * PARTITIONS

    def _note(self, entry: Entry) -> None:
        self._latest[entry.lane] = entry.conversation
        for item in entry.messages:
            if item.direction == "in" and item.id not in self.items:
                self.heard.setdefault(entry.lane, []).append(item.provider_id or "")
            self.items[item.id] = item
        for event in entry.events:
            self.events[event.id] = (event.occurred_at, event.type, event.data)
