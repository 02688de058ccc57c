"""Simulated traffic of one account in virtual time: what a message's fate makes observers see, and when.

An event is ``(time, Sight)``. Shares and lags are assumptions, in one place, written into the report.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from bot.core.health import OVERDUE, UNDELIVERED_AFTER

DAY = 86_400.0
ORDINARY = 0.02
"""Messages that fail on any day: wrong number, closed window, refused content, throttled."""
CHANNEL_SHARE = 0.1
"""Share of those whose code blames the channel itself, and is therefore evidence."""
PHONE_OFF = 0.07
"""Shoppers who have just written and are yet not reached within 20 s."""
SENT_LAG = (-0.5, 0.6)
"""Of log seconds (mean, deviation): median 0.6 s from accepted to ``sent``."""
DELIVERED_LAG = (0.4, 0.5)
REFUSED_LAG = (0.3, 1.5)
BACK_AFTER = 600.0
"""Mean seconds until a phone that was off is on again."""


class Fate(Enum):
    """What the outside does with one message."""

    FINE = auto()
    REFUSED = auto()
    NEVER_SENT = auto()
    NEVER_DELIVERED = auto()
    SLOW = auto()
    WRONG_NUMBER = auto()
    THROTTLED = auto()
    ACCOUNT_REFUSED = auto()


class Seen(Enum):
    """What a message makes visible."""

    SENT_ON = auto()
    """It was handed over (for time-outs that count from there)."""
    DELIVERED = auto()
    LEFT_LATE = auto()
    CHANNEL_FAULT = auto()
    OTHER_FAILURE = auto()
    ACCOUNT_FAILURE = auto()
    NOT_SENT = auto()
    NOT_DELIVERED = auto()


@dataclass(frozen=True, slots=True)
class Sight:
    """One thing seen of message ``number``, which began at ``began`` and went to ``recipient``."""

    seen: Seen
    number: int
    recipient: str
    began: float
    sent: float | None = None


Rule = Callable[[float, random.Random], Fate]
"""(time, chance) -> fate."""


def ordinary(at: float, chance: random.Random) -> Fate:
    """A day like any other."""
    draw = chance.random()
    if draw < ORDINARY * CHANNEL_SHARE:
        return Fate.REFUSED
    return Fate.WRONG_NUMBER if draw < ORDINARY else Fate.FINE


def all_blame_the_channel(at: float, chance: random.Random) -> Fate:
    """The same 2 %, all with codes that blame the channel: the hardest case for a detector."""
    return Fate.REFUSED if chance.random() < ORDINARY else Fate.FINE


def from_then(fate: Fate, began: float, share: float = 1.0, lasts: float = 1e12) -> Rule:
    """Ordinary until ``began``, then this fate for a share of the messages."""

    def rule(at: float, chance: random.Random) -> Fate:
        struck = began <= at < began + lasts and chance.random() < share
        return fate if struck else ordinary(at, chance)

    return rule


def flapping(began: float, down: float, up: float) -> Rule:
    """Down and up by turns."""

    def rule(at: float, chance: random.Random) -> Fate:
        bad = at >= began and (at - began) % (down + up) < down
        return Fate.REFUSED if bad else ordinary(at, chance)

    return rule


def events(
    rule: Rule, rate: Callable[[float], float], fastest: float, until: float, chance: random.Random,
    phone_off: Callable[[float], float] = lambda at: PHONE_OFF, start: float = 0.0,
) -> Iterator[tuple[float, Sight]]:
    """All sights in order of time. ``rate``: messages a second at a time, at most ``fastest``."""
    pending: list[tuple[float, int, Sight]] = []
    at, number, order = start, 0, 0
    people = max(50, int(fastest * 300))
    while True:
        at += chance.expovariate(fastest)
        while pending and pending[0][0] <= min(at, until):
            when, _, sight = heapq.heappop(pending)
            yield when, sight
        if at > until:
            return
        if rate(at) < fastest and chance.random() >= rate(at) / fastest:
            continue
        number += 1
        who = f"p{chance.randrange(people)}"
        sent, found = _fate(rule(at, chance), at, chance, phone_off(at))
        for when, seen in found:
            order += 1
            heapq.heappush(pending, (when, order, Sight(seen, number, who, at, sent)))


def _fate(
    fate: Fate, at: float, chance: random.Random, off: float
) -> tuple[float | None, list[tuple[float, Seen]]]:
    """When it was sent, and what is seen of it."""
    found = [(at, Seen.SENT_ON)]
    match fate:
        case Fate.REFUSED:
            return None, [*found, (at + chance.uniform(*REFUSED_LAG), Seen.CHANNEL_FAULT)]
        case Fate.WRONG_NUMBER:
            return None, [*found, (at + chance.uniform(*REFUSED_LAG), Seen.OTHER_FAILURE)]
        case Fate.THROTTLED:
            return None, [*found, (at + 0.1, Seen.OTHER_FAILURE)]
        case Fate.ACCOUNT_REFUSED:
            return None, [*found, (at + 0.3, Seen.ACCOUNT_FAILURE)]
        case Fate.NEVER_SENT:
            return None, [*found, (at + OVERDUE, Seen.NOT_SENT)]
        case Fate.NEVER_DELIVERED:
            sent = at + chance.lognormvariate(*SENT_LAG)
            return sent, [*found, (sent + UNDELIVERED_AFTER, Seen.NOT_DELIVERED)]
        case Fate.SLOW:
            sent = at + chance.uniform(3.0, 9.0)
        case Fate.FINE:
            sent = at + chance.lognormvariate(*SENT_LAG)
    if sent - at > OVERDUE:
        found += [(at + OVERDUE, Seen.NOT_SENT), (sent, Seen.LEFT_LATE)]
    if chance.random() < off:
        found.append((sent + UNDELIVERED_AFTER, Seen.NOT_DELIVERED))
        found.append((sent + UNDELIVERED_AFTER + chance.expovariate(1 / BACK_AFTER), Seen.DELIVERED))
    else:
        found.append((sent + min(chance.lognormvariate(*DELIVERED_LAG), UNDELIVERED_AFTER - 1), Seen.DELIVERED))
    return sent, found
