"""Every sequence of evidence up to a length, from three beginnings: what no sequence may do."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.health import AccountHealth, Evidence, Kind, State, effective, observe
from bot.core.health.account import COUNTED_KEPT, KEPT
from bot.core.health.detector import MOST_UNHEARD
from tests.core.samples import NOW

LARGE = os.environ.get("RELAIS_TEST_SIZE") == "large"
Symbol = tuple[Kind, str, float]
"""(kind, recipient, seconds since the one before)"""
SYMBOLS: tuple[Symbol, ...] = (
    (Kind.FAULT, "a", 1.0),
    (Kind.FAULT, "b", 1.0),
    (Kind.FAULT, "c", 1.0),
    (Kind.SILENT, "a", 9.0),
    (Kind.SILENT, "d", 9.0),
    (Kind.UNDELIVERED, "a", 1.0),
    (Kind.WORKS, "a", 1.0),
    (Kind.WORKS, "b", 1.0),
    (Kind.SENT, "a", 1.0),
    (Kind.BROKEN, "a", 1.0),
    (Kind.PROBE_FAILED, "", 1.0),
    (Kind.FEED, "", 1.0),
    (Kind.TIME, "", 700.0),
)
STRONG = (Kind.FAULT, Kind.SILENT, Kind.UNDELIVERED)
BADNESS = {State.UP: 0, State.SUSPECT: 1, State.RECOVERING: 2, State.DOWN: 3, State.BROKEN: 3}
Step = tuple[tuple[Symbol, ...], AccountHealth, AccountHealth]
"""(the path so far with its last symbol, health before it, health after it)"""


def after(health: AccountHealth, path: tuple[Symbol, ...], at: float) -> AccountHealth:
    for kind, who, seconds in path:
        at += seconds
        health = observe(health, Evidence(at, kind, who, began_at=at - 0.5))
    return health


def paths(start: AccountHealth, at: float, depth: int, path: tuple[Symbol, ...] = ()) -> Iterator[Step]:
    """Depth first, so that each prefix is folded once."""
    for symbol in SYMBOLS:
        kind, who, seconds = symbol
        health = observe(start, Evidence(at + seconds, kind, who, began_at=at + seconds - 0.5))
        here = (*path, symbol)
        yield here, start, health
        if depth > 1:
            yield from paths(health, at + seconds, depth - 1, here)


FRESH = AccountHealth()
DOWN = after(FRESH, SYMBOLS[:3], NOW - 100)
RECOVERING = after(DOWN, (SYMBOLS[6],), NOW - 50)
BEGINNINGS = {"fresh": (FRESH, 5 if LARGE else 4), "down": (DOWN, 4), "recovering": (RECOVERING, 5 if LARGE else 4)}


@pytest.fixture(scope="module", params=sorted(BEGINNINGS))
def steps(request: pytest.FixtureRequest) -> list[Step]:
    start, depth = BEGINNINGS[request.param]
    found = list(paths(start, NOW, depth))
    assert len(found) == sum(len(SYMBOLS) ** length for length in range(1, depth + 1))
    return found


def test_the_beginnings_are_what_they_are_called() -> None:
    assert [start.state for start, _ in BEGINNINGS.values()] == [State.UP, State.DOWN, State.RECOVERING]


def test_down_needs_three_recipients_or_two_and_a_failed_probe(steps: list[Step]) -> None:
    fallen = 0
    for path, before, health in steps:
        if health.state is State.DOWN and before.state in (State.UP, State.SUSPECT):
            fallen += 1
            failed = {who for kind, who, _ in path if kind in STRONG}
            probe_failed = any(kind is Kind.PROBE_FAILED for kind, _, _ in path)
            assert len(failed) >= (2 if probe_failed else 3), path
    assert fallen or steps[0][1].state is not State.UP


def test_one_recipient_never_takes_it_down(steps: list[Step]) -> None:
    for path, before, health in steps:
        failed = {who for kind, who, _ in path if kind in STRONG}
        if len(failed) <= 1 and before.state is not State.DOWN:
            assert health.state is not State.DOWN, path


def test_weak_evidence_changes_no_state_of_its_own(steps: list[Step]) -> None:
    for path, before, health in steps:
        if path[-1][0] is Kind.FEED and before.tests.highest == 0:
            assert health.state is before.state, path


def test_only_a_delivery_leads_out_of_down(steps: list[Step]) -> None:
    for path, before, health in steps:
        if before.state is State.DOWN and health.state is not State.DOWN:
            expected = {Kind.WORKS: State.RECOVERING, Kind.BROKEN: State.BROKEN}
            assert health.state is expected[path[-1][0]], path


def test_broken_comes_from_the_account_alone_and_ends_with_a_delivery(steps: list[Step]) -> None:
    for path, before, health in steps:
        if health.state is State.BROKEN and before.state is not State.BROKEN:
            assert path[-1][0] is Kind.BROKEN, path
        if before.state is State.BROKEN and health.state is not State.BROKEN:
            assert (path[-1][0], health.state) == (Kind.WORKS, State.RECOVERING), path


def test_recovery_ends_only_after_deliveries(steps: list[Step]) -> None:
    for path, before, health in steps:
        if before.state is State.RECOVERING and health.state is State.UP:
            assert sum(one.ok for one in before.recovery.tries) + (path[-1][0] is Kind.WORKS) >= 2, path


def test_a_delivery_never_makes_it_worse_and_a_fault_never_better(steps: list[Step]) -> None:
    for path, before, health in steps:
        kind = path[-1][0]
        if kind in (Kind.WORKS, Kind.SENT, Kind.PROBE_OK):
            assert BADNESS[health.state] <= BADNESS[before.state], path
        if kind in STRONG:
            assert BADNESS[health.state] >= BADNESS[before.state], path


def test_what_is_kept_is_bounded_and_the_state_has_a_beginning(steps: list[Step]) -> None:
    for path, before, health in steps:
        assert len(health.evidence) <= KEPT
        assert len(health.counted) <= COUNTED_KEPT
        assert len(health.tests.unheard) <= MOST_UNHEARD
        assert health.since == (before.since if health.state is before.state else health.looked_at), path


WALKS = st.lists(st.sampled_from(SYMBOLS), max_size=60)


@given(WALKS)
def test_a_force_stands_whatever_is_seen(path: list[Symbol]) -> None:
    health = after(FRESH, tuple(path), NOW)
    for word in ("up", "down"):
        assert effective(health, AccountHealth(forced=word), [DOWN]) is State(word)
    assert effective(health, AccountHealth(forced=None)) is health.state


@given(WALKS)
def test_long_walks_of_one_recipient_never_end_down(path: list[Symbol]) -> None:
    alone = tuple((kind, "a" if who else "", seconds) for kind, who, seconds in path)
    assert after(FRESH, alone, NOW).state is not State.DOWN


@given(WALKS)
def test_the_sums_are_never_negative_and_a_delivery_lowers_them(path: list[Symbol]) -> None:
    health = after(FRESH, tuple(path), NOW)
    sums = (health.tests.refusing.value, health.tests.silence.value, health.tests.losing.value)
    assert min(sums) >= 0
    works = observe(health, Evidence(health.looked_at, Kind.WORKS, "z", began_at=health.looked_at))
    if health.state in (State.UP, State.SUSPECT):
        assert works.tests.highest <= health.tests.highest
