"""A shopper's message comes in: who it is, where the conversation is now, whether it is late. What is left is queued.

Nothing is understood here: the dialogue is asked by ``converse``.
"""

from __future__ import annotations

from dataclasses import replace

from bot.core import flood, handover, hearing, late, moving, speaking, wording
from bot.core.addresses import Address, ChannelName, LaneId, Scheme, ShopId, home_lane
from bot.core.basket import Basket
from bot.core.conversations import PAGE_SECONDS, Conversation, Page, Unanswered
from bot.core.customers import Customer, KnownAddress, Proof
from bot.core.health import AccountHealth
from bot.core.hearing import Tap
from bot.core.messages import Awaiting, Choice, Received, Reply
from bot.flows import keep_files, shutting_out
from bot.flows.desk import Desk, Work, channel_health
from bot.flows.linking import contact_is_elsewhere, learn_addresses, link, link_by_contact

STOP_CHOICES = {
    "fr": (
        Choice("cancel_order", "La commande"),
        Choice("stop_messages", "Les messages"),
    ),
    "en": (
        Choice("cancel_order", "The order"),
        Choice("stop_messages", "The messages"),
    ),
}


async def intake(desk: Desk, work: Work, received: Received) -> None:
    """Take one message in: address book, opt-out, link, lateness. What the dialogue must answer is queued."""
    now = desk.clock.now()
    if shutting_out.hear(work, received):
        return
    previous = max(work.conversation.heard_at.values(), default=None)
    linked = received.link_token is not None
    if linked and not await link(desk, work, received):
        return
    if received.shared_phone is not None:
        if await contact_is_elsewhere(desk, work, received):
            return
        linked = linked or await link_by_contact(desk, work, received)
    tap = tap_of(desk, work, received)
    state = (await channel_health(desk, work.shop)).get(
        received.channel, AccountHealth()
    )
    is_late = late.suspect(
        work.conversation,
        received,
        state.state,
        state.since,
        tap.epoch if tap else None,
        _quoted_epoch(work.conversation, received),
        now,
    )
    await learn_addresses(desk, work, received, is_late)
    work.hear(received, late=is_late)
    files = keep_files.wanted(work.conversation.message_id(work.conversation.serial), received)
    if files:
        to_fetch = (*work.conversation.files, *files)[: keep_files.MOST_WAITING]
        work.conversation = replace(work.conversation, files=to_fetch)
    if hearing.is_start(received):
        _open(work, received, now)
        return
    # A late "annule" is about the order as it was: it is asked about with all that came late.
    cancels = not is_late and _cancels_in_checkout(work.conversation, received)
    stops = hearing.is_stop(received) or cancels
    if stops and await _stop(desk, work, received, tap, now):
        return
    if linked:
        return
    # Who writes again needs no reminder; a new goodbye may ask for one.
    work.conversation = replace(work.conversation, undo_link=None, remind_at=None)
    if received.edited:
        _edited(work, now)
        return
    if is_late:
        match late.handling(received):
            case late.Handling.RECORD:
                return
            case late.Handling.GATHER:
                pile = late.gathered(work.conversation.late, received, now)
                work.conversation = replace(work.conversation, late=pile)
                return
            case late.Handling.ANSWER:
                pass
    elif received.channel is not work.conversation.channel:
        work.conversation = moving.move(work.conversation, received.channel, now)
    if work.conversation.human:
        _to_the_person(work, received, tap, now)
        return
    if _too_many(work, now):
        return
    waiting = work.conversation.unanswered
    first = waiting[0].received.received_at if waiting else None
    ready_at = desk.settling.until(received, previous, first, now)
    work.conversation = replace(
        work.conversation, unanswered=(*waiting, Unanswered(received, ready_at=ready_at, late=is_late))
    )


def _too_many(work: Work, now: float) -> bool:
    """More than is answered (``core.flood``): it is in the transcript, and the shopper is told once in a while."""
    conversation = work.conversation
    bucket = conversation.flood.with_one(now)
    work.conversation = replace(conversation, flood=bucket)
    if not bucket.is_full and len(conversation.unanswered) < flood.MOST_WAITING:
        return False
    if bucket.may_tell(now):
        told = Reply(wording.too_many(conversation.customer.language), author="system")
        full = replace(work.conversation, flood=replace(bucket, told_at=now))
        work.conversation = speaking.say(full, told, now)
    return True


def _edited(work: Work, now: float) -> None:
    """What was answered is not taken back by an edit: the shopper is told, the question stands."""
    conversation = work.conversation
    if conversation.human or not (conversation.basket.lines or conversation.question):
        return
    text = wording.edit_seen(conversation.customer.language)
    work.conversation = speaking.with_question(conversation, text, now)


