"""What takes an account down, what does not, and what brings it back."""

from __future__ import annotations

import pytest

from bot.core.health import (
    AccountHealth,
    Evidence,
    Kind,
    State,
    change,
    concerned,
    domain_key,
    effective,
    nature_of,
    observe,
    rate,
)
from tests.core.samples import NOW

Seen = tuple[float, Kind, str]
F, W, S, U = Kind.FAULT, Kind.WORKS, Kind.SILENT, Kind.UNDELIVERED
NAMES = "abcdefghijklmnopqrstuvwxyz"


def after(*seen: Seen, start: AccountHealth | None = None, began: float | None = None) -> AccountHealth:
    """Fold observations at NOW + seconds; each message was sent a second before, unless ``began`` says when."""
    health = start or AccountHealth()
    for at, kind, who in seen:
        sent = NOW + (at - 1 if began is None else began)
        health = observe(health, Evidence(NOW + at, kind, who, began_at=sent))
    return health


def faults(count: int, every: float = 1.0, kind: Kind = F) -> list[Seen]:
    return [(index * every, kind, NAMES[index]) for index in range(count)]


def busy(per_second: float, seconds: float = 3600.0) -> AccountHealth:
    """An account that has carried messages for a while, up to NOW - 2."""
    health = AccountHealth()
    count = int(seconds * per_second)
    for index in range(count):
        at = NOW - 2 - (count - index) / per_second
        health = observe(health, Evidence(at, W, "x", began_at=at - 1))
    return health


DOWN = after(*faults(4))


def test_one_fault_on_a_slow_account_is_a_suspicion() -> None:
    assert after((0, F, "a")).state is State.SUSPECT


def test_faults_of_three_recipients_are_down_on_a_slow_account() -> None:
    assert [after(*faults(count)).state for count in (1, 2, 3)] == [State.SUSPECT, State.SUSPECT, State.DOWN]


def test_an_account_of_one_message_a_second_needs_a_fourth() -> None:
    start = busy(1.0)
    assert [after(*faults(count), start=start).state for count in (3, 4)] == [State.SUSPECT, State.DOWN]


def test_what_is_usual_for_an_account_counts_less() -> None:
    """With 2 % refused on ordinary days, four in a row are no proof."""
    health = AccountHealth()
    for index in range(5000):
        at = NOW - 6000 + index
        kind = F if index % 50 == 0 else W
        health = observe(health, Evidence(at, kind, f"r{index}", began_at=at - 1))
    assert health.state is not State.DOWN
    assert after(*faults(4), start=health).state is State.SUSPECT
    assert after(*faults(7), start=health).state is State.DOWN


def test_one_broken_phone_is_never_an_outage() -> None:
    assert after(*((i * 400.0, F, "a") for i in range(60))).state is State.SUSPECT


def test_two_recipients_are_down_only_with_a_failed_probe() -> None:
    two = after((0, F, "a"), (1, F, "b"))
    assert two.state is State.SUSPECT
    assert after((2, Kind.PROBE_FAILED, ""), start=two).state is State.DOWN
    answered = after((2, Kind.PROBE_FAILED, ""), (2, Kind.PROBE_OK, ""), start=after((0, F, "a")))
    assert after((3, F, "b"), start=answered).state is State.SUSPECT


@pytest.mark.parametrize("kind", [Kind.PROBE_FAILED, Kind.FEED, Kind.QUIET])
def test_weak_evidence_alone_does_nothing(kind: Kind) -> None:
    assert after(*((i * 15.0, kind, "") for i in range(200))).state is State.UP


def test_deliveries_end_a_suspicion() -> None:
    assert after((0, F, "a"), *((i, W, "b") for i in range(1, 6))).state is State.UP


def test_a_delivery_between_makes_a_run_of_faults_weaker() -> None:
    assert after((0, F, "a"), (1, W, "c"), (2, F, "b"), (3, W, "c"), (4, F, "d")).state is State.SUSPECT


def test_silence_counts_only_while_the_provider_agrees() -> None:
    health = AccountHealth()
    for index in range(10):
        health = observe(health, Evidence(NOW + index, S, NAMES[index], began_at=NOW, checked=False))
    assert health.state is State.UP
    health = observe(health, Evidence(NOW + 11, S, "x", began_at=NOW, checked=True))
    for index in range(4):
        health = observe(health, Evidence(NOW + 12 + index, S, NAMES[index], began_at=NOW, checked=False))
    assert health.state is State.DOWN


def test_a_slow_provider_is_not_a_dead_one() -> None:
    """Every message leaves after 7 s: each is overdue at 5 s, and takes that back at 7 s."""
    health = busy(1.0)
    for second in range(200):
        began = NOW + second
        health = observe(health, Evidence(began + 5, S, f"r{second}", began_at=began))
        assert health.state is not State.DOWN
        if second >= 2:
            health = observe(health, Evidence(began + 5, Kind.SENT, f"r{second - 2}", began_at=began - 2))


def test_phones_that_are_off_are_no_outage_where_that_is_usual() -> None:
    """One in four is not reached within 20 s, every day."""
    health = AccountHealth()
    for index in range(4000):
        at = NOW + index * 10
        kind = U if index % 4 == 0 else W
        health = observe(health, Evidence(at, kind, f"r{index}", began_at=at - 21 if kind is U else at - 1))
        assert health.state is not State.DOWN
    gone = [observe(health, Evidence(NOW, U, "a"))]
    for index in range(60):
        gone.append(observe(gone[-1], Evidence(NOW + 40_000 + index, U, f"s{index}", began_at=NOW + 39_980 + index)))
    assert gone[-1].state is State.DOWN


