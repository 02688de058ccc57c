"""A lane without a record: where its addresses lead by the ledger, and the conversation as the ledger last knew it.

That is how a new shopper's lane looks, and every lane after Redis was lost. What is rebuilt is at most as old as what the
projector had not written: the journal carries the whole record (docs/decisions/0025).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.core import speaking, wording
from bot.core.addresses import Address, LaneId, ShopId, home_lane
from bot.core.conversations import Conversation
from bot.core.messages import Item, Purpose, Received, Reply
from bot.flows.desk import Desk

SPARE_SERIALS = 1000
"""Numbers left out: those after the last known one may have been given out, and a tap or a status may still name them."""
HEARD_SECONDS = 8 * 86400.0
"""As long as lanes remember ids."""


async def lives_elsewhere(
    desk: Desk, lane: LaneId, items: Iterable[Item], known: Conversation | None
) -> LaneId | None:
    """The conversation to which this lane's messages were led before its forward was lost, or None.

    ``known``: what the ledger has of this lane, which may once have stood for itself.
    """
    for shop, address in _addresses(lane, items, known):
        owner = await desk.records.owner(shop, address)
        if owner is None or owner == lane or not await _has(desk, owner, address):
            continue
        if await desk.lanes.resolve(owner) != lane:
            return owner
    return None


def _addresses(lane: LaneId, items: Iterable[Item], known: Conversation | None) -> list[tuple[ShopId, Address]]:
    """The addresses that are at home in this lane, in a settled order."""
    found: set[tuple[ShopId, Address]] = set()
    for item in items:
        if isinstance(item, Received):
            found |= {(item.shop_id, one) for one in (item.address, item.external_id) if one is not None}
    if known is not None:
        found |= {(known.shop_id, one.address) for one in known.customer.addresses}
    return sorted(((shop, address) for shop, address in found if home_lane(shop, address) == lane), key=str)


async def _has(desk: Desk, owner: LaneId, address: Address) -> bool:
    """The ledger follows the lanes: a record that lives has the last word on its own address book."""
    state = await desk.lanes.peek(owner)
    return state is None or desk.codec.decode_conversation(state).customer.find(address) is not None


async def rebuilt(desk: Desk, known: Conversation, now: float) -> tuple[Conversation, frozenset[str]]:
    """The conversation to go on with, and the ids of messages it has taken in before. Done twice is the same."""
    heard: Sequence[tuple[str, float]] = await desk.records.heard(known.id, now - HEARD_SECONDS)
    await desk.lanes.remember(known.id, heard)
    if known.page is not None and known.page.expires_at > now:
        token = desk.tokens.page_token(known.id, known.page.nonce)
        await desk.lanes.forward(desk.tokens.page_lane(token), known.id)
    conversation = replace(known, serial=known.serial + SPARE_SERIALS)
    return await _with_order(desk, conversation, now), frozenset(item_id for item_id, _ in heard)


async def _with_order(desk: Desk, conversation: Conversation, now: float) -> Conversation:
    """A basket that was ordered is closed, and its order told of: the commit that knew was lost, perhaps its words too.

    A turn that is still to be asked finds the order itself, and answers with it.
    """
    basket = conversation.basket
    if basket.closed or not basket.lines or conversation.unanswered:
        return conversation
    order = await desk.records.order_of(basket.id)
    if order is None:
        return conversation
    order_id, number = order
    ordered = replace(conversation, basket=replace(basket, closed=True), pending=None, last_order_id=order_id)
    text = wording.order_stands(number, conversation.customer.language)
    return speaking.say(ordered, Reply(text, Purpose.ORDER_CONFIRMATION, author="system"), now)
