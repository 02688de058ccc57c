"""Moving a conversation to another channel: the notice that says so, and when the move counts.

A move counts (epoch, event, lateness) once its notice has left on the new road: sent, where the provider gives
receipts; taken, where it gives none. Until then the conversation stays where it is. Twilio takes what it will never
send, so two dead roads would otherwise throw a conversation to and fro.
"""

from __future__ import annotations

from dataclasses import replace

from bot.core import wording
from bot.core.addresses import ChannelName
from bot.core.conversations import Conversation, Question
from bot.core.deliveries import OPEN, Delivery
from bot.core.messages import MessageId, MessageStatus, Purpose, Reply
from bot.core.shops import Shop
from bot.core.speaking import kept

LEFT = frozenset({MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ})


def move(conversation: Conversation, channel: ChannelName, now: float) -> Conversation:
    """Go to another channel without a word: the epoch rises. Coming home ends the move."""
    home = conversation.home_channel or conversation.channel
    at_home = channel is home
    return replace(
        conversation,
        channel=channel,
        epoch=conversation.epoch + 1,
        moved_at=now,
        moved_from=conversation.channel,
        home_channel=None if at_home else home,
    )


def left(conversation: Conversation) -> ChannelName | None:
    """Where the conversation must be now: the notice of its move, or what followed it, has left there. None: it stays."""
    notice = conversation.leaving
    if notice is None:
        return None
    there = (
        d for d in conversation.deliveries if d.channel is notice.channel and d.epoch == notice.epoch
    )
    return notice.channel if any(d.status in LEFT for d in there) else None


def owed(conversation: Conversation) -> list[Delivery]:
    """What has not left yet and may take any road."""
    return [
        d
        for d in conversation.deliveries
        if d.status in OPEN and d.superseded_by is None and d.reply.only_on is None
    ]


def with_notice(conversation: Conversation, shop: Shop, now: float) -> tuple[Conversation, Delivery]:
    """Put the notice of a move: one message that carries everything still owed and the pending question.

    Whatever waits or is to be repeated is superseded by it, so it is said once. A notice that waits alone is used.
    """
    waiting = owed(conversation)
    if len(waiting) == 1 and waiting[0].moves_from is conversation.channel:
        return conversation, waiting[0]
    question = conversation.question
    carried = tuple(text for d in waiting for text in _words(d, question) if text)
    text = wording.move_notice(
        shop.name,
        conversation.channel,
        conversation.basket,
        carried,
        question.text if question else "",
        conversation.customer.language,
    )
    important = any(d.reply.purpose is Purpose.ORDER_CONFIRMATION for d in waiting)
    # Told unasked, it stays so: it is never repeated, and may wait for morning.
    unasked = bool(waiting) and all(d.reply.purpose is Purpose.REACH_OUT for d in waiting)
    purpose = Purpose.REACH_OUT if unasked else Purpose.MOVE_NOTICE
    reply = Reply(
        text,
        purpose=Purpose.ORDER_CONFIRMATION if important and question is None else purpose,
        choices=question.choices if question else (),
        author="system",
        gone=conversation.channel if unasked else None,
    )
    serial, conversation = conversation.next_serial()
    notice = Delivery(
        conversation.message_id(serial),
        reply,
        created_at=now,
        owed_since=min((d.since for d in waiting), default=now),
        supersedes=next((d.supersedes for d in waiting if d.supersedes), None),
        question=question.number if question else None,
        avoid=tuple(dict.fromkeys(channel for d in waiting for channel in d.avoid)),
        attempts=max((d.attempts for d in waiting if d.moves_from is not None), default=0),
        moves_from=conversation.channel,
        carried=carried,
    )
    absorbed = {d.id for d in waiting}
    deliveries = tuple(
        replace(d, superseded_by=notice.id) if d.id in absorbed or _points_to(d, absorbed) else d
        for d in conversation.deliveries
    )
    return replace(conversation, deliveries=kept((*deliveries, notice)), last_message_at=now), notice


def _words(delivery: Delivery, question: Question | None) -> tuple[str, ...]:
    """What an item says apart from the pending question, which the notice puts last."""
    if delivery.moves_from is not None:
        return delivery.carried
    reply = delivery.reply
    return (reply.lead if question is not None and reply.question == question.text else reply.text,)


def _points_to(delivery: Delivery, absorbed: set[MessageId]) -> bool:
    """An older attempt whose repeat was absorbed by the notice points at the notice now."""
    return delivery.superseded_by is not None and delivery.superseded_by in absorbed


def unpacked(conversation: Conversation, notice: Delivery) -> Delivery:
    """The notice without the news of a move: the road it was to leave is open again."""
    asked = next((q for q in conversation.questions if q.number == notice.question), None)
    words = (*notice.carried, asked.text) if asked is not None else notice.carried
    if not words:
        return notice
    important = notice.reply.purpose is Purpose.ORDER_CONFIRMATION
    purpose = Purpose.ORDER_CONFIRMATION if important else Purpose.QUESTION if asked else Purpose.ANSWER
    reply = replace(notice.reply, text="\n\n".join(words), purpose=purpose)
    return replace(notice, reply=reply, moves_from=None, carried=())
