"""Which addresses are one shopper: what a message proves, and single-use links to Telegram."""

from __future__ import annotations

from dataclasses import replace

from bot.core import speaking, wording
from bot.core.addresses import Address, ChannelName, LaneId, Scheme, home_lane, of_phone
from bot.core.customers import Customer, KnownAddress, Proof
from bot.core.messages import Purpose, Received, Reply
from bot.flows.desk import Desk, Work

GREETING = "bonjour"


async def learn_addresses(
    desk: Desk, work: Work, received: Received, is_late: bool
) -> None:
    """Note where the shopper wrote from; derive the SMS address from a WhatsApp number.

    Forwards are laid before the commit and are idempotent, so a crash between does no harm.
    """
    conversation, now = work.conversation, desk.clock.now()
    customer = conversation.customer.heard(received.address, received.reply_to, now)
    if received.profile_name and customer.name is None:
        customer = replace(customer, name=received.profile_name[:60])
    msisdn = (
        received.address.msisdn
        if received.channel is ChannelName.WHATSAPP
        else received.shared_phone
    )
    if msisdn is not None:
        phone = of_phone(Scheme.TEL, msisdn)
        proof = (
            Proof.WHATSAPP
            if received.channel is ChannelName.WHATSAPP
            else Proof.CONTACT
        )
        if (
            phone is not None
            and customer.find(phone) is None
            and await _lead_here(desk, work, phone)
        ):
            customer = customer.with_address(
                KnownAddress(phone, phone.value, proof, added_at=now)
            )
    if received.external_id is not None:
        customer = replace(customer, external_id=customer.external_id or received.external_id)
        await _lead_here(desk, work, received.address, received.external_id)
    heard_at = dict(conversation.heard_at)
    if not is_late:
        # Not when a worker took it up: what is listed later may have been written in between, and is not late then.
        wrote_at = received.written_at if received.caught_up and received.written_at else received.received_at
        heard_at[received.channel] = max(min(wrote_at, now), heard_at.get(received.channel, 0.0))
    work.conversation = replace(
        conversation, customer=customer, heard_at=heard_at, last_message_at=now
    )


async def home_by_phone(desk: Desk, lane: LaneId, first: Received) -> LaneId | None:
    """Where a first message belongs, if not into this lane of its own that nobody has used.

    The list of an account's messages knows only phone numbers: who was first found there has a conversation in the
    number's lane. It goes on when a webhook brings the identity too, unless it belongs to another one: numbers change
    hands. And who begins on Telegram by sharing a number that is known from WhatsApp is that shopper.
    """
    if first.shared_phone is not None:
        return await _lane_of_contact(desk, lane, first)
    if first.external_id is None or home_lane(first.shop_id, first.external_id) != lane:
        return None
    home = home_lane(first.shop_id, first.address)
    if await desk.lanes.resolve(home) != home:
        return None
    state = await desk.lanes.peek(home)
    there = await desk.records.latest(home) if state is None else desk.codec.decode_conversation(state)
    if there is None or there.customer.external_id not in (None, first.external_id):
        return None
    return home


async def _lead_here(desk: Desk, work: Work, address: Address, external_id: Address | None = None) -> bool:
    """Forward an address's own lane here. False while the conversation it holds is under way: tried again next time.

    A lane that is led elsewhere is never worked on again, so nothing may be owed or ordered in it, and it may not be
    the home of another WhatsApp identity.
    """
    lane = home_lane(work.shop.id, address)
    if await desk.lanes.resolve(lane) == work.lane:
        return True
    state = await desk.lanes.peek(lane)
    there = await desk.records.latest(lane) if state is None else desk.codec.decode_conversation(state)
    if there is not None:
        settled = there.customer.external_id
        if not there.at_rest or (external_id is not None and settled not in (None, external_id)):
            return False
    await desk.lanes.forward(lane, work.lane)
    return True


