"""What a turn's answer changes in the conversation: basket, name, replies, order, hand-over, another channel."""

from __future__ import annotations

from dataclasses import replace

from bot.core import moving, speaking, wording
from bot.core.addresses import ChannelName
from bot.core.conversations import LINK_SECONDS, LinkOffer
from bot.core.messages import Purpose, Received, Reply
from bot.flows.deliver import offer_page
from bot.flows.desk import Desk, Work
from bot.flows.hand_over import hand_over
from bot.ports import Answer


async def apply_answer(
    desk: Desk, work: Work, answer: Answer, received: Received
) -> None:
    """Queue the replies and take the basket whole, as the answer gives it."""
    now = desk.clock.now()
    newcomer = not work.conversation.deliveries
    basket = answer.basket
    if not basket.id:
        serial, work.conversation = work.conversation.next_serial()
        basket = replace(basket, id=f"{work.lane}-b{serial}")
    customer = work.conversation.customer
    customer = replace(
        customer,
        name=answer.customer_name or customer.name,
        language=answer.language or customer.language,
    )
    work.conversation = replace(
        work.conversation, basket=basket, customer=customer, pending=None
    )
    work.conversation = speaking.answer(work.conversation, answer.replies, now)
    if answer.order_id and answer.order_id != work.conversation.last_order_id:
        work.conversation = replace(work.conversation, last_order_id=answer.order_id)
        if received.channel is ChannelName.WHATSAPP:
            offer_telegram(desk, work, now, asked=False)
    if newcomer and received.channel is ChannelName.TELEGRAM:
        _offer_contact(work, now)
    if answer.hand_over:
        hand_over(work, now, received.id)
    if answer.move_to is not None:
        await _change_channel(desk, work, answer.move_to, now)


OFFER_LASTS = 600.0
"""Seconds for which an offer nobody asked for waits for its channel."""


def offer_telegram(desk: Desk, work: Work, now: float, asked: bool) -> bool:
    """Hand out a single-use link, unless Telegram is linked already or the shop has no bot."""
    conversation, username = work.conversation, work.shop.telegram_username
    if username is None or conversation.customer.on(ChannelName.TELEGRAM):
        return False
    if conversation.links and conversation.links[-1].expires_at > now and not asked:
        return False
    serial, conversation = conversation.next_serial()
    live = tuple(offer for offer in conversation.links if offer.expires_at > now)[-4:]
    conversation = replace(
        conversation, links=(*live, LinkOffer(str(serial), now + LINK_SECONDS))
    )
    url = f"https://t.me/{username}?start={desk.tokens.link_token(work.lane, str(serial))}"
    # Offered unasked it belongs to where it is offered: it is no reason to move, nor to pay for an SMS.
    reply = Reply(
        wording.telegram_offer(url, conversation.customer.language),
        only_on=None if asked else conversation.channel,
        expires_at=None if asked else now + OFFER_LASTS,
        author="system",
    )
    pending = conversation.pending
    work.conversation = replace(speaking.say(conversation, reply, now), pending=pending)
    return True


def _offer_contact(work: Work, now: float) -> None:
    """Somebody new on Telegram may be known on WhatsApp: their own number, shared by a button, proves it."""
    conversation = work.conversation
    if ChannelName.WHATSAPP not in work.shop.accounts or any(known.address.msisdn for known in conversation.customer.addresses):
        return
    text, title = wording.contact_offer(conversation.customer.language)
    reply = Reply(
        text, only_on=ChannelName.TELEGRAM, expires_at=now + OFFER_LASTS, author="system", contact_title=title
    )
    pending = conversation.pending
    work.conversation = replace(speaking.say(conversation, reply, now), pending=pending)


async def _change_channel(
    desk: Desk, work: Work, channel: ChannelName, now: float
) -> None:
    """The shopper asked to go on elsewhere. The pending question is put again there."""
    conversation, language = work.conversation, work.conversation.customer.language
    if channel is conversation.channel:
        return
    if channel is ChannelName.TELEGRAM and offer_telegram(desk, work, now, asked=True):
        return
    if channel is ChannelName.WEB:
        url = await offer_page(desk, work)
        work.conversation = speaking.say(
            work.conversation,
            Reply(wording.page_offer(url, language), author="system"),
            now,
        )
        return
    usable = (
        bool(conversation.customer.on(channel))
        and desk.channels.of(work.shop.id, channel) is not None
    )
    if not usable or (channel is ChannelName.SMS and not work.shop.sms_two_way):
        text = wording.no_such_road(channel, language)
        work.conversation = speaking.say(
            conversation, Reply(text, author="system"), now
        )
        return
    old = conversation.channel
    moved = moving.move(conversation, channel, now)
    text = "\n\n".join(
        part
        for part in (
            wording.going_on(channel, language),
            wording.basket_line(moved.basket, language),
        )
        if part
    )
    moved = speaking.say(moved, Reply(text, Purpose.MOVE_NOTICE, author="system"), now)
    work.conversation = speaking.ask_again(moved, now)
    work.event(
        "conversation.moved",
        now,
        str(moved.epoch),
        epoch=moved.epoch,
        old=old,
        new=channel,
        asked=True,
    )
