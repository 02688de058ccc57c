"""Erasing a shopper within the lane: the record goes on, and knows nothing."""

from __future__ import annotations

from dataclasses import replace

from bot.core.basket import Basket
from bot.core.conversations import Conversation
from bot.core.customers import Customer


def blank(conversation: Conversation) -> Conversation:
    """Only ids, numbers and the channel stay; the page's link and offers of links end with their nonces.

    ``serial`` stays: ids of messages, questions and baskets must not come twice.
    """
    serial, conversation = conversation.next_serial()
    return Conversation(
        id=conversation.id,
        shop_id=conversation.shop_id,
        customer=Customer(conversation.customer.id, language=conversation.customer.language),
        channel=conversation.channel,
        basket=Basket(f"{conversation.id}-b{serial}"),
        created_at=conversation.created_at,
        epoch=conversation.epoch,
        serial=serial,
        last_message_at=None,
    )


def is_blank(conversation: Conversation) -> bool:
    """Does the record know nothing of its shopper?"""
    return replace(conversation, basket=replace(conversation.basket, id="")) == replace(
        blank(conversation), serial=conversation.serial, basket=Basket("")
    )
