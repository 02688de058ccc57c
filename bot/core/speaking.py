"""Changing a conversation: queue replies, ask questions, repeat what did not arrive."""

from __future__ import annotations

from dataclasses import replace

from bot.core.addresses import ChannelName
from bot.core.conversations import (
    DELIVERIES_KEPT,
    QUESTIONS_KEPT,
    Conversation,
    Question,
)
from bot.core.deliveries import OPEN, Delivery
from bot.core.messages import UNASKED, Awaiting, Choice, MessageStatus, Purpose, Reply


def say(
    conversation: Conversation, reply: Reply, now: float, question: int | None = None
) -> Conversation:
    """Queue one reply at the end. A reply with ``awaiting`` becomes the pending question.

    ``question`` names an older question whose choices the reply puts again.
    """
    serial, conversation = conversation.next_serial()
    delivery = Delivery(
        conversation.message_id(serial),
        reply,
        created_at=now,
        question=serial if reply.awaiting else question,
    )
    conversation = replace(
        conversation,
        deliveries=kept((*conversation.deliveries, delivery)),
        last_message_at=now,
    )
    if reply.awaiting is None:
        return conversation
    asked = Question(
        number=serial,
        awaiting=reply.awaiting,
        text=reply.question,
        choices=reply.choices,
        epoch=conversation.epoch,
        basket_version=conversation.basket.version,
    )
    asked = replace(asked, put_on=_put_before(conversation, asked))
    return replace(
        conversation,
        questions=(*conversation.questions, asked)[-QUESTIONS_KEPT:],
        pending=serial,
    )


def _put_before(conversation: Conversation, asked: Question) -> tuple[ChannelName, ...]:
    """Where this very question was put already: an answer to the first asking means the same now.

    Two "oui" at once on two channels: the one that comes first may be from where the recap was never shown, and only
    gets it put there; the other must still confirm. A question about late messages is about other ones each time.
    """
    if asked.awaiting is Awaiting.LATE_CONFIRMATION:
        return ()
    for old in reversed(conversation.questions):
        alike = (old.awaiting, old.choices) == (asked.awaiting, asked.choices)
        if alike and old.basket_version == asked.basket_version:
            return old.put_on
    return ()


_JOINABLE = frozenset({Purpose.ANSWER, Purpose.QUESTION, Purpose.ORDER_CONFIRMATION})


def answer(conversation: Conversation, replies: tuple[Reply, ...], now: float) -> Conversation:
    """Queue a turn's replies as one message where that loses nothing: each message costs, and rings a phone.

    What still waits from the turn before is said in the same message; the question it asked is dead by now.
    """
    for reply in joined(replies):
        last = conversation.deliveries[-1] if conversation.deliveries else None
        if last is None or not may_grow(last) or not _fits(last.reply, reply):
            conversation = say(conversation, reply, now)
            continue
        whole = _one(replace(last.reply, text=last.reply.lead, choices=(), awaiting=None, asks=None), reply)
        conversation = say(conversation, whole, now)
        # The item is in the transcript already: it becomes this one.
        *others, _, said = conversation.deliveries
        said = replace(said, id=last.id, created_at=last.created_at)
        conversation = replace(conversation, deliveries=(*others, said))
    return conversation


def joined(replies: tuple[Reply, ...]) -> tuple[Reply, ...]:
    """Neighbours as one reply, with one picture at most; other purposes stay alone. The last question is the one asked."""
    found: list[Reply] = []
    for reply in replies:
        if found and _fits(found[-1], reply):
            found[-1] = _one(found[-1], reply)
        else:
            found.append(reply)
    return tuple(found)


def may_grow(delivery: Delivery) -> bool:
    """Is it an answer of the bot that nobody has tried to send yet, so that the next one can join it?"""
    return (
        delivery.status is MessageStatus.WAITING
        and delivery.reply.author == "bot"
        and delivery.reply.purpose in _JOINABLE
        and delivery.attempts == 0
        and delivery.supersedes is None
        and delivery.superseded_by is None
        and not delivery.avoid
    )


def _fits(one: Reply, two: Reply) -> bool:
    alike = (one.author, one.only_on, one.expires_at) == (two.author, two.only_on, two.expires_at)
    return alike and None in (one.image_url, two.image_url) and one.purpose in _JOINABLE and two.purpose in _JOINABLE


