"""Conversations: as committed, who has them in hand, and their place in the list."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from bot.core.addresses import ChannelName, home_lane
from bot.core.basket import Basket
from bot.core.conversations import Conversation
from bot.core.messages import Command
from bot.ports import Unavailable
from bot.web.api import models
from bot.web.api.lane_calls import ask, command_id, committed, exists
from bot.web.api.operations import ADDRESS, Call, Operation, Result, listing, one, word_parameter
from bot.web.encoding import rfc3339_or_none
from bot.web.gateway import in_time
from bot.web.ledger_port import ConversationFilter, Listing


class Hands(StrEnum):
    """REST ``status``: who answers."""

    BOT = "bot"
    HUMAN = "human"


def shape(conversation: Conversation) -> dict[str, Any]:
    """The record as REST shows it."""
    customer = conversation.customer
    return {
        "id": conversation.id,
        "shop_id": conversation.shop_id,
        "customer": {
            "id": customer.id,
            "name": customer.name,
            "language": customer.language,
            "addresses": [
                {
                    "address": str(known.address),
                    "proved_by": known.proved_by.value,
                    "opted_out": known.opted_out,
                    "last_heard_at": rfc3339_or_none(known.last_heard_at),
                }
                for known in customer.addresses
            ],
        },
        "status": "human" if conversation.human else "bot",
        "channel": conversation.channel.value,
        "epoch": conversation.epoch,
        "awaiting": conversation.awaiting.value if conversation.awaiting else None,
        "basket": basket(conversation.basket),
        "last_message_at": rfc3339_or_none(conversation.last_message_at),
    }


def basket(found: Basket) -> dict[str, Any]:
    """A placed or cancelled basket is empty to the outside."""
    lines = () if found.closed else found.lines
    return {
        "lines": [
            {
                "product_id": line.product_id,
                "name": line.name,
                "options": dict(line.options),
                "quantity": line.quantity,
                "unit_price_xof": line.unit_price_xof,
                "line_total_xof": line.total_xof,
            }
            for line in lines
        ],
        "items_total_xof": sum(line.total_xof for line in lines),
    }


async def list_(call: Call) -> Result:
    window, address = call.window(), call.address()
    status, channel = call.word("status", Hands), call.word("channel", ChannelName)
    found = await call.gateway.reads.conversations(
        call.shop, window, ConversationFilter(address, status, channel)
    )
    if (
        address is not None
        and status is None
        and channel is None
        and not found.items
        and window.cursor is None
    ):
        # The ledger follows the lanes by some milliseconds; the lane itself knows already.
        fresh = await _by_address(call, address)
        return Result({"items": [fresh] if fresh else [], "next_cursor": None})
    return listing(Listing([await _newest(call, item) for item in found.items], found.next_cursor))


async def _by_address(call: Call, address: str) -> Mapping[str, Any] | None:
    try:
        lane = await in_time(call.gateway.lanes.resolve(home_lane(call.shop, address)))
        found = await committed(call.gateway, call.shop, lane)
    except Unavailable:
        return None
    if found is None or all(str(known.address) != address for known in found.customer.addresses):
        return None
    return shape(found)


async def _newest(call: Call, item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The committed record stands above the ledger's copy; without the store the copy serves."""
    try:
        found = await committed(call.gateway, call.shop, str(item["id"]))
    except Unavailable:
        return item
    return item if found is None else {**item, **shape(found)}


async def get(call: Call) -> Result:
    conversation_id = call.parameters["conversation_id"]
    try:
        found = await committed(call.gateway, call.shop, conversation_id)
    except Unavailable:
        found = None
    if found is not None:
        return Result(shape(found))
    return one(await call.gateway.reads.conversation(call.shop, conversation_id))


async def take_over(call: Call) -> Result:
    return await _hand(call, "take_over", human=True)


async def release(call: Call) -> Result:
    return await _hand(call, "release", human=False)


async def _hand(call: Call, name: str, human: bool) -> Result:
    conversation_id = call.parameters["conversation_id"]
    now = await exists(call, conversation_id)
    if now is not None and now.human is human:
        return Result(shape(now))
    command = Command(command_id(call, name), name, call.gateway.clock.now())
    after, _ = await ask(call, conversation_id, command, lambda record: record.human is human)
    return Result(shape(after))


OPERATIONS = (
    Operation(
        "GET",
        "/conversations",
        "conversations:read",
        "List conversations, newest first",
        list_,
        models.Conversation,
        many=True,
        query=(
            ADDRESS,
            word_parameter("status", "Who answers", Hands),
            word_parameter("channel", "Where it is now", ChannelName),
        ),
    ),
    Operation(
        "GET",
        "/conversations/{conversation_id}",
        "conversations:read",
        "Get a conversation",
        get,
        models.Conversation,
        etag=True,
    ),
    Operation(
        "POST",
        "/conversations/{conversation_id}/takeover",
        "conversations:write",
        "Take the conversation over: the bot falls silent. Done twice is the same",
        take_over,
        models.Conversation,
    ),
    Operation(
        "POST",
        "/conversations/{conversation_id}/release",
        "conversations:write",
        "Give the conversation back to the bot. Done twice is the same",
        release,
        models.Conversation,
    ),
)