async def link(desk: Desk, work: Work, received: Received) -> bool:
    """Use a Telegram link; True when it is good.

    A used, expired or foreign link changes nothing here: the person is greeted in their own lane.
    """
    nonce = _good_nonce(desk, work, received, desk.clock.now())
    if nonce is None:
        own = home_lane(work.shop.id, received.address)
        plain = replace(
            received, id=f"{received.id}:home", link_token=None, text=GREETING
        )
        await desk.lanes.put(own, plain.id, desk.codec.encode_item(plain))
        return False
    rest = tuple(offer for offer in work.conversation.links if offer.nonce != nonce)
    work.conversation = replace(work.conversation, links=rest)
    await _linked(desk, work, received, Proof.LINK)
    return True


async def contact_is_elsewhere(desk: Desk, work: Work, received: Received) -> bool:
    """A shopper shared their own number on Telegram: hand the message to the conversation that number has on WhatsApp.

    False where there is none, or where this conversation is under way: then the number only becomes known here.
    """
    lane = await _lane_of_contact(desk, work.lane, received) if work.conversation.at_rest else None
    if lane is None:
        return False
    await desk.lanes.put(lane, received.id, desk.codec.encode_item(received))
    return True


async def _lane_of_contact(desk: Desk, here: LaneId, received: Received) -> LaneId | None:
    """Another lane than this, whose shopper has written on WhatsApp from the number that was shared."""
    home = _whatsapp_home(received)
    lane = await desk.lanes.resolve(home) if home is not None else here
    if lane == here:
        return None
    state = await desk.lanes.peek(lane)
    there = await desk.records.latest(lane) if state is None else desk.codec.decode_conversation(state)
    return lane if there is not None and _knows(there.customer, received) else None


async def link_by_contact(desk: Desk, work: Work, received: Received) -> bool:
    """In the conversation that knows the number from WhatsApp: the Telegram account that shared it is the same person."""
    customer = work.conversation.customer
    new = customer.find(received.address) is None
    if not new or _whatsapp_home(received) is None or not _knows(customer, received):
        return False
    await _linked(desk, work, received, Proof.CONTACT)
    return True


def _whatsapp_home(received: Received) -> LaneId | None:
    """Lane of the WhatsApp address with the number that was shared; the channel has checked whose number it is."""
    if received.channel is not ChannelName.TELEGRAM or received.shared_phone is None:
        return None
    address = of_phone(Scheme.WHATSAPP, received.shared_phone)
    return None if address is None else home_lane(received.shop_id, address)


def _knows(customer: Customer, received: Received) -> bool:
    """Has this shopper written from that number on WhatsApp?"""
    address = of_phone(Scheme.WHATSAPP, received.shared_phone or "")
    known = customer.find(address) if address is not None else None
    return known is not None and known.proved_by is Proof.HEARD and not known.opted_out


async def _linked(desk: Desk, work: Work, received: Received, proof: Proof) -> None:
    """The Telegram address is this shopper's. The proved channel is told and can undo it; Telegram shows basket and question."""
    now = desk.clock.now()
    await desk.lanes.forward(home_lane(work.shop.id, received.address), work.lane)
    conversation, language = work.conversation, work.conversation.customer.language
    known = KnownAddress(
        received.address, received.reply_to, proof, added_at=now, last_heard_at=now
    )
    conversation = replace(
        conversation,
        customer=conversation.customer.with_address(known),
        undo_link=str(received.address),
    )
    work.event("customer.linked", now, received.id, address=str(received.address))
    question = conversation.question
    welcome = Reply(
        wording.welcome_back(
            work.shop.name,
            conversation.basket,
            question.text if question else "",
            language,
        ),
        Purpose.QUESTION,
        question.choices if question else (),
        only_on=ChannelName.TELEGRAM,
        author="system",
    )
    conversation = speaking.say(
        conversation, welcome, now, question=conversation.pending
    )
    if conversation.channel is not ChannelName.TELEGRAM:
        told = Reply(
            wording.linked(ChannelName.TELEGRAM, language),
            only_on=conversation.channel,
            author="system",
        )
        conversation = speaking.say(conversation, told, now)
    work.conversation = conversation


def _good_nonce(desk: Desk, work: Work, received: Received, now: float) -> str | None:
    read = desk.tokens.read_link_token(received.link_token or "")
    if read is None or read[0] != work.lane:
        return None
    live = (offer.nonce for offer in work.conversation.links if offer.expires_at > now)
    return read[1] if read[1] in live else None
