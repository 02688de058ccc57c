"""What a message means for the question that is pending: a tap, a number, a word, or free text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.core.conversations import Conversation, Question
from bot.core.handover import RESUME, WAIT
from bot.core.messages import Awaiting, Choice, Received
from bot.core.wording import plain

YES = frozenset(
    [
        "oui",
        "ouais",
        "wi",
        "we",
        "yes",
        "yep",
        "ok",
        "okay",
        "d'accord",
        "dacc",
        "d'acc",
        "c'est",
        "bon",
        "c",
        "bon",
        "cbon",
        "confirme",
        "je",
        "confirme",
        "valide",
    ]
) | {
    "c'est bon",
    "c bon",
    "oui oui",
    "je confirme",
    "ok c'est bon",
}
NO = frozenset({"non", "nan", "no", "non merci", "nope", "pas ca"})
STOP_WORDS = frozenset(
    {"stop", "arret", "stopper", "stop all", "unsubscribe", "desabonner", "arretez"}
)
CANCEL_WORDS = frozenset({"annule", "annuler", "annulez", "cancel"})
"""Alone, in a checkout: the order or the messages?"""
START_WORDS = frozenset({"start", "unstop", "reprendre"})


@dataclass(frozen=True, slots=True)
class Tap:
    """A signed choice of ours that came back."""

    epoch: int
    question: int
    index: int


@dataclass(frozen=True, slots=True)
class Heard:
    """A message read against the conversation. ``question`` is the one it answers, if it answers one of ours."""

    text: str
    choice: Choice | None = None
    question: Question | None = None
    asked_version: int | None = None
    """Basket version of the recap this may confirm; None confirms nothing."""


def question_of(conversation: Conversation, number: int) -> Question | None:
    return next((q for q in conversation.questions if q.number == number), None)


def read(
    conversation: Conversation,
    received: Received,
    tap: Tap | None,
    replayed: bool = False,
    late: bool = False,
) -> Heard:
    """Read one message.

    A typed number or "oui" answers only the pending question, and only if that was put as a choice on the channel it
    comes from; while a quantity is awaited "2" means two. A tap names its own question; it confirms only if that
    question is still the pending one. A replayed late message may pick, but confirms nothing: it gets a new recap.
    Nor does a late one that is only answered.
    """
    confirms = not (replayed or late)
    text = received.text.strip()
    pending = conversation.question
    if tap is not None:
        asked = question_of(conversation, tap.question)
        if asked is not None and tap.index < len(asked.choices):
            live = (
                pending is not None and asked.number == pending.number and confirms
            )
            choice = asked.choices[tap.index]
            return Heard(
                choice.title, choice, asked, asked.basket_version if live else None
            )
        return Heard(text)
    if pending is None or not (replayed or received.channel in pending.put_on):
        return Heard(text)
    picked = _typed_choice(pending, text)
    return Heard(text, picked, pending, pending.basket_version if confirms else None)


def _typed_choice(question: Question, text: str) -> Choice | None:
    """The choice a typed number, title or yes/no word picks."""
    word = plain(text)
    number = re.fullmatch(r"(?:n[o°]? ?|choix )?(\d{1,2})", word)
    if number and question.awaiting is not Awaiting.QUANTITY:
        index = int(number[1]) - 1
        return question.choices[index] if 0 <= index < len(question.choices) else None
    for choice in question.choices:
        if word and word == plain(choice.title):
            return choice
    values = {choice.value: choice for choice in question.choices}
    if word in YES:
        return values.get("confirm") or values.get("late_yes") or values.get("remind_yes") or values.get(RESUME)
    if word in NO:
        return values.get("deny") or values.get("late_no") or values.get("remind_no") or values.get(WAIT)
    return None


def is_stop(received: Received) -> bool:
    return received.opt_out == "STOP" or (
        received.payload is None and plain(received.text) in STOP_WORDS
    )


def is_bare_cancel(conversation: Conversation, received: Received) -> bool:
    """"Annule" alone, where it is not the title of a choice that is offered."""
    word = plain(received.text)
    offered = conversation.question.choices if conversation.question else ()
    return (
        received.payload is None
        and word in CANCEL_WORDS
        and word not in {plain(choice.title) for choice in offered}
    )


def is_start(received: Received) -> bool:
    return received.opt_out == "START" or (
        received.payload is None and plain(received.text) in START_WORDS
    )
