"""choose(): where a reply goes, and why not elsewhere."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.core import failover
from bot.core.addresses import Address, ChannelName, Scheme
from bot.core.conversations import Page
from bot.core.customers import KnownAddress, Proof
from bot.core.failover import Drop, Hold, Send
from bot.core.health import State
from bot.core.messages import Purpose, Reply
from tests.core.samples import (
    LANE,
    NOW,
    PHONE,
    SHOP,
    TELEGRAM,
    WHATSAPP,
    conversation,
    customer,
    delivery,
)

UP = dict.fromkeys(ChannelName, State.UP)
W, T, S, P = (
    ChannelName.WHATSAPP,
    ChannelName.TELEGRAM,
    ChannelName.SMS,
    ChannelName.WEB,
)


def where(decision: failover.Decision) -> ChannelName | None:
    return decision.channel if isinstance(decision, Send) else None


def test_answers_where_the_conversation_is() -> None:
    decision = failover.choose(
        conversation(WHATSAPP, TELEGRAM), delivery(), SHOP, UP, NOW
    )
    assert isinstance(decision, Send)
    assert (decision.channel, decision.moves) == (W, False)


def test_moves_along_the_shops_order_when_the_channel_is_down() -> None:
    decision = failover.choose(
        conversation(WHATSAPP, PHONE, TELEGRAM),
        delivery(),
        SHOP,
        UP | {W: State.DOWN},
        NOW,
    )
    assert isinstance(decision, Send)
    assert (decision.channel, decision.moves) == (T, True)


def test_holds_with_a_probe_when_nothing_is_open() -> None:
    decision = failover.choose(
        conversation(WHATSAPP), delivery(), SHOP, UP | {W: State.DOWN}, NOW
    )
    assert isinstance(decision, Hold)
    assert decision.reason == "down"
    assert decision.probe is not None
    assert decision.probe.channel is W


def test_a_road_that_failed_for_this_reply_is_not_tried_again() -> None:
    failed = replace(delivery(), avoid=(W,))
    assert (
        where(failover.choose(conversation(WHATSAPP, TELEGRAM), failed, SHOP, UP, NOW))
        is T
    )


def test_a_recovering_channel_takes_no_new_conversations() -> None:
    talk = conversation(WHATSAPP, TELEGRAM, channel=T)
    states = UP | {T: State.DOWN, W: State.RECOVERING}
    assert where(failover.choose(talk, delivery(), SHOP, states, NOW)) is None


def test_outside_the_window_the_template_is_used_else_the_next_road() -> None:
    talk = replace(conversation(WHATSAPP, TELEGRAM), heard_at={W: NOW - 25 * 3600})
    assert where(failover.choose(talk, delivery(), SHOP, UP, NOW)) is T
    with_template = replace(SHOP, templates={"resume": "HX1"})
    decision = failover.choose(talk, delivery(), with_template, UP, NOW)
    assert isinstance(decision, Send)
    assert (decision.channel, decision.template) == (W, "HX1")


def test_a_derived_number_serves_an_order_under_way_but_no_reminder() -> None:
    talk = replace(conversation(), customer=customer(PHONE, proof=Proof.WHATSAPP))
    assert where(failover.choose(talk, delivery(), SHOP, UP, NOW)) is S
    reminder = delivery(Reply("Votre panier attend", Purpose.REMINDER))
    assert where(failover.choose(talk, reminder, SHOP, UP, NOW)) is None


def test_the_page_is_a_road_only_while_it_is_open() -> None:
    web = KnownAddress(Address(Scheme.WEB, LANE), LANE, Proof.LINK, NOW)
    talk = conversation(PHONE, channel=S)
    talk = replace(talk, customer=talk.customer.with_address(web))
    assert where(failover.choose(talk, delivery(), SHOP, UP, NOW)) is S
    seen = replace(talk, page=Page("1", NOW + 60, NOW - 5, NOW - 5))
    assert where(failover.choose(seen, delivery(), SHOP, UP, NOW)) is P
    old = replace(talk, page=Page("1", NOW + 60, NOW - 500, NOW - 121))
    assert where(failover.choose(old, delivery(), SHOP, UP, NOW)) is S


def test_an_expired_reply_is_dropped() -> None:
    assert isinstance(
        failover.choose(
            conversation(), delivery(Reply("x", expires_at=NOW)), SHOP, UP, NOW
        ),
        Drop,
    )


@given(
    states=st.dictionaries(st.sampled_from(ChannelName), st.sampled_from(State)),
    opted_out=st.sets(st.sampled_from([WHATSAPP, PHONE, TELEGRAM])),
    avoid=st.sets(st.sampled_from(ChannelName)),
    here=st.sampled_from(ChannelName),
)
def test_never_a_road_that_is_down_missing_tried_or_opted_out(
    states: dict[ChannelName, State],
    opted_out: set[Address],
    avoid: set[ChannelName],
    here: ChannelName,
) -> None:
    talk = conversation(WHATSAPP, PHONE, TELEGRAM, channel=here)
    book = talk.customer
    for address in opted_out:
        book = book.opted(address, out=True)
    decision = failover.choose(
        replace(talk, customer=book),
        replace(delivery(), avoid=tuple(avoid)),
        SHOP,
        states,
        NOW,
    )
    if isinstance(decision, Send):
        assert states[decision.channel] not in (State.DOWN, State.BROKEN)
        assert decision.channel not in avoid
        assert decision.to.address not in opted_out
        assert decision.moves == (decision.channel is not here)
    else:
        assert isinstance(decision, Hold)
        assert decision.until > NOW
