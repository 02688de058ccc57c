"""Which addresses are one shopper: what a message proves, and single-use links to Telegram."""

from __future__ import annotations

from dataclasses import replace

from bot.core import speaking, wording
from bot.core.addresses import Address, ChannelName, LaneId, Scheme, home_lane, of_phone
from bot.core.customers import KnownAddress, Proof
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
        heard_at[received.channel] = now
    work.conversation = replace(
        conversation, customer=customer, heard_at=heard_at, last_message_at=now
    )


async def home_by_phone(desk: Desk, lane: LaneId, first: Received) -> LaneId | None:
    """Where the first message of a WhatsApp identity belongs, if not into this lane of its own that nobody has used.

    The list of an account's messages knows only phone numbers: who was first found there has a conversation in the
    number's lane. It goes on, unless it belongs to another identity: numbers change hands.
    """
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

    The proved channel is told and can undo it; Telegram shows basket and question. A used, expired or foreign link
    changes nothing here: the person is greeted in their own lane.
    """
    now = desk.clock.now()
    nonce = _good_nonce(desk, work, received, now)
    own = home_lane(work.shop.id, received.address)
    if nonce is None:
        plain = replace(
            received, id=f"{received.id}:home", link_token=None, text=GREETING
        )
        await desk.lanes.put(own, plain.id, desk.codec.encode_item(plain))
        return False
    await desk.lanes.forward(own, work.lane)
    conversation, language = work.conversation, work.conversation.customer.language
    known = KnownAddress(
        received.address, received.reply_to, Proof.LINK, added_at=now, last_heard_at=now
    )
    conversation = replace(
        conversation,
        customer=conversation.customer.with_address(known),
        links=tuple(offer for offer in conversation.links if offer.nonce != nonce),
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
    return True


def _good_nonce(desk: Desk, work: Work, received: Received, now: float) -> str | None:
    read = desk.tokens.read_link_token(received.link_token or "")
    if read is None or read[0] != work.lane:
        return None
    live = (offer.nonce for offer in work.conversation.links if offer.expires_at > now)
    return read[1] if read[1] in live else None
