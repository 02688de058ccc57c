"""What time makes due in one conversation: receipts that do not come, outcomes nobody knows, late messages to ask about."""

from __future__ import annotations

from dataclasses import replace

from bot.core import failover, handover, hours, late, reminders, speaking, triage, wording
from bot.core.addresses import ChannelName
from bot.core.conversations import Conversation, Unanswered
from bot.core.deliveries import REPEATED_NEVER, Delivery
from bot.core.health import OVERDUE, UNDELIVERED_AFTER, Kind
from bot.core.messages import Awaiting, Choice, MessageStatus, Part, Purpose, Reply, Reported
from bot.flows import reconcile
from bot.flows.deliver import outgoing
from bot.flows.desk import Desk, NoPermit, Work, channel_health, states_of
from bot.ports import Channel

GRACE = 10.0
FRESH_PHONE = 120.0
"""A phone that wrote less than so many seconds before our answer was on: not reaching it is odd."""
OLD = 60.0
"""A receipt that is looked at later than this says nothing of now (this process was away)."""
LOOK_EVERY = 0.2
"""Seconds between looks at one account's record for the sake of evidence; the others share what they find."""
REMINDER_LASTS = 1800.0
"""A reminder that finds no road for this long is dropped."""

LATE_CHOICES = {
    "fr": (Choice("late_yes", "Oui"), Choice("late_no", "Non")),
    "en": (Choice("late_yes", "Yes"), Choice("late_no", "No")),
}


def deadline(delivery: Delivery) -> float | None:
    """When this delivery must be looked at, or None."""
    if delivery.superseded_by:
        return None
    match delivery.status:
        case MessageStatus.WAITING | MessageStatus.HELD:
            return delivery.not_before
        case MessageStatus.UNKNOWN if (
            not delivery.looked_up and delivery.started_at is not None
        ):
            return delivery.started_at + GRACE
        case MessageStatus.ACCEPTED if (
            delivery.patience and delivery.accepted_at is not None
        ):
            doubtful = not delivery.doubted and delivery.channel is not ChannelName.WEB
            return delivery.accepted_at + (min(OVERDUE, delivery.patience) if doubtful else delivery.patience)
        case MessageStatus.SENT if (
            delivery.patience and not delivery.missed and delivery.sent_at is not None
        ):
            return delivery.sent_at + UNDELIVERED_AFTER
    return None


def next_due(conversation: Conversation) -> float | None:
    """When the conversation needs a worker again, computed from its state alone. None: never, unless put to."""
    waiting = speaking.waiting(conversation)
    sent = (
        d
        for d in conversation.deliveries
        if d.status not in (MessageStatus.WAITING, MessageStatus.HELD)
    )
    times = [t for t in map(deadline, (*waiting[:1], *sent)) if t is not None]
    if conversation.late is not None:
        times.append(late.due_at(conversation.late))
    times += [
        t
        for t in (
            conversation.turn_due_at,
            handover.due_at(conversation.person),
            conversation.remind_at,
            triage.unheard_at(conversation),
            *(file.not_before for file in conversation.files),
        )
        if t is not None
    ]
    return min(times, default=None)


def overdue(conversation: Conversation, now: float) -> Delivery | None:
    """A sent-off delivery whose time is up, or None."""
    off = (MessageStatus.UNKNOWN, MessageStatus.ACCEPTED, MessageStatus.SENT)
    for delivery in conversation.deliveries:
        at = deadline(delivery)
        if delivery.status in off and at is not None and at <= now:
            return delivery
    return None


async def look(desk: Desk, work: Work, delivery: Delivery) -> None:
    """A receipt is overdue: evidence first, and where its patience has ended, another road."""
    assert delivery.channel is not None
    now = desk.clock.now()
    if delivery.status is MessageStatus.SENT:
        await _undelivered(desk, work, delivery, now)
    elif (
        delivery.status is MessageStatus.ACCEPTED
        and delivery.accepted_at is not None
        and now < delivery.accepted_at + delivery.patience
    ):
        await _doubt(desk, work, delivery, now)
    else:
        await _go_on(desk, work, delivery)


