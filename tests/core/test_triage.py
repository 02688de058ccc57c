"""Who is told first, what may wait, and until when."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import triage
from bot.core.addresses import ChannelName
from bot.core.messages import UNASKED, Purpose
from bot.core.readiness import Road, mask
from bot.core.shops import Policy
from bot.core.triage import Candidate, Tier

VALUES = st.integers(1, 5_000_000)
TIMES = st.floats(1.7e9, 1.9e9)
CANDIDATES = st.builds(
    Candidate,
    st.uuids().map(str),
    st.sampled_from(Tier),
    st.floats(-1e6, 2e6, allow_nan=False),
    st.builds(Road, st.integers(0, 15)),
    st.integers(0, 1_000_000),
)


@given(VALUES, TIMES, st.integers(1, 1000))
def test_of_two_baskets_of_one_age_the_dearer_is_more_urgent(value: int, at: float, more: int) -> None:
    assert triage.urgency(value + more, at) > triage.urgency(value, at) or more / value < 1e-9


@given(VALUES, TIMES, st.floats(1.0, 86400.0))
def test_of_two_equal_baskets_the_fresher_is_more_urgent(value: int, at: float, older: float) -> None:
    assert triage.urgency(value, at) > triage.urgency(value, at - older)


@given(VALUES, TIMES)
def test_a_basket_is_worth_half_after_a_half_life(value: int, at: float) -> None:
    assert triage.urgency(2 * value, at - triage.HALF_LIFE) == pytest.approx(triage.urgency(value, at), abs=1e-6)


@given(VALUES, TIMES, TIMES)
def test_any_order_under_way_comes_before_any_idle_conversation(value: int, one: float, two: float) -> None:
    assert triage.urgency(value, one) > triage.UNDER_WAY > triage.urgency(0, two)


@given(st.lists(CANDIDATES, max_size=30), st.randoms())
def test_the_order_loses_nobody_keeps_the_tiers_and_depends_on_nothing_else(people: list[Candidate], dice: object) -> None:
    ordered = triage.in_order(people)
    shuffled = list(people)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]

    assert sorted(ordered, key=str) == sorted(people, key=str)
    assert [one.tier for one in ordered] == sorted(one.tier for one in people)
    assert triage.in_order(shuffled) == ordered


@given(st.sampled_from(Purpose), TIMES, st.floats(0, 900))
def test_an_answer_to_someone_who_wrote_within_15_minutes_never_waits(purpose: Purpose, now: float, ago: float) -> None:
    if purpose not in UNASKED:
        assert not triage.may_wait(purpose, now - ago, now)


@given(TIMES, st.none() | TIMES)
def test_what_nobody_asked_for_may_always_wait(now: float, heard: float | None) -> None:
    assert all(triage.may_wait(purpose, heard, now) for purpose in UNASKED)


@given(TIMES, st.times(), st.times())
def test_quiet_hours_end_within_a_day_and_never_in_the_past(now: float, begin: object, end: object) -> None:
    policy = Policy(quiet_hours=(begin.strftime("%H:%M"), end.strftime("%H:%M")))  # type: ignore[attr-defined]
    until = triage.quiet_until(policy, "Africa/Abidjan", now)
    if until is not None:
        assert now < until <= now + 86400
        assert triage.quiet_until(policy, "Africa/Abidjan", until) is None or begin == end


@pytest.mark.parametrize(
    ("hour", "until"), [(21, None), (22, (25, 7)), (3, (24, 7)), (7, None), (12, None)]
)
def test_a_night_reaches_over_midnight(hour: int, until: tuple[int, int] | None) -> None:
    now = datetime(2026, 11, 24, hour, tzinfo=UTC).timestamp()
    expected = None if until is None else datetime(2026, 11, until[0], until[1], tzinfo=UTC).timestamp()

    assert triage.quiet_until(Policy(quiet_hours=("21:30", "07:00")), "Africa/Abidjan", now) == expected


@pytest.mark.parametrize(("under_way", "reached"), [(True, True), (False, False)])
def test_a_derived_number_serves_an_order_under_way_only(under_way: bool, reached: bool) -> None:
    roads = mask((ChannelName.TELEGRAM, ChannelName.SMS), order_under_way=under_way)

    assert bool(roads & Road.SMS_DERIVED) is reached
    assert roads & Road.SMS and roads & Road.TELEGRAM and not roads & Road.WHATSAPP
