"""From the ledger's feed to the lanes: what becomes of an order reaches its shopper, once.

The request that changed the order puts nothing into a lane itself: between two stores there is always a crash. The
feed is read from a kept place, and a command's id is the event's, so telling it twice is telling it once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

from bot.core import speaking, wording
from bot.core.addresses import Address, ChannelName, LaneId, Scheme, ShopId, of_phone, parse
from bot.core.conversations import Conversation
from bot.core.customers import KnownAddress, Proof
from bot.core.messages import Command, Purpose, Reply
from bot.flows.receive import put_item
from bot.ports import Clock, Codec, Lanes, OrderFeed, OrderNews

IDLE_SECONDS = 0.25


async def tell_orders(feed: OrderFeed, lanes: Lanes, codec: Codec, clock: Clock) -> int:
    """Put unread news into their lanes; from how many shops there was some. Raises Unavailable."""
    unread = await feed.unread()
    for shop in unread:
        for news in shop.news:
            command = command_of(news, clock.now())
            if command is not None:
                await put_item(lanes, codec, LaneId(news.conversation_id), command)
        await feed.told(shop.shop_id, shop.seq)
    return len(unread)


async def keep_telling(
    feed: OrderFeed, lanes: Lanes, codec: Codec, clock: Clock, stop: asyncio.Event
) -> None:
    """Tell for ever. Raises Unavailable; the caller tries again."""
    while not stop.is_set():
        if not await tell_orders(feed, lanes, codec, clock):
            await clock.sleep(IDLE_SECONDS)


def command_of(news: OrderNews, now: float) -> Command | None:
    """What the lane is asked; None when there is nothing to do there.

    An order that came out of the conversation was confirmed in it. One from outside only makes itself known: its
    shopper has been told by whoever took it.
    """
    given: dict[str, str | None] = {
        "shop": news.shop_id,
        "order_id": news.order_id,
        "number": news.number,
        "address": news.address,
        "name": news.name,
    }
    if not news.placed:
        given |= {"status": news.status, "payment": news.payment}
    elif news.address is None:
        return None
    arguments = tuple((name, value) for name, value in given.items() if value is not None)
    return Command(news.event_id, "order_placed" if news.placed else "order_updated", now, arguments)


def obey(conversation: Conversation, command: Command, now: float) -> Conversation:
    """``order_placed`` and ``order_updated`` within the lane: know the order's address, say what is to be said."""
    conversation = _known(conversation, command, now)
    if command.name == "order_placed":
        return replace(conversation, last_order_id=command.argument("order_id"))
    text = wording.order_updated(
        command.argument("number") or "",
        command.argument("status"),
        command.argument("payment"),
        conversation.customer.language,
    )
    if not text:
        return conversation
    return speaking.say(conversation, Reply(text, Purpose.STATUS_CHANGE, author="system"), now)


def first_of(command: Command) -> tuple[ShopId, ChannelName] | None:
    """Shop and channel of the conversation that an order from outside begins; None for other commands."""
    shop, address = command.argument("shop"), parse(command.argument("address") or "")
    if command.name not in ("order_placed", "order_updated") or shop is None or address is None:
        return None
    return ShopId(shop), address.channel


def _known(conversation: Conversation, command: Command, now: float) -> Conversation:
    """With the address the shop gave for the order, if the shopper has no proof of it yet."""
    given = parse(command.argument("address") or "")
    if given is None:
        return conversation
    customer = conversation.customer
    for address in _roads(given):
        if customer.find(address) is None:
            known = KnownAddress(address, address.value, Proof.SHOP, added_at=now)
            customer = customer.with_address(known)
    if customer.name is None and (name := command.argument("name")):
        customer = replace(customer, name=name[:60])
    return replace(conversation, customer=customer)


def _roads(given: Address) -> Iterator[Address]:
    """The address itself, and SMS to the same number."""
    yield given
    if given.scheme is Scheme.WHATSAPP and given.msisdn is not None:
        phone = of_phone(Scheme.TEL, given.msisdn)
        if phone is not None:
            yield phone