async def _doubt(desk: Desk, work: Work, delivery: Delivery, now: float) -> None:
    """Accepted, and still not sent: evidence for everybody, while this one keeps its patience."""
    seen = replace(delivery, doubted=True)
    work.conversation = work.conversation.with_delivery(seen)
    record, checked = await _ask_for_evidence(desk, work, seen)
    if record is None or record.status is MessageStatus.ACCEPTED:
        assert delivery.accepted_at is not None
        if now - delivery.accepted_at < OLD:
            await reconcile.tell(desk, work, seen, Kind.SILENT, "accepted, not sent", checked=checked)


async def _undelivered(desk: Desk, work: Work, delivery: Delivery, now: float) -> None:
    """Sent, and not delivered to a phone that was on a moment ago. The reply itself stays: phones are put away."""
    assert delivery.channel is not None and delivery.sent_at is not None
    seen = replace(delivery, missed=True)
    work.conversation = work.conversation.with_delivery(seen)
    heard_at = work.conversation.heard_at.get(delivery.channel)
    was_on = heard_at is not None and delivery.sent_at - heard_at < FRESH_PHONE
    if not was_on or now - delivery.sent_at > UNDELIVERED_AFTER + OLD:
        return
    record, checked = await _ask_for_evidence(desk, work, seen)
    if record is None or record.status is MessageStatus.SENT:
        await reconcile.tell(desk, work, seen, Kind.UNDELIVERED, "sent, not delivered", checked=checked)


async def _ask_for_evidence(
    desk: Desk, work: Work, delivery: Delivery
) -> tuple[Reported | None, bool]:
    """The record, if it is this message's turn to be asked about, joined; and whether silence may count by itself."""
    assert delivery.channel is not None
    channel = desk.channels.of(work.shop.id, delivery.channel)
    if channel is None or not channel.capabilities.look_up:
        return None, True
    if not await desk.board.may_probe(f"record:{channel.account}", LOOK_EVERY):
        return None, False
    try:
        record = await _record(desk, work, delivery, channel)
    except NoPermit:
        return None, False
    if record is None:
        return None, False
    await reconcile.reconcile(desk, work, record, looked_up=True)
    return record, True


async def _record(
    desk: Desk, work: Work, delivery: Delivery, channel: Channel
) -> Reported | None:
    """What the provider's own record says of it; None where there is none. Raises NoPermit."""
    known = next(iter(work.conversation.customer.on(channel.name)), None)
    if known is None or not channel.capabilities.look_up:
        return None
    with desk.permits.one(channel.account) as granted:
        if not granted:
            raise NoPermit(channel.account)
        return await channel.look_up(
            delivery.provider_id,
            outgoing(delivery, known.reply_to, Part(delivery.text or ""), channel),
        )


async def _go_on(desk: Desk, work: Work, delivery: Delivery) -> None:
    """Patience has ended. Where the provider's record knows no better, the reply goes on once by the next road."""
    assert delivery.channel is not None
    channel = desk.channels.of(work.shop.id, delivery.channel)
    record = None if channel is None else await _record(desk, work, delivery, channel)
    seen = replace(delivery, looked_up=True, doubted=True)
    work.conversation = work.conversation.with_delivery(seen)
    if record is not None:
        await reconcile.reconcile(desk, work, record, looked_up=True)
        after = work.conversation.delivery(delivery.id)
        if after is None or after.status not in (
            MessageStatus.ACCEPTED,
            MessageStatus.UNKNOWN,
        ):
            return
        seen = after
    repeated = seen.attempts >= 2 or seen.reply.purpose in REPEATED_NEVER
    if seen.status is MessageStatus.UNKNOWN and record is None and repeated:
        return
    if (
        channel is not None
        and channel.name is not ChannelName.WEB
        and seen.status is MessageStatus.ACCEPTED
    ):
        checked = record is not None or not channel.capabilities.look_up
        await reconcile.tell(desk, work, seen, Kind.SILENT, "accepted, not sent", checked=checked)
    if seen.status is MessageStatus.ACCEPTED and not await _other_road(
        desk, work, seen
    ):
        patient = replace(seen, patience=seen.patience + failover.HOLD_SECONDS)
        work.conversation = work.conversation.with_delivery(patient)
        return
    work.conversation = speaking.repeat(
        work.conversation, seen, desk.clock.now(), avoid=True
    )


