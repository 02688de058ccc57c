"""What a shopper sends from the page: one message, once, into the conversation's own lane."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

from bot.core.addresses import Address, ChannelName, LaneId, Scheme, ShopId, home_lane
from bot.core.conversations import Conversation
from bot.core.messages import Command, Received
from bot.ports import Unavailable
from bot.web.chat.access import web_address
from bot.web.chat.liveness import seen
from bot.web.gateway import Gateway, in_time

_Test = Callable[[Conversation | None], bool]

TURN_SECONDS = 5.0
LOOK_EVERY = 0.06
MAX_TEXT = 1000


def one_time_id() -> str:
    """A new form's hidden id. The same form sent twice is one message."""
    return secrets.token_urlsafe(9)


def message(
    gateway: Gateway, conversation: Conversation, text: str, choice: str | None, form: str | None
) -> Received | None:
    """The message of a submitted form; None when there is nothing in it.

    Its id is made of what identifies the act: a choice by its signed payload, a text by its form and words, so that
    a double click or "back" repeats nothing, and other words typed into an old form are a new message.
    """
    text = text.replace("\x00", "").strip()
    if choice is not None:
        if gateway.tokens.read_choice(conversation.id, choice) is None:
            return None
        act = f"choice\n{choice}"
    elif text:
        act = f"text\n{form or one_time_id()}\n{text}"
    else:
        return None
    address = web_address(conversation)
    digest = hashlib.blake2b(f"{conversation.id}\n{act}".encode(), digest_size=12).hexdigest()
    return Received(
        id=f"web:{digest}",
        shop_id=conversation.shop_id,
        channel=ChannelName.WEB,
        address=address,
        reply_to=address.value,
        received_at=gateway.clock.now(),
        text="" if choice is not None else text[:MAX_TEXT],
        payload=choice,
    )


async def send(gateway: Gateway, conversation: Conversation, received: Received) -> bool:
    """Put it durably and wait for its turn, 5 s at most. False when the answer is still to come. Raises Unavailable."""
    # First: the page is open, so that the answer may take this road.
    await seen(gateway, conversation)
    put = await gateway.put(conversation.id, received)
    if not put.fresh:
        return True
    return await _until(gateway, lambda now: now is not None and _answered(now, received), put.lane)


def _answered(conversation: Conversation, received: Received) -> bool:
    heard = conversation.heard_at.get(ChannelName.WEB, 0.0) >= received.received_at
    return heard and all(waiting.received.id != received.id for waiting in conversation.unanswered)


async def begin(gateway: Gateway, shop: ShopId) -> str | None:
    """Make a new customer of a shop and return their page's token; None while their record is not there within 5 s."""
    address = Address(Scheme.WEB, secrets.token_hex(12))
    lane = home_lane(shop, address)
    token = gateway.tokens.page_token(lane, "0")
    # The index first: a crash after it leaves a forward to an empty lane, which shows nothing.
    await in_time(gateway.lanes.forward(gateway.tokens.page_lane(token), lane))
    arguments = (("shop", str(shop)), ("address", address.value))
    await gateway.put(lane, Command(f"start:{address.value}", "page_started", gateway.clock.now(), arguments))
    there = await _until(gateway, lambda now: now is not None and now.page is not None, lane)
    return token if there else None


async def _until(gateway: Gateway, done: _Test, lane: LaneId) -> bool:
    end = gateway.clock.now() + TURN_SECONDS
    while gateway.clock.now() < end:
        try:
            state = await in_time(gateway.lanes.peek(lane), 1.0)
        except Unavailable:
            # The message is durable already: the shopper sees it answered when the store is back.
            return False
        if done(None if state is None else gateway.codec.decode_conversation(state)):
            return True
        await gateway.clock.sleep(LOOK_EVERY)
    return False
