"""Is an inbound message from before the move, and what to do about it.

Only a conversation that has moved can have late messages, but for those found by listing. Whatever would change a
basket, a checkout or an order is never applied unasked; STOP is obeyed; greetings are recorded; questions are answered.
"""

from __future__ import annotations

import re
from dataclasses import replace
from enum import StrEnum

from bot.core.conversations import Conversation, Gathering
from bot.core.health import State
from bot.core.messages import Received
from bot.core.wording import plain

QUIET_SECONDS = 10.0
GATHER_SECONDS = 60.0
ANSWER_SECONDS = 1800.0
MOST_KEPT = 20
"""Late messages that one question quotes at most."""
LISTED_TO = 1.0
"""The list gives whole seconds."""
YOUNG_SECONDS = 900.0
"""A channel that has been up for less than this may still deliver a flood."""


class Handling(StrEnum):
    """What becomes of a suspect message."""

    RECORD = "record"
    ANSWER = "answer"
    GATHER = "gather"


def suspect(
    conversation: Conversation,
    received: Received,
    state: State,
    state_since: float,
    tap_epoch: int | None,
    quoted_epoch: int | None,
    now: float,
) -> bool:
    """True when the message may have been written before the conversation moved, or before what was heard since.

    ``tap_epoch`` and ``quoted_epoch`` are the epochs of the tapped or quoted message, where it is one of ours.
    """
    if _overtaken(conversation, received):
        return True
    if conversation.moved_at is None or received.channel is conversation.channel:
        return False
    if _question_put(conversation, received):
        return False  # the question about the late ones was put there: what comes now is fresh
    if any(
        epoch is not None and epoch < conversation.epoch
        for epoch in (tap_epoch, quoted_epoch)
    ):
        return True
    if received.written_at is not None and received.written_at < conversation.moved_at:
        return True
    if state in (State.DOWN, State.RECOVERING, State.BROKEN):
        return True
    return state_since > 0 and now - state_since < YOUNG_SECONDS


def _overtaken(conversation: Conversation, received: Received) -> bool:
    """Found in the provider's list after a newer one had come: the shopper has said it again, or gone on without it."""
    if not received.caught_up or received.written_at is None:
        return False
    return received.written_at + LISTED_TO < conversation.heard_at.get(received.channel, 0.0)


def _question_put(conversation: Conversation, received: Received) -> bool:
    """Has the shopper been asked about late messages, on this channel or about this channel's?"""
    late, question = conversation.late, conversation.question
    if late is None or late.asked_at is None:
        return False
    asked_here = question is not None and received.channel in question.put_on
    return asked_here or any(message.channel is received.channel for message in late.messages)


_SMALL_TALK = re.compile(
    r"(?:(?:bonjour|bonsoir|bjr|bsr|salut|slt|cc|coucou|hello|hi|merci|mrc|thanks|thank you|ok merci|ca va|"
    r"on dit quoi|bonne (?:journee|soiree|nuit)|a plus|au revoir|bye)\W*)+"
)
_QUESTION = re.compile(
    r"(?:c(?:'| )?est |c )?(?:combien|cb|cmb|quel|quelle|quels|quelles|ou|quand|comment|est ce que|vous avez|ya|y a)\b"
)


def handling(received: Received) -> Handling:
    """What to do with a suspect message that is not STOP. In doubt it is gathered."""
    if received.payload is not None or received.attachments:
        return Handling.GATHER
    text = plain(received.text)
    if not text or _SMALL_TALK.fullmatch(text):
        return Handling.RECORD
    if received.text.rstrip().endswith("?") or _QUESTION.match(text):
        return Handling.ANSWER
    return Handling.GATHER


def gathered(old: Gathering | None, received: Received, now: float) -> Gathering:
    """Add one message to what waits for the shopper's word. Past ``MOST_KEPT`` the oldest go.

    When the question about the earlier ones is out already, a new one will quote them all; the question that it
    interrupted stays the one to come back to.
    """
    if old is None:
        return Gathering((received,), first_at=now, last_at=now)
    first_at = old.first_at if old.asked_at is None else now
    kept = (*old.messages, received)[-MOST_KEPT:]
    return replace(old, messages=kept, first_at=first_at, last_at=now, asked_at=None)


def due_at(late: Gathering) -> float:
    """When to ask about them (10 s of quiet, 60 s at most), or when the question lapses."""
    if late.asked_at is not None:
        return late.asked_at + ANSWER_SECONDS
    return min(late.last_at + QUIET_SECONDS, late.first_at + GATHER_SECONDS)
