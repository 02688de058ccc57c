"""How much of one shopper is answered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.core.flood import BURST, PER_SECOND, TELL_EVERY, Flood


@given(st.lists(st.floats(0.0, 30.0), max_size=200))
def test_never_more_than_a_burst_and_what_leaks(pauses: list[float]) -> None:
    flood, now, answered = Flood(), 1_000.0, 0
    for pause in pauses:
        now += pause
        flood = flood.with_one(now)
        answered += not flood.is_full
    assert answered <= BURST + PER_SECOND * (now - 1_000.0) + 1


@given(st.lists(st.floats(1 / PER_SECOND, 100.0), max_size=200))
def test_who_writes_slowly_is_always_answered(pauses: list[float]) -> None:
    flood, now = Flood(), 1_000.0
    for pause in pauses:
        now += pause
        flood = flood.with_one(now)
        assert not flood.is_full


def test_a_clock_that_steps_back_empties_nothing() -> None:
    flood = Flood()
    for _ in range(BURST + 5):
        flood = flood.with_one(1_000.0)
    assert flood.with_one(900.0).is_full
    assert flood.with_one(900.0).at == 1_000.0


def test_it_is_said_once_in_a_while() -> None:
    flood = Flood(told_at=1_000.0)
    assert Flood().may_tell(0.0)
    assert not flood.may_tell(1_000.0 + TELL_EVERY - 1)
    assert flood.may_tell(1_000.0 + TELL_EVERY)