def _one(one: Reply, two: Reply) -> Reply:
    """Both texts; the question is the second's, if it asks one."""
    purposes = (one.purpose, two.purpose)
    important = Purpose.ORDER_CONFIRMATION
    if two.awaiting is None and one.awaiting is not None:
        # The words of the second belong before the first's question, so that the message ends with it.
        text = "\n".join(part for part in (one.lead, two.text, one.question) if part)
        return replace(
            one,
            text=text,
            asks=one.question,
            image_url=one.image_url or two.image_url,
            purpose=important if important in purposes else one.purpose,
        )
    before = one.lead if two.awaiting is not None else one.text
    return replace(
        two,
        text="\n".join(part for part in (before, two.text) if part),
        asks=two.question or None,
        choices=two.choices or (() if two.awaiting else one.choices),
        image_url=one.image_url or two.image_url,
        purpose=important if important in purposes else two.purpose,
    )


def with_question(conversation: Conversation, text: str, now: float) -> Conversation:
    """Say something, and put the pending question once more in the same message."""
    question = conversation.question
    replies: tuple[Reply, ...] = (Reply(text),)
    if question is not None:
        replies += (Reply(question.text, Purpose.QUESTION, question.choices, question.awaiting),)
    return answer(conversation, replies, now)


def kept(deliveries: tuple[Delivery, ...]) -> tuple[Delivery, ...]:
    """Forget settled deliveries beyond the last ones; what is not settled is never forgotten."""
    surplus = len(deliveries) - DELIVERIES_KEPT
    kept: list[Delivery] = []
    for delivery in deliveries:
        if surplus > 0 and delivery.settled:
            surplus -= 1
            continue
        kept.append(delivery)
    return tuple(kept)


def put_on(
    conversation: Conversation, question: Question, channel: ChannelName, put: bool
) -> Conversation:
    """Remember that a number or tap on this channel answers the question."""
    if not put or channel in question.put_on:
        return conversation
    changed = replace(question, put_on=(*question.put_on, channel))
    return replace(
        conversation,
        questions=tuple(
            changed if q.number == question.number else q
            for q in conversation.questions
        ),
    )


def repeat(
    conversation: Conversation, failed: Delivery, now: float, avoid: bool, *, pictured: bool = True
) -> Conversation:
    """Queue the same reply again as a new item, at the front; the old one becomes superseded.

    ``avoid``: not by the road that failed. ``pictured``: with its picture, if it has one.
    """
    serial, conversation = conversation.next_serial()
    roads = failed.avoid
    if avoid and failed.channel is not None and failed.channel not in roads:
        roads = (*roads, failed.channel)
    again = Delivery(
        conversation.message_id(serial),
        failed.reply if pictured else replace(failed.reply, image_url=None),
        created_at=now,
        owed_since=failed.since,
        supersedes=failed.id,
        question=failed.question,
        avoid=roads,
        attempts=failed.attempts,
        moves_from=failed.moves_from,
        carried=failed.carried,
    )
    old = replace(failed, superseded_by=again.id)
    deliveries = tuple(old if d.id == failed.id else d for d in conversation.deliveries)
    at = next(
        (
            i
            for i, d in enumerate(deliveries)
            if d.status in OPEN and d.superseded_by is None
        ),
        len(deliveries),
    )
    return replace(conversation, deliveries=(*deliveries[:at], again, *deliveries[at:]))


def forget_question(conversation: Conversation) -> Conversation:
    return replace(conversation, pending=None)


def ask(
    conversation: Conversation,
    text: str,
    awaiting: Awaiting,
    choices: tuple[Choice, ...],
    now: float,
) -> Conversation:
    """Queue a question of our own (late messages, STOP in a checkout)."""
    return say(
        conversation,
        Reply(text, Purpose.QUESTION, choices, awaiting, author="system"),
        now,
    )


def ask_again(conversation: Conversation, now: float) -> Conversation:
    """Put the pending question once more, as it was: the same question, so that its older buttons stay good."""
    question = conversation.question
    if question is None:
        return conversation
    again = Reply(question.text, Purpose.QUESTION, question.choices)
    return say(conversation, again, now, question=question.number)


def waiting(conversation: Conversation) -> tuple[Delivery, ...]:
    """What has not left yet, in order; the vendor's words first."""
    ready = [
        d
        for d in conversation.deliveries
        if d.status in (MessageStatus.WAITING, MessageStatus.HELD)
        and d.superseded_by is None
    ]
    return tuple(sorted(ready, key=lambda d: (_may_wait(d), d.reply.author != "vendor")))


def _may_wait(delivery: Delivery) -> bool:
    """What nobody asked for, or what is held for one channel alone, may wait long and must not make an answer wait."""
    held = delivery.status is MessageStatus.HELD and delivery.reply.only_on is not None
    return held or delivery.reply.purpose in UNASKED
