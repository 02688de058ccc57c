"""Every change of a channel's state, kept with its evidence, and told to each shop whose channel it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.addresses import ChannelName, ShopId
from bot.core.health import Transition, domain_key
from bot.ledger.engine import Ledger
from bot.ledger.models import HealthChange
from bot.ledger.outbox import event_row, tell
from bot.ledger.statements import insert_if_new
from bot.ledger.times import instant, instant_or_none, shown

PAUSE = 0.5
MOST = 100
EVENT = "channel.state_changed"


class Changes(Protocol):
    """The board's stream of changes."""

    async def transitions(self, after: str = "0-0", count: int = 100) -> list[tuple[str, Transition]]: ...


Concerned = Callable[[str], Iterable[tuple[ShopId, ChannelName]]]
"""Shops and channels that an account or a fault domain carries, by its key."""


class HealthHistory:
    """Reads the board's changes and writes them down, each once. The caller holds a lease."""

    def __init__(self, ledger: Ledger, changes: Changes, concerned: Concerned) -> None:
        self._ledger = ledger
        self._changes = changes
        self._concerned = concerned

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop. Raises Unavailable; the caller tries again."""
        position = await self.last()
        while not stop.is_set():
            position = await self.once(position)
            await asyncio.sleep(PAUSE)

    async def last(self) -> str:
        """The position of the last change that is written. Raises Unavailable."""
        async with self._ledger.reading() as connection:
            last = await connection.scalar(select(func.max(HealthChange.id)))
        return "0-0" if last is None else _position(last)

    async def once(self, after: str) -> str:
        """Write what came after a position of the stream; the position reached. Raises Unavailable."""
        found = await self._changes.transitions(after, MOST)
        if not found:
            return after

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(
                insert_if_new(connection, HealthChange, "id"), [_row(position, change) for position, change in found]
            )
            await tell(connection, [row for _, change in found for row in self._events(change)])

        await self._ledger.write(work)
        return found[-1][0]

    def _events(self, change: Transition) -> Iterable[dict[str, object]]:
        domain = change.key.removeprefix(domain_key("")) if change.key.startswith(domain_key("")) else None
        last = change.evidence[-1].detail if change.evidence else ""
        for shop, channel in self._concerned(change.key):
            data = {
                "channel": channel.value,
                "old": change.old.value,
                "new": change.new.value,
                "detail": last,
                "domain": domain,
                "began_at": None if change.began_at is None else shown(instant(change.began_at)),
            }
            cause = f"{EVENT}:{shop}:{channel.value}:{change.key}:{change.at}"
            yield event_row(shop, cause, EVENT, instant(change.at), data)


def concerned_by(
    accounts: Mapping[tuple[ShopId, ChannelName], tuple[str, Sequence[str]]],
) -> Concerned:
    """From (shop, channel) -> (key of the account, names of its fault domains)."""

    def of(key: str) -> Iterable[tuple[ShopId, ChannelName]]:
        for place, (account, domains) in accounts.items():
            if key == account or key in map(domain_key, domains):
                yield place

    return of


def _row(position: str, change: Transition) -> dict[str, object]:
    return {
        "id": _sortable(position),
        "key": change.key,
        "old": change.old.value,
        "new": change.new.value,
        "at": instant(change.at),
        "began_at": instant_or_none(change.began_at),
        "evidence": [
            {
                "at": shown(instant(seen.at)),
                "kind": seen.kind.value,
                "recipient": seen.recipient,
                "detail": seen.detail,
                "weight": seen.weight,
                "source": seen.source,
            }
            for seen in change.evidence
        ],
    }


def _sortable(position: str) -> str:
    """``1700000000000-0`` as text that sorts like the stream."""
    milliseconds, _, nth = position.partition("-")
    return f"{int(milliseconds):016d}-{int(nth or 0):08d}"


def _position(sortable: str) -> str:
    milliseconds, _, nth = sortable.partition("-")
    return f"{int(milliseconds)}-{int(nth)}"
