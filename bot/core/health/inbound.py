"""How often shoppers write at each hour, learnt slowly, and whether their silence is odd."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

HOURS = 24
HOUR = 3600.0
LEARNING_DAYS = 7.0
TOGETHER_FOR = 30.0
"""Seconds that the silence of many accounts together must last: where thousands write, 9 nats are over in a moment."""
ODD = 9.0
"""-log of the probability of such a silence: once in 8,000 looks by chance, so it stays a weak vote."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """Messages an hour, by hour of the day (UTC: Abidjan's own). Empty until something was heard."""

    heard_at: float | None = None
    usual: tuple[float, ...] = ()
    hour: int = -1
    """Hour since 1970 that is being counted."""
    count: int = 0
    days: float = 0.0
    """Days of learning so far, 7 at most."""

    def heard(self, at: float) -> Inbound:
        """One more message."""
        turned = self.turned(at)
        return replace(turned, heard_at=max(at, self.heard_at or 0.0), count=turned.count + 1)

    def turned(self, at: float) -> Inbound:
        """Close the hours that are over: each moves what is usual at that hour of the day."""
        now = int(at // HOUR)
        if now <= self.hour:
            return self
        if self.hour < 0:
            return replace(self, hour=now)
        usual = list(self.usual or (0.0,) * HOURS)
        for hour in range(self.hour, min(now, self.hour + HOURS)):
            share = 1 / min(self.days + 1, LEARNING_DAYS)
            seen = self.count if hour == self.hour else 0
            usual[hour % HOURS] += share * (seen - usual[hour % HOURS])
        days = min(self.days + (now - self.hour) / HOURS, LEARNING_DAYS)
        return replace(self, usual=tuple(usual), hour=now, count=0, days=days)


def quiet(inbound: Inbound, now: float) -> bool:
    """Has nobody written for longer than chance explains? The rarest of the hours since then is what counts."""
    if inbound.heard_at is None or not inbound.usual or inbound.days < 2 or now <= inbound.heard_at:
        return False
    seconds = now - inbound.heard_at
    hours = range(int(inbound.heard_at // HOUR), int(now // HOUR) + 1)
    if len(hours) > HOURS:
        return False
    least = min(inbound.usual[hour % HOURS] for hour in hours)
    return least * seconds / HOUR >= ODD and math.isfinite(least)


def habit(an_hour: float, now: float) -> Inbound:
    """What a week of so many messages in each hour would have taught."""
    return Inbound(now, (an_hour,) * HOURS, int(now // HOUR), days=LEARNING_DAYS)


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody writes on an account. ``since``: Unix seconds. ``alone``: it can tell by itself, without the others."""

    since: float
    alone: bool


def silent(
    inbounds: Mapping[str, Inbound], sharing: Mapping[str, Collection[str]], now: float
) -> dict[str, Silence]:
    """Accounts on which nobody writes, though people usually do.

    ``sharing``: accounts by the network that carries them. Each may be too quiet to say anything; together they say it
    in seconds.
    """
    found: dict[str, Silence] = {}
    for keys in sharing.values():
        every = together(inbounds[key] for key in keys)
        if len(keys) > 1 and quiet(every, now) and now - (every.heard_at or 0.0) >= TOGETHER_FOR:
            found |= {key: Silence(every.heard_at or 0.0, alone=False) for key in keys}
    for key, one in inbounds.items():
        if quiet(one, now):
            found[key] = Silence(one.heard_at or 0.0, alone=True)
    return found


def together(several: Iterable[Inbound]) -> Inbound:
    """Channels of which each alone is too quiet to say anything, as one: who writes on any of them is heard."""
    learnt = [one for one in several if one.heard_at is not None and one.usual and one.days >= 2]
    if not learnt:
        return Inbound()
    usual = tuple(sum(one.usual[hour] for one in learnt) for hour in range(HOURS))
    return Inbound(max(one.heard_at or 0.0 for one in learnt), usual, days=min(one.days for one in learnt))