def _to_the_person(work: Work, received: Received, tap: Tap | None, now: float) -> None:
    """The vendor has the word: the bot is silent, unless its own offer to go on is answered."""
    conversation, language = work.conversation, work.conversation.customer.language
    heard = hearing.read(conversation, received, tap)
    value = heard.choice.value if heard.choice else None
    if value == handover.RESUME:
        back = replace(conversation, human=False, human_since=None, person=None, pending=None)
        text = "\n".join(
            part for part in (wording.given_back(language), wording.basket_line(back.basket, language)) if part
        )
        work.conversation = speaking.say(back, Reply(text, author="system"), now)
        work.event("conversation.handed_over", now, received.id, to="bot")
    elif value == handover.WAIT:
        patient = replace(conversation, pending=None)
        work.conversation = speaking.say(patient, Reply(wording.waits_on(language), author="system"), now)
    elif conversation.person is None and late.handling(received) is not late.Handling.RECORD:
        work.conversation = replace(conversation, person=handover.awaited(work.shop, now))


def tap_of(desk: Desk, work: Work, received: Received) -> Tap | None:
    """The choice of ours that was tapped; None for text and for what we did not sign."""
    signed = (
        desk.tokens.read_choice(work.lane, received.payload)
        if received.payload
        else None
    )
    return Tap(*signed) if signed else None


def _quoted_epoch(conversation: Conversation, received: Received) -> int | None:
    if received.quoted_provider_id is None:
        return None
    quoted = (
        d.epoch
        for d in conversation.deliveries
        if d.provider_id == received.quoted_provider_id
    )
    return next(quoted, None)


def _open(work: Work, received: Received, now: float) -> None:
    customer = work.conversation.customer.opted(received.address, out=False)
    work.conversation = replace(work.conversation, customer=customer)
    work.event("customer.opted_in", now, received.id, address=str(received.address))
    text = wording.started(work.shop.name, customer.language)
    work.conversation = speaking.say(
        work.conversation, Reply(text, author="system"), now
    )


def _cancels_in_checkout(conversation: Conversation, received: Received) -> bool:
    """"Annule" alone may mean the order or the messages; by SMS it is the order, because STOP is the word there."""
    in_checkout = bool(conversation.basket.lines) and not conversation.basket.closed
    return (
        in_checkout
        and received.channel is not ChannelName.SMS
        and hearing.is_bare_cancel(conversation, received)
    )


async def _stop(
    desk: Desk, work: Work, received: Received, tap: Tap | None, now: float
) -> bool:
    """Obey STOP. In a checkout off SMS it is first asked what is meant. False: not ours to handle."""
    conversation = work.conversation
    undo = conversation.undo_link
    if undo is not None and undo != str(received.address):
        scheme, _, value = undo.partition(":")
        address = Address(Scheme(scheme), value)
        await desk.lanes.unforward(home_lane(work.shop.id, address))
        work.conversation = replace(
            conversation,
            customer=conversation.customer.without(address),
            undo_link=None,
        )
        work.event("customer.unlinked", now, received.id, address=undo)
        return True
    in_checkout = bool(conversation.basket.lines) and not conversation.basket.closed
    asks = received.channel is not ChannelName.SMS and received.opt_out is None
    if in_checkout and asks:
        language = conversation.customer.language
        choices = STOP_CHOICES["en" if language == "en" else "fr"]
        work.conversation = speaking.ask(
            conversation, wording.stop_question(language), Awaiting.OTHER, choices, now
        )
        return True
    close_address(work, received, now)
    return True


def close_address(work: Work, received: Received, now: float) -> None:
    """STOP: this address is closed for everything, and the page's link with it."""
    customer = work.conversation.customer.opted(received.address, out=True)
    work.conversation = replace(
        work.conversation, customer=customer, pending=None, page=None
    )
    work.event("customer.opted_out", now, received.id, address=str(received.address))


def new_conversation(
    lane: LaneId, shop_id: ShopId, channel: ChannelName, now: float
) -> Conversation:
    """The record of a lane nobody has used yet. Ids are derived from the lane."""
    return Conversation(
        id=lane,
        shop_id=shop_id,
        customer=Customer(id=f"cu-{lane}"),
        channel=channel,
        # Never one that came before: of a shopper who was erased, only the orders of old baskets are left.
        basket=Basket(id=f"{lane}-b{now:.0f}"),
        created_at=now,
    )


def start_page(work: Work, address: str, now: float) -> None:
    """A shopper came in by the public link: an address of their own, and a page whose nonce is "0"."""
    web = KnownAddress(
        Address(Scheme.WEB, address),
        work.lane,
        Proof.HEARD,
        added_at=now,
        last_heard_at=now,
    )
    page = work.conversation.page or Page(
        nonce="0", expires_at=now + PAGE_SECONDS, opened_at=now, seen_at=now
    )
    work.conversation = replace(
        work.conversation,
        customer=work.conversation.customer.with_address(web),
        page=page,
        last_message_at=now,
    )
