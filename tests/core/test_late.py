"""What counts as late, and what is done with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core import late
from bot.core.addresses import ChannelName
from bot.core.conversations import Conversation
from bot.core.health import State
from bot.core.late import Handling
from bot.core.messages import Received
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
