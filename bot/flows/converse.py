"""A turn: the first message that waits is answered by us, where the question was ours, else by the dialogue."""

from __future__ import annotations

from dataclasses import replace

from bot.core import hearing, late, reminders, speaking, wording
from bot.core.conversations import Conversation, Unanswered
from bot.core.customers import Proof
from bot.core.hearing import Heard
from bot.core.messages import Awaiting, Received, Reply
from bot.flows import keep_files, parking, watch
from bot.flows.answer import apply_answer
from bot.flows.desk import Desk, NoPermit, Work
from bot.flows.intake import close_address, tap_of
from bot.flows.linking import GREETING
from bot.ports import Turn, TurnFailed, Unavailable

APOLOGY_SECONDS = 30.0
ALBUM_SECONDS = 60.0
"""The pictures of an album come as messages of their own, the words with one of them: they are acknowledged together."""


async def converse(desk: Desk, work: Work) -> None:
    """Answer the first unanswered message. A turn that cannot be had is asked again later, the message is kept."""
    conversation, now = work.conversation, desk.clock.now()
    first = conversation.unanswered[0]
    heard = hearing.read(
        conversation, first.received, tap_of(desk, work, first.received), first.replayed, first.late
    )
    if _answered_by_us(work, first, heard, now):
        return
    text = heard.text or _spoken_for(conversation, first.received)
    if text == "/start":  # Telegram's own button for "begin"
        text = GREETING
    if not text and heard.choice is None and first.received.place is None:
        work.conversation = _unread(conversation, first.received, now).answered()
        return
    with desk.permits.share("rasa", work.shop.id) as refused:
        if refused is not None:
            raise NoPermit(refused)
        try:
            answer = await desk.dialogue.ask(_turn(work, first, heard, text, now))
        except Unavailable as error:
            _failed(desk, work, error, now)
            return
    if first.late and answer.basket != conversation.basket:
        pile = late.gathered(conversation.late, first.received, now)
        work.conversation = replace(conversation, late=pile).answered()
        return
    work.conversation = conversation.answered()
    if first.received.text:
        answer = replace(answer, replies=_with_file_seen(conversation, first.received, answer.replies, now))
    await apply_answer(desk, work, answer, first.received)


def _failed(desk: Desk, work: Work, error: Unavailable, now: float) -> None:
    """Ask again with back-off (0.5 s doubling to 15 s); one apology after 30 s.

    While Rasa is away the message waits as long as it takes. A turn that fails by itself is set aside in the end.
    """
    conversation = work.conversation
    since = (
        conversation.turn_failing_since
        if conversation.turn_failing_since is not None
        else now
    )
    failures = conversation.turn_failures + 1
    faults = conversation.turn_faults + isinstance(error, TurnFailed)
    work.conversation = replace(
        conversation,
        turn_failures=failures,
        turn_faults=faults,
        turn_failing_since=since,
        turn_not_before=now + min(0.5 * 2 ** min(failures - 1, 5), 15.0),
    )
    if faults >= parking.MOST_TURN_FAULTS:
        parking.park_turn(desk, work, str(error), faults, now)
    elif now - since >= APOLOGY_SECONDS and not conversation.apologised:
        text = wording.apology(conversation.customer.language)
        said = speaking.say(work.conversation, Reply(text, author="system"), now)
        work.conversation = replace(said, apologised=True)


def _answered_by_us(work: Work, first: Unanswered, heard: Heard, now: float) -> bool:
    """Our own questions (late messages, STOP) are not for Rasa."""
    value = heard.choice.value if heard.choice else None
    if value in ("late_yes", "late_no"):
        work.conversation = work.conversation.answered()
        watch.answer_late(work, count=value == "late_yes", now=now)
        if value == "late_no" and work.conversation.question is None:
            said = wording.late_dropped(work.conversation.customer.language)
            work.conversation = speaking.say(work.conversation, Reply(said, author="system"), now)
        return True
    if value == "stop_messages":
        work.conversation = work.conversation.answered()
        close_address(work, first.received, now)
        return True
    if value in ("remind_yes", "remind_no"):
        _promise(work, value == "remind_yes", now)
        return True
    if work.conversation.awaiting is Awaiting.LATE_CONFIRMATION and not first.replayed:
        work.conversation = speaking.ask_again(work.conversation, now).answered()
        return True
    return False


def _promise(work: Work, yes: bool, now: float) -> None:
    """Note whether a reminder is wanted; a promise that no good hour could keep is not given."""
    conversation = replace(work.conversation, pending=None).answered()
    at = reminders.remind_at(work.shop, now) if yes else None
    text = wording.reminder_promised(at is not None, conversation.customer.language)
    work.conversation = replace(speaking.say(conversation, Reply(text), now), remind_at=at)


def _spoken_for(conversation: Conversation, received: Received) -> str:
    """Words that stand for a message without words: a contact card answers the question for a phone."""
    if conversation.awaiting is not Awaiting.PHONE:
        return ""
    cards = (a.label for a in received.attachments if a.kind == "contact" and a.label)
    return received.shared_phone or next(cards, "")


def _unread(conversation: Conversation, received: Received, now: float) -> Conversation:
    """A message the dialogue cannot read. Files are acknowledged; a sticker or a reaction needs no answer."""
    kind = _unseen_file(conversation, received, now)
    if kind is None:
        return conversation
    text = wording.file_kept(kind, conversation.customer.language)
    return speaking.with_question(conversation, text, now)


def _with_file_seen(
    conversation: Conversation, received: Received, replies: tuple[Reply, ...], now: float
) -> tuple[Reply, ...]:
    """A picture came with words: what answers them begins with the line that says it is kept."""
    kind = _unseen_file(conversation, received, now)
    if kind is None or not replies:
        return replies
    first = replies[0]
    line = wording.file_seen(kind, conversation.customer.language)
    text = "\n".join(part for part in (line, first.text) if part)
    asks = first.question if first.awaiting is not None else first.asks
    return (replace(first, text=text, asks=asks), *replies[1:])


def _unseen_file(conversation: Conversation, received: Received, now: float) -> str | None:
    """The kind of file it brings; None where it brings none, or one of an album was acknowledged just now."""
    kinds = (attachment.kind for attachment in received.attachments if attachment.kind in keep_files.KINDS)
    kind = next(kinds, None)
    if kind is None:
        return None
    line = wording.file_seen(kind, conversation.customer.language)
    said = (d.reply.text for d in conversation.deliveries if now - d.created_at < ALBUM_SECONDS)
    return None if any(line in text for text in said) else kind


def _turn(work: Work, first: Unanswered, heard: Heard, text: str, now: float) -> Turn:
    conversation = work.conversation
    customer = conversation.customer
    question = conversation.question
    phones = (
        known.address.msisdn
        for known in customer.addresses
        if known.address.msisdn
        and known.proved_by in (Proof.HEARD, Proof.CONTACT, Proof.WHATSAPP)
    )
    return Turn(
        conversation_id=work.lane,
        turn_id=first.received.id + (":late" if first.replayed else ""),
        text=text,
        choice=heard.choice.value if heard.choice else None,
        shop_id=work.shop.id,
        channel=first.received.channel if first.replayed else conversation.channel,
        language=customer.language,
        customer_id=customer.id,
        customer_name=customer.name,
        known_phone=next(phones, None),
        basket=conversation.basket,
        awaiting=question.awaiting if question else None,
        asked_version=heard.asked_version,
        last_order_id=conversation.last_order_id,
        offered=tuple(choice.value for choice in question.choices) if question else (),
        place=first.received.place,
        now=now,
    )
