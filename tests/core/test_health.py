"""Three channel faults in a row from two recipients within a minute take an account down for all."""

from __future__ import annotations

from bot.core.health import AccountHealth, Evidence, Kind, State, effective, observe
from tests.core.samples import NOW


def after(
    *seen: tuple[float, Kind, str], start: AccountHealth | None = None
) -> AccountHealth:
    health = start or AccountHealth()
    for at, kind, who in seen:
        health = observe(health, Evidence(NOW + at, kind, who))
    return health


F, W = Kind.FAULT, Kind.WORKS


def test_one_fault_is_a_suspicion() -> None:
    assert after((0, F, "a")).state is State.SUSPECT


def test_three_faults_of_two_recipients_are_down() -> None:
    assert after((0, F, "a"), (1, F, "b"), (2, F, "a")).state is State.DOWN


def test_one_broken_phone_is_never_an_outage() -> None:
    assert after(*((i, F, "a") for i in range(20))).state is State.SUSPECT


def test_a_delivery_between_ends_the_run() -> None:
    assert (
        after((0, F, "a"), (1, F, "b"), (2, W, "c"), (3, F, "a")).state is State.SUSPECT
    )


def test_faults_older_than_a_minute_do_not_count() -> None:
    assert after((0, F, "a"), (1, F, "b"), (70, F, "c")).state is State.SUSPECT


def test_recovery_needs_deliveries_to_more_than_one() -> None:
    down = after((0, F, "a"), (1, F, "b"), (2, F, "a"))
    assert after((10, W, "a"), start=down).state is State.RECOVERING
    assert (
        after((10, W, "a"), (11, W, "b"), (12, W, "a"), (13, W, "b"), start=down).state
        is State.UP
    )
    assert after((10, W, "a"), (11, F, "b"), start=down).state is State.DOWN


def test_an_accepted_message_ends_no_outage() -> None:
    down = after((0, F, "a"), (1, F, "b"), (2, F, "a"))
    assert after((10, Kind.ACCEPTED, "a"), start=down).state is State.DOWN


def test_a_force_stands_above_what_is_measured() -> None:
    down = after((0, F, "a"), (1, F, "b"), (2, F, "a"))
    assert effective(down, AccountHealth(forced="up")) is State.UP
    assert effective(AccountHealth(), AccountHealth(forced="down")) is State.DOWN
    assert effective(down, AccountHealth(forced="auto")) is State.DOWN