def test_recovery_needs_five_deliveries_to_three_people() -> None:
    first = after((10, W, "a"), start=DOWN)
    assert first.state is State.RECOVERING
    assert after(*((11.0 + i, W, "ab"[i % 2]) for i in range(9)), start=first).state is State.RECOVERING
    assert after(*((11.0 + i, W, "abc"[i % 3]) for i in range(4)), start=first).state is State.UP


def test_under_one_message_a_minute_two_deliveries_and_ten_quiet_minutes_are_enough() -> None:
    two = after((10, W, "a"), (20, W, "a"), start=DOWN)
    assert after((600, Kind.TIME, ""), start=two).state is State.RECOVERING
    assert after((611, Kind.TIME, ""), start=two).state is State.UP


def test_what_was_on_its_way_when_the_channel_died_ends_nothing() -> None:
    assert after((5, W, "z"), start=DOWN, began=1.9).state is State.DOWN
    assert after((60, W, "z"), start=DOWN, began=1.5).state is State.RECOVERING
    assert after((60, W, "z"), start=DOWN, began=-30).state is State.DOWN


def test_two_people_end_a_recovery_and_one_does_not() -> None:
    recovering = after((10, W, "a"), start=DOWN)
    assert after((11, F, "b"), (12, F, "b"), start=recovering).state is State.RECOVERING
    assert after((11, F, "b"), (12, F, "c"), start=recovering).state is State.DOWN


def test_a_relapse_doubles_what_up_needs() -> None:
    up = after(*((10.0 + i, W, "abc"[i % 3]) for i in range(5)), start=DOWN)
    assert up.state is State.UP
    again = after(*((60.0 + i, F, NAMES[i]) for i in range(4)), start=up)
    assert again.state is State.DOWN
    assert after(*((70.0 + i, W, "abc"[i % 3]) for i in range(9)), start=again).state is State.RECOVERING
    assert after(*((70.0 + i, W, NAMES[i % 6]) for i in range(10)), start=again).state is State.UP


def test_what_was_lost_before_it_was_up_again_is_of_the_past() -> None:
    up = after(*((10.0 + i, W, "abc"[i % 3]) for i in range(5)), start=DOWN)
    assert after(*faults(9), start=up, began=5.0).state is State.UP
    assert after(*((40.0 + i, U, NAMES[i]) for i in range(20)), start=up, began=13.0).tests.highest == 0


def test_an_answering_api_is_no_recovery() -> None:
    assert after(*((10.0 + i, Kind.PROBE_OK, "") for i in range(100)), start=DOWN).state is State.DOWN


def test_a_broken_account_is_told_apart_and_ends_with_a_delivery_sent_since() -> None:
    broken = after((0, Kind.BROKEN, "a"))
    assert broken.state is State.BROKEN
    assert after((1, F, "b"), (2, F, "c"), (3, F, "d"), start=broken).state is State.BROKEN
    assert after((30, W, "a"), start=broken, began=-10).state is State.BROKEN
    assert after((30, W, "a"), start=broken, began=20).state is State.RECOVERING


def test_a_change_tells_when_the_outage_began() -> None:
    before = after(*faults(2))
    told = change("k", before, observe(before, Evidence(NOW + 2, F, "c", began_at=NOW + 1.5)))
    assert told is not None
    assert (told.new, told.began_at, len(told.evidence)) == (State.DOWN, NOW - 1, 3)


def test_a_domain_falls_when_accounts_fail_together() -> None:
    nature = nature_of(domain_key("meta"))

    def fold(sources: str) -> State:
        health = AccountHealth()
        for index, source in enumerate(sources):
            seen = Evidence(NOW + index, F, NAMES[index], source=source, began_at=NOW)
            health = observe(health, seen, nature)
        return health.state

    assert fold("111111") is State.SUSPECT
    assert fold("112211") is State.DOWN


def test_a_fallen_domain_takes_its_accounts_along_unless_forced() -> None:
    assert effective(AccountHealth(), None, [DOWN]) is State.DOWN
    assert effective(AccountHealth(), AccountHealth(forced="up"), [DOWN]) is State.UP
    assert effective(DOWN, AccountHealth(forced="auto")) is State.DOWN
    assert effective(AccountHealth(), AccountHealth(forced="down")) is State.DOWN


def test_a_fault_speaks_of_whoever_had_the_message() -> None:
    whatsapp = ("meta", "twilio", "internet")
    assert concerned(whatsapp, F, by_api=True) == ("domain:twilio",)
    assert concerned(whatsapp, F) == ("domain:meta",)
    assert concerned(whatsapp, U) == ("domain:internet", "domain:meta")
    assert concerned(("twilio",), S) == ()
    assert concerned(whatsapp, W) == ("domain:internet", "domain:meta", "domain:twilio")


def test_what_a_provider_without_receipts_took_says_nothing_of_the_country() -> None:
    assert concerned(("telegram", "internet"), W, arrived=False) == ("domain:telegram",)


def test_the_rate_while_recovering_doubles_every_ten_seconds() -> None:
    assert [rate(NOW, NOW + seconds) for seconds in (0, 10, 20, 1000)] == [1, 2, 4, 80]
