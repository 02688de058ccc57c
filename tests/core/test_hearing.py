"""A number, a word or a tap answers only the question it was put as a choice to."""

from __future__ import annotations

from dataclasses import replace

from bot.core import hearing
from bot.core.addresses import ChannelName
from bot.core.conversations import Conversation, Question
from bot.core.hearing import Tap
from bot.core.messages import Awaiting, Choice
from tests.core.samples import conversation, received

RECAP = (
    Choice("confirm", "Confirmer"),
    Choice("edit", "Modifier"),
    Choice("deny", "Annuler"),
)


def asked(
    awaiting: Awaiting = Awaiting.CONFIRMATION,
    put_on: tuple[ChannelName, ...] = (ChannelName.WHATSAPP,),
) -> Conversation:
    question = Question(
        7, awaiting, "On confirme ?", RECAP, epoch=0, basket_version=3, put_on=put_on
    )
    return replace(conversation(), questions=(question,), pending=7)


def choice(
    talk: Conversation, text: str, tap: Tap | None = None, replayed: bool = False
) -> tuple[str | None, int | None]:
    heard = hearing.read(talk, received(text), tap, replayed)
    return (heard.choice.value if heard.choice else None, heard.asked_version)


def test_oui_confirms_the_recap_it_answers() -> None:
    assert choice(asked(), "Oui !") == ("confirm", 3)


def test_a_number_picks_a_choice() -> None:
    assert choice(asked(), "2") == ("edit", 3)
    assert choice(asked(), "9") == (None, 3)


def test_oui_without_a_question_confirms_nothing() -> None:
    assert choice(conversation(), "oui") == (None, None)


def test_oui_on_a_channel_where_it_was_not_put_confirms_nothing() -> None:
    assert choice(asked(put_on=(ChannelName.TELEGRAM,)), "oui") == (None, None)


def test_two_means_two_while_a_quantity_is_awaited() -> None:
    assert choice(asked(Awaiting.QUANTITY), "2") == (None, 3)


def test_a_tap_on_an_old_recap_confirms_no_version() -> None:
    talk = asked()
    newer = replace(talk.questions[0], number=9, basket_version=4)
    talk = replace(talk, questions=(*talk.questions, newer), pending=9)
    assert choice(talk, "Confirmer", Tap(0, 7, 0)) == ("confirm", None)
    assert choice(talk, "Confirmer", Tap(0, 9, 0)) == ("confirm", 4)


def test_a_replayed_oui_gets_a_recap_and_confirms_no_version() -> None:
    assert choice(asked(), "oui", replayed=True) == ("confirm", None)


def test_stop_and_start_are_whole_messages() -> None:
    assert hearing.is_stop(received("STOP"))
    assert hearing.is_stop(received("Arrêt."))
    assert not hearing.is_stop(received("ne stop pas ma commande"))
    assert hearing.is_start(received("START"))
