"""Opening and quiet hours on the shop's own clock."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.hours import DAYS, closes_at, ends_at, is_open, opens_at, spoken

ABIDJAN = "Africa/Abidjan"
WEEK = dict.fromkeys(DAYS[:6], ("08:00", "19:30"))
"""Closed on Sundays."""


def at(text: str, zone: str = ABIDJAN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("now", "opened", "opens", "closes"),
    [
        ("2026-11-24T12:00", True, None, "2026-11-24T19:30"),
        ("2026-11-24T19:30", False, "2026-11-25T08:00", "2026-11-25T19:30"),
        ("2026-11-28T23:00", False, "2026-11-30T08:00", "2026-11-30T19:30"),
    ],
)
def test_a_week_with_a_closed_day(now: str, opened: bool, opens: str | None, closes: str) -> None:
    assert is_open(WEEK, ABIDJAN, at(now)) is opened
    assert opens_at(WEEK, ABIDJAN, at(now)) == (at(opens) if opens else None)
    assert closes_at(WEEK, ABIDJAN, at(now)) == at(closes)


def test_a_shop_without_hours_is_always_open() -> None:
    assert (is_open({}, ABIDJAN, 0.0), opens_at({}, ABIDJAN, 0.0), closes_at({}, ABIDJAN, 0.0)) == (True, None, None)


def test_a_span_may_run_past_midnight() -> None:
    quiet = ("21:30", "07:00")
    assert ends_at(quiet, ABIDJAN, at("2026-11-24T22:00")) == at("2026-11-25T07:00")
    assert ends_at(quiet, ABIDJAN, at("2026-11-25T06:59")) == at("2026-11-25T07:00")
    assert ends_at(quiet, ABIDJAN, at("2026-11-25T07:00")) is None


def test_another_clock_is_another_hour() -> None:
    assert is_open(WEEK, "Europe/Paris", at("2026-07-07T18:00")) is False


@pytest.mark.parametrize(
    ("then", "language", "said"),
    [
        ("2026-11-24T20:00", "fr", "aujourd'hui à 20 h"),
        ("2026-11-25T08:00", "fr", "demain à 8 h"),
        ("2026-11-30T08:30", "fr", "lundi à 8 h 30"),
        ("2026-11-25T08:00", "en", "tomorrow at 08:00"),
    ],
)
def test_a_time_is_said_as_people_say_it(then: str, language: str, said: str) -> None:
    assert spoken(at(then), ABIDJAN, at("2026-11-24T19:00"), language) == said


@given(st.dictionaries(st.sampled_from(DAYS), st.just(("09:15", "17:45")), min_size=1), st.floats(0, 4e9))
def test_a_shop_opens_before_it_closes(week: dict[str, tuple[str, str]], now: float) -> None:
    """Open: it closes later. Closed: it opens within a week, is open then, and closes after that."""
    opens, closes = opens_at(week, ABIDJAN, now), closes_at(week, ABIDJAN, now)
    assert closes is not None
    if is_open(week, ABIDJAN, now):
        assert opens is None and closes > now
    else:
        assert opens is not None and now < opens < closes
        assert is_open(week, ABIDJAN, opens)
