"""An order from outside: a web shop, a till, the vendor's own hand. One transaction; the shopper's lane follows the feed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.addresses import Address, ChannelName, home_lane
from bot.core.basket import Checkout
from bot.core.orders import OrderRequest, Placed, Rejected, SoldOut
from bot.ledger import views
from bot.ledger.models import AddressRow, ConversationRow, Customer
from bot.ledger.orders import place_order, shown
from bot.ledger.pricing import Refusal, Wanted, priced


@dataclass(frozen=True, slots=True)
class OutsideOrder:
    """What is asked for. Exactly one of ``customer_id`` and ``address``; the checkout's fee is not read."""

    customer_id: str | None
    address: Address | None
    lines: Sequence[Wanted]
    checkout: Checkout


async def order_from_outside(
    connection: AsyncConnection, shop_id: str, wanted: OutsideOrder, now: datetime, *, confirmed_on: str
) -> views.Json | Refusal | SoldOut:
    """Place it at the shop's prices; the order in REST's form. What is refused leaves nothing.

    Refusals beyond those of pricing: ``unknown_customer``, ``no_such_payment``. ``confirmed_on``: ``api``, ``console``.
    """
    shopper = await _shopper(connection, shop_id, wanted)
    if shopper is None:
        return Refusal("unknown_customer")
    checkout = replace(wanted.checkout, name=wanted.checkout.name or shopper.name)
    basket = await priced(connection, shop_id, f"out-{secrets.token_hex(10)}", wanted.lines, checkout)
    if isinstance(basket, Refusal):
        return basket
    request = OrderRequest(
        shop_id=shop_id,
        conversation_id=shopper.conversation_id,
        customer_id=shopper.customer_id,
        channel=wanted.address.channel if wanted.address else ChannelName.WEB,
        basket=basket,
        turn_id=basket.id,
    )
    address = str(wanted.address) if wanted.address else None
    placed = await place_order(connection, request, now, confirmed_on=confirmed_on, address=address)
    match placed:
        case Placed():
            return await shown(connection, placed.order_id)
        case SoldOut():
            return placed
        case Rejected():
            # Products, options and commune were looked at above: what is left is how it is paid.
            return Refusal("no_such_payment")


@dataclass(frozen=True, slots=True)
class _Shopper:
    customer_id: str
    conversation_id: str
    name: str | None


async def _shopper(connection: AsyncConnection, shop_id: str, wanted: OutsideOrder) -> _Shopper | None:
    """Who it is for; someone nobody knows yet gets the ids that their lane will give them."""
    customer_id = wanted.customer_id
    if wanted.address is not None:
        same = (AddressRow.shop_id == shop_id, AddressRow.address == str(wanted.address))
        customer_id = await connection.scalar(select(AddressRow.customer_id).where(*same))
        if customer_id is None:
            lane = home_lane(shop_id, wanted.address)
            return _Shopper(f"cu-{lane}", lane, None)
    query = (
        select(Customer.id, Customer.name, ConversationRow.id.label("conversation_id"))
        .join(ConversationRow, ConversationRow.customer_id == Customer.id)
        .where(Customer.id == customer_id, Customer.shop_id == shop_id, Customer.erased_at.is_(None))
        .order_by(ConversationRow.created_at.desc())
    )
    row = (await connection.execute(query.limit(1))).first()
    return None if row is None else _Shopper(row.id, row.conversation_id, row.name)
