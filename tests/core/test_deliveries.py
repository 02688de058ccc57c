"""Statuses are joined: repeats and disorder change nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.core.deliveries import join
from bot.core.messages import MessageStatus
from tests.core.samples import NOW, delivery

S = MessageStatus
REPORTED = st.sampled_from([S.ACCEPTED, S.SENT, S.FAILED, S.DELIVERED, S.READ])


@given(st.lists(REPORTED, min_size=1, max_size=6), st.randoms())
def test_order_and_repeats_do_not_matter(
    statuses: list[MessageStatus], random: object
) -> None:
    shuffled = [*statuses, *statuses]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    straight = delivery()
    mixed = delivery()
    for status in statuses:
        straight = straight.reported(status, NOW)
    for status in shuffled:
        mixed = mixed.reported(status, NOW)
    assert mixed.status is straight.status


def test_delivered_outranks_failed() -> None:
    assert join(S.FAILED, S.DELIVERED) is S.DELIVERED
    assert join(S.DELIVERED, S.FAILED) is S.DELIVERED
    assert join(S.DELIVERED, S.SENT) is S.DELIVERED


def test_what_is_superseded_or_expired_stays() -> None:
    assert join(S.SUPERSEDED, S.DELIVERED) is S.SUPERSEDED
    assert join(S.EXPIRED, S.SENT) is S.EXPIRED
