"""Who watches a trace: Relais (the real ``bot.core.health``), and three ways others do it."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from bench.traces import Seen, Sight
from bot.core.health import AccountHealth, Evidence, Kind, State, observe
from bot.flows.watch import LOOK_EVERY

_KIND = {
    Seen.DELIVERED: Kind.WORKS,
    Seen.LEFT_LATE: Kind.SENT,
    Seen.CHANNEL_FAULT: Kind.FAULT,
    Seen.ACCOUNT_FAILURE: Kind.BROKEN,
    Seen.NOT_SENT: Kind.SILENT,
    Seen.NOT_DELIVERED: Kind.UNDELIVERED,
}
"""Other failures are no evidence."""
_FAILED = frozenset({Seen.CHANNEL_FAULT, Seen.OTHER_FAILURE, Seen.ACCOUNT_FAILURE})


EPOCH = 1_800_000_000.0
"""Time 0 of a trace, in seconds since 1970."""


class Watcher(Protocol):
    """Takes sights in order of time and says whether the channel is down."""

    def see(self, at: float, sight: Sight) -> bool: ...


class Relais:
    """The detector itself. The provider's record agrees, and is asked as often as the flow may."""

    def __init__(self, health: AccountHealth | None = None) -> None:
        self.health = health or AccountHealth()
        self._asked = float("-inf")

    def see(self, at: float, sight: Sight) -> bool:
        kind = _KIND.get(sight.seen)
        if kind is None:
            return self.health.state is State.DOWN
        checked = True
        if kind in (Kind.SILENT, Kind.UNDELIVERED):
            checked = at - self._asked >= LOOK_EVERY
            self._asked = at if checked else self._asked
        seen = Evidence(
            EPOCH + at, kind, sight.recipient, began_at=EPOCH + sight.began, checked=checked,
            sent_at=None if sight.sent is None else EPOCH + sight.sent,
        )
        self.health = observe(self.health, seen)
        return self.health.state is State.DOWN


class InARow:
    """N failures one after the other, of any kind."""

    def __init__(self, count: int = 5) -> None:
        self._count, self._run = count, 0

    def see(self, at: float, sight: Sight) -> bool:
        if sight.seen in _FAILED:
            self._run += 1
        elif sight.seen is Seen.DELIVERED:
            self._run = 0
        return self._run >= self._count


class ShareInWindow:
    """More than half of the last minute's outcomes failed, of at least five."""

    def __init__(self, share: float = 0.5, least: int = 5, seconds: float = 60.0) -> None:
        self._share, self._least, self._seconds = share, least, seconds
        self._seen: deque[tuple[float, bool]] = deque()
        self._failed = 0

    def see(self, at: float, sight: Sight) -> bool:
        if sight.seen in _FAILED or sight.seen is Seen.DELIVERED:
            self._seen.append((at, sight.seen in _FAILED))
            self._failed += sight.seen in _FAILED
        while self._seen and self._seen[0][0] < at - self._seconds:
            self._failed -= self._seen.popleft()[1]
        return len(self._seen) >= self._least and self._failed > self._share * len(self._seen)


class ReceiptTimeout:
    """Some message has had no receipt, good or bad, for 300 s: the setting commercial failovers ship with."""

    def __init__(self, seconds: float = 300.0) -> None:
        self._seconds = seconds
        self._open: dict[int, float] = {}

    def see(self, at: float, sight: Sight) -> bool:
        if sight.seen is Seen.SENT_ON:
            self._open[sight.number] = at
        elif sight.seen is Seen.DELIVERED or sight.seen in _FAILED:
            self._open.pop(sight.number, None)
        overdue = [number for number, since in self._first() if at - since > self._seconds]
        for number in overdue:
            del self._open[number]
        return bool(overdue)

    def _first(self) -> list[tuple[int, float]]:
        return [next(iter(self._open.items()))] if self._open else []


RIVALS = {
    "5 failures in a row": InARow,
    "over half failed in 60 s": ShareInWindow,
    "no receipt for 300 s": ReceiptTimeout,
}
