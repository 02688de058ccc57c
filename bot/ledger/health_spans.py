"""What each channel of a shop was like over the last hours, from the kept changes of its account and fault domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from bot.core.health import AccountHealth, State, worst
from bot.ledger.engine import Ledger
from bot.ledger.models import HealthChange

MOST = 2000
"""Changes read: a road that flaps more often than that in a day is drawn from its later part."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch in one state, as routing obeyed it, forces apart."""

    state: State
    begin: datetime
    end: datetime


async def spans(
    ledger: Ledger, keys: Mapping[str, Sequence[str]], since: datetime, now: datetime
) -> dict[str, list[Span]]:
    """Channel -> stretches from ``since`` to ``now``, oldest first, without gaps.

    ``keys``: channel -> the board's keys of its account and fault domains. A key of which nothing is kept was up.
    Raises Unavailable.
    """
    table = HealthChange
    wanted = sorted({key for some in keys.values() for key in some})
    before = (
        select(func.max(table.id)).where(table.key.in_(wanted), table.at < since).group_by(table.key)
    ).scalar_subquery()
    async with ledger.reading() as connection:
        first = {
            row.key: State(row.new)
            for row in await connection.execute(select(table.key, table.new).where(table.id.in_(before)))
        }
        changes = (
            await connection.execute(
                select(table.key, table.old, table.new, table.at)
                .where(table.key.in_(wanted), table.at >= since, table.at <= now)
                .order_by(table.id.desc())
                .limit(MOST)
            )
        ).all()[::-1]
    return {channel: _of(some, first, changes, since, now) for channel, some in keys.items()}


def _of(
    keys: Sequence[str], first: Mapping[str, State], changes: Sequence[Any], since: datetime, now: datetime
) -> list[Span]:
    states = {key: first.get(key, State.UP) for key in keys}
    found = [Span(_worst(states), since, since)]
    for change in changes:
        if change.key not in states:
            continue
        states[change.key] = State(change.new)
        found[-1] = replace(found[-1], end=change.at)
        if (state := _worst(states)) is not found[-1].state:
            found.append(Span(state, change.at, change.at))
    found[-1] = replace(found[-1], end=now)
    return [span for span in found if span.end > span.begin]


def _worst(states: Mapping[str, State]) -> State:
    account, *domains = (replace(AccountHealth(), state=state) for state in states.values())
    return worst(account, domains).state