async def _other_road(desk: Desk, work: Work, delivery: Delivery) -> bool:
    """Is there another way for a silent message? Saying it twice on the silent channel helps nobody."""
    assert delivery.channel is not None
    states = states_of(await channel_health(desk, work.shop))
    elsewhere = replace(delivery, avoid=(*delivery.avoid, delivery.channel))
    now = desk.clock.now()
    return isinstance(
        failover.choose(work.conversation, elsewhere, work.shop, states, now),
        failover.Send,
    )


def gather(work: Work, now: float) -> None:
    """Ask about late messages once the shopper is quiet, or let the question lapse."""
    pile = work.conversation.late
    if pile is None or late.due_at(pile) > now:
        return
    language = work.conversation.customer.language
    if pile.asked_at is not None:
        answer_late(work, count=False, now=now)
        return
    titles = tuple(
        _title(work.conversation, received.text, received.payload)
        for received in pile.messages
    )
    asked_before = work.conversation.awaiting is Awaiting.LATE_CONFIRMATION
    interrupted = pile.interrupted if asked_before else work.conversation.pending
    conversation = replace(
        work.conversation, late=replace(pile, asked_at=now, interrupted=interrupted)
    )
    work.conversation = speaking.ask(
        conversation,
        wording.late_question(pile.messages, titles, language),
        Awaiting.LATE_CONFIRMATION,
        LATE_CHOICES["en" if language == "en" else "fr"],
        now,
    )


def person(work: Work, now: float) -> None:
    """Nobody of the shop has answered: alert the vendor and tell the shopper; later the bot offers to go on."""
    wait, shop = work.conversation.person, work.shop
    due_at = handover.due_at(wait)
    if wait is None or due_at is None or due_at > now:
        return
    language = work.conversation.customer.language
    opens = hours.opens_at(shop.hours, shop.timezone, now)
    when = hours.spoken(opens, shop.timezone, now, language) if opens is not None else None
    if not wait.alerted:
        wait = replace(wait, alerted=True)
        text = wording.person_late(when, language)
        work.conversation = speaking.say(work.conversation, Reply(text, author="system"), now)
        work.event(
            "conversation.waiting_for_person",
            now,
            f"{wait.since:.0f}",
            channel=work.conversation.channel,
            shop_open=opens is None,
        )
    if now >= wait.offer_at:
        wait = replace(wait, offered=True)
        work.conversation = speaking.ask(
            work.conversation,
            wording.offer_to_go_on(language),
            Awaiting.OTHER,
            handover.CHOICES["en" if language == "en" else "fr"],
            now,
        )
    work.conversation = replace(work.conversation, person=wait)


def remind(work: Work, now: float) -> None:
    """Remind of the open basket, once; a shopper who said STOP meanwhile has no usable address here."""
    at = work.conversation.remind_at
    if at is None or at > now:
        return
    conversation = replace(work.conversation, remind_at=None)
    work.conversation = conversation
    if not reminders.still_wanted(conversation) or not conversation.customer.on(conversation.channel):
        return
    language = conversation.customer.language
    text = wording.reminder(work.shop.name, conversation.basket, language)
    reply = Reply(
        text,
        Purpose.REMINDER,
        wording.RESUME_CHOICES["en" if language == "en" else "fr"],
        Awaiting.OTHER,
        expires_at=now + REMINDER_LASTS,
        author="system",
    )
    work.conversation = speaking.say(conversation, reply, now)
    work.event("conversation.reminded", now, conversation.basket.id, basket_id=conversation.basket.id)


def _title(conversation: Conversation, text: str, payload: str | None) -> str:
    return text or (payload or "").partition(".")[0]


def answer_late(work: Work, count: bool, now: float) -> None:
    """Yes: the late messages run as turns, in order. No: dropped. The question before them is put again."""
    pile = work.conversation.late
    if pile is None:
        # A second answer to a question that is answered already: nothing waits on it any more.
        if work.conversation.awaiting is Awaiting.LATE_CONFIRMATION:
            work.conversation = speaking.forget_question(work.conversation)
        return
    conversation = replace(work.conversation, late=None, pending=pile.interrupted)
    if count:
        again = tuple(Unanswered(received, replayed=True) for received in pile.messages)
        work.conversation = replace(
            conversation, unanswered=(*again, *conversation.unanswered)
        )
    else:
        work.conversation = speaking.ask_again(conversation, now)
