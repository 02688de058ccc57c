"""A shop's hours on its own clock: is it open, when does it open and close, is this a quiet hour. Unix seconds in and out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

Span = tuple[str, str]
"""From and to as local time, ("08:00", "19:30"); a span that ends before it begins runs past midnight."""
Week = Mapping[str, Span | None]
"""Opening spans by day (``DAYS``); a day that is None or missing is closed, a week without a day is always open."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FRENCH = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_ENGLISH = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@lru_cache
def _zone(timezone: str) -> ZoneInfo:
    return ZoneInfo(timezone)


def _local(at: float, timezone: str) -> datetime:
    return datetime.fromtimestamp(at, _zone(timezone))


def _at(day: datetime, clock: str) -> float:
    hour, minute = clock.split(":")
    return datetime.combine(day.date(), time(int(hour), int(minute)), day.tzinfo).timestamp()


def _bounds(span: Span, day: datetime) -> tuple[float, float]:
    start, end = _at(day, span[0]), _at(day, span[1])
    return start, end if end > start else _at(day + timedelta(days=1), span[1])


def _openings(week: Week, timezone: str, now: float) -> Iterator[tuple[float, float]]:
    """The spans from yesterday's to that of this day in a week."""
    today = _local(now, timezone)
    for offset in range(-1, 8):
        day = today + timedelta(days=offset)
        span = week.get(DAYS[day.weekday()])
        if span is not None:
            yield _bounds(span, day)


def is_open(week: Week, timezone: str, now: float) -> bool:
    """Is the shop open now?"""
    return not week or any(start <= now < end for start, end in _openings(week, timezone, now))


def opens_at(week: Week, timezone: str, now: float) -> float | None:
    """When it opens next; None while it is open, and for a week in which it never does."""
    if is_open(week, timezone, now):
        return None
    return min((start for start, _ in _openings(week, timezone, now) if start > now), default=None)


def closes_at(week: Week, timezone: str, now: float) -> float | None:
    """When it closes next, now or after the next opening; None for a shop that never does."""
    return min((end for _, end in _openings(week, timezone, now) if end > now), default=None)


def ends_at(span: Span, timezone: str, now: float) -> float | None:
    """When the daily span that runs now is over (quiet hours); None when none runs."""
    today = _local(now, timezone)
    for day in (today - timedelta(days=1), today):
        start, end = _bounds(span, day)
        if start <= now < end:
            return end
    return None


def spoken(at: float, timezone: str, now: float, language: str) -> str:
    """A time to come as one says it: ``demain à 8 h``, ``lundi à 8 h 30``, ``tomorrow at 08:00``."""
    when, today = _local(at, timezone), _local(now, timezone)
    days = (when.date() - today.date()).days
    if language == "en":
        day = {0: "today", 1: "tomorrow"}.get(days, _ENGLISH[when.weekday()])
        return f"{day} at {when:%H:%M}"
    day = {0: "aujourd'hui", 1: "demain"}.get(days, _FRENCH[when.weekday()])
    minutes = f" {when:%M}" if when.minute else ""
    return f"{day} à {when.hour} h{minutes}"
