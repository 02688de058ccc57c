"""What counts as late, and what is done with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core import late, speaking
from bot.core.addresses import ChannelName
from bot.core.conversations import Conversation, Gathering
from bot.core.health import State
from bot.core.late import Handling
from bot.core.messages import Awaiting, Received
from tests.core.samples import NOW, TELEGRAM, WHATSAPP, conversation, received


def moved() -> Conversation:
    return replace(
        conversation(WHATSAPP, TELEGRAM, channel=ChannelName.TELEGRAM),
        epoch=1,
        moved_at=NOW - 60,
        moved_from=ChannelName.WHATSAPP,
        home_channel=ChannelName.WHATSAPP,
    )


def suspect(
    talk: Conversation,
    message: Received,
    state: State = State.UP,
    since: float = 0.0,
    tap: int | None = None,
    quoted: int | None = None,
) -> bool:
    return late.suspect(talk, message, state, since, tap, quoted, NOW)


def test_nothing_is_late_before_a_move() -> None:
    assert not suspect(conversation(), received(), State.DOWN)


def test_the_present_channel_is_never_late() -> None:
    assert not suspect(moved(), received(channel=ChannelName.TELEGRAM), State.DOWN)


def test_a_tap_or_quote_from_an_earlier_epoch_is_late() -> None:
    assert suspect(moved(), received(), tap=0)
    assert suspect(moved(), received(), quoted=0)
    assert not suspect(moved(), received(), tap=1)


def test_written_before_the_move_is_late() -> None:
    assert suspect(moved(), received(written_at=NOW - 61))
    assert not suspect(moved(), received(written_at=NOW - 59))


@pytest.mark.parametrize("state", [State.DOWN, State.RECOVERING])
def test_a_channel_that_is_not_up_is_not_believed(state: State) -> None:
    assert suspect(moved(), received(), state, since=NOW - 4000)


def test_a_channel_is_believed_after_15_minutes_up() -> None:
    assert suspect(moved(), received(), State.UP, since=NOW - 899)
    assert not suspect(moved(), received(), State.UP, since=NOW - 901)


def test_found_by_listing_after_a_newer_one_came_is_late() -> None:
    talk = replace(conversation(), heard_at={ChannelName.WHATSAPP: NOW - 10})
    assert suspect(talk, received(written_at=NOW - 30, caught_up=True))
    assert not suspect(talk, received(written_at=NOW - 10.5, caught_up=True))
    assert not suspect(talk, received(written_at=NOW - 30))
    assert not suspect(conversation(), received(written_at=NOW - 30, caught_up=True))


def test_after_the_question_what_comes_on_the_old_channel_is_fresh() -> None:
    pile = replace(late.gathered(None, received(), NOW - 20), asked_at=NOW - 5)
    assert not suspect(replace(moved(), late=pile), received(), State.DOWN)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Bonjour", Handling.RECORD),
        ("merci !", Handling.RECORD),
        ("c combien la livraison", Handling.ANSWER),
        ("Vous avez du bazin ?", Handling.ANSWER),
        ("oui", Handling.GATHER),
        ("+ 1 foulard", Handling.GATHER),
        ("annule", Handling.GATHER),
        ("2", Handling.GATHER),
    ],
)
def test_only_what_changes_nothing_is_handled_at_once(
    text: str, what: Handling
) -> None:
    assert late.handling(received(text)) is what


def test_a_tap_is_always_gathered() -> None:
    assert late.handling(received("Bonjour", payload="0.1.0.x")) is Handling.GATHER


def test_late_messages_are_asked_about_after_10_quiet_seconds_and_60_at_most() -> None:
    pile = late.gathered(None, received(), NOW)
    assert late.due_at(pile) == NOW + 10
    for second in range(5, 60, 5):
        pile = late.gathered(pile, received(), NOW + second)
    assert late.due_at(pile) == NOW + 60
    assert late.due_at(replace(pile, asked_at=NOW + 60)) == NOW + 60 + 1800


def asked(talk: Conversation, *messages: Received) -> Conversation:
    """The question about these late messages is out, on Telegram."""
    talk = speaking.ask(talk, "On en tient compte ?", Awaiting.LATE_CONFIRMATION, (), NOW)
    assert talk.question is not None
    talk = speaking.put_on(talk, talk.question, ChannelName.TELEGRAM, put=True)
    return replace(talk, late=Gathering(messages, NOW - 20, NOW - 10, asked_at=NOW - 1, interrupted=3))


def test_once_the_question_is_out_what_comes_on_the_old_channel_is_fresh() -> None:
    assert not suspect(asked(moved(), received()), received(), State.DOWN)


def test_an_answer_where_the_question_was_put_is_fresh_after_another_move() -> None:
    talk = replace(asked(moved(), received()), channel=ChannelName.WHATSAPP)
    assert not suspect(talk, received(channel=ChannelName.TELEGRAM), State.DOWN)


def test_more_late_messages_join_those_asked_about_and_keep_the_question_to_come_back_to() -> None:
    pile = late.gathered(asked(moved(), received()).late, received(text="oui"), NOW)
    assert [message.text for message in pile.messages] == [received().text, "oui"]
    assert (pile.asked_at, pile.interrupted) == (None, 3)


def test_a_flood_is_quoted_in_bounds() -> None:
    pile = None
    for number in range(50):
        pile = late.gathered(pile, received(text=str(number)), NOW)
    assert pile is not None
    assert [message.text for message in pile.messages] == [str(n) for n in range(30, 50)]
