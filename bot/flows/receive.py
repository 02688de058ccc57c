"""A message has come in and is authentic: put it into its lane, durably, once."""

from __future__ import annotations

from bot.core.addresses import LaneId, home_lane
from bot.core.messages import Command, Item, Received, Reported
from bot.core.tokens import Tokens, lane_of_message
from bot.ports import Codec, Lanes, Put


async def put_item(lanes: Lanes, codec: Codec, lane: LaneId, item: Item) -> Put:
    """Append to a known lane; forwards are followed, repeats dropped. Raises Unavailable."""
    return await lanes.put(lane, item.id, codec.encode_item(item))


async def receive(
    lanes: Lanes, codec: Codec, tokens: Tokens, item: Received | Reported
) -> Put | None:
    """Find the lane and put. None: a status for a message that is not ours. Raises Unavailable.

    A Telegram link token names the lane of the customer it was given to; everything else goes home by address.
    """
    lane = lane_for(tokens, item)
    return None if lane is None else await put_item(lanes, codec, lane, item)


def lane_for(tokens: Tokens, item: Received | Reported | Command) -> LaneId | None:
    """The lane an item belongs to; WhatsApp's own identity goes before the phone number."""
    match item:
        case Received():
            link = tokens.read_link_token(item.link_token) if item.link_token else None
            return (
                link[0]
                if link
                else home_lane(item.shop_id, item.external_id or item.address)
            )
        case Reported():
            return lane_of_message(item.message_id) if item.message_id else None
        case Command():
            return None
