"""Who may see a page: from its token to the one conversation it belongs to."""

from __future__ import annotations

import hmac
import re

from bot.core.addresses import Address, Scheme, ShopId
from bot.core.conversations import Conversation
from bot.core.shops import Shop
from bot.web.gateway import Gateway, in_time

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


async def find(gateway: Gateway, token: str) -> tuple[Conversation, Shop] | None:
    """The conversation whose live page this is, with its shop; None for unknown, expired or ended. May raise Unavailable.

    Nothing is looked up by the token itself: it names an index lane that forwards to the conversation, which must
    then derive the very same token from its own nonce.
    """
    if not _TOKEN.fullmatch(token):
        return None
    index = gateway.tokens.page_lane(token)
    lane = await in_time(gateway.lanes.resolve(index))
    if lane == index:
        return None
    state = await in_time(gateway.lanes.peek(lane))
    if state is None:
        return None
    conversation = gateway.codec.decode_conversation(state)
    page = conversation.page
    if page is None or page.expires_at <= gateway.clock.now():
        return None
    if not hmac.compare_digest(gateway.tokens.page_token(conversation.id, page.nonce), token):
        return None
    shop = await known_shop(gateway, conversation.shop_id)
    return None if shop is None else (conversation, shop)


async def known_shop(gateway: Gateway, shop: str) -> Shop | None:
    """A shop by id, or None. May raise Unavailable."""
    return await in_time(gateway.shops.get(ShopId(shop)))


def web_address(conversation: Conversation) -> Address:
    """The address the page speaks for: one begun at ``/s/<shop>`` has its own, others the lane's."""
    for known in conversation.customer.addresses:
        if known.address.scheme is Scheme.WEB:
            return known.address
    return Address(Scheme.WEB, conversation.id)
