"""Small builders for core tests: one shopper of one shop."""

from __future__ import annotations

from dataclasses import replace

from bot.core.addresses import Address, ChannelName, LaneId, Scheme, ShopId
from bot.core.basket import Basket, BasketLine
from bot.core.conversations import Conversation
from bot.core.customers import Customer, KnownAddress, Proof
from bot.core.deliveries import Delivery
from bot.core.messages import MessageId, Received, Reply
from bot.core.shops import Policy, Shop

NOW = 1_800_000_000.0
LANE = LaneId("0123456789abcdef0123")
SHOP = Shop(ShopId("awa-mode"), "Awa Mode", "+2250700000199", policy=Policy())
WHATSAPP = Address(Scheme.WHATSAPP, "+2250700000001")
PHONE = Address(Scheme.TEL, "+2250700000001")
TELEGRAM = Address(Scheme.TELEGRAM, "4242")


def customer(*addresses: Address, proof: Proof = Proof.HEARD) -> Customer:
    return Customer(
        "cu-1",
        addresses=tuple(
            KnownAddress(a, a.value, proof, NOW - 100, NOW - 100) for a in addresses
        ),
    )


def basket(*lines: BasketLine) -> Basket:
    return Basket(
        f"{LANE}-b0",
        1,
        lines
        or (BasketLine("uniwax", "Pagne Uniwax", (("couleur", "rouge"),), 2, 16000),),
    )


def conversation(
    *addresses: Address, channel: ChannelName = ChannelName.WHATSAPP
) -> Conversation:
    return Conversation(
        LANE,
        SHOP.id,
        customer(*(addresses or (WHATSAPP,))),
        channel,
        basket(),
        created_at=NOW - 1000,
        heard_at={ChannelName.WHATSAPP: NOW - 100},
    )


def delivery(reply: Reply | None = None) -> Delivery:
    return Delivery(MessageId(f"{LANE}-1"), reply or Reply("Bonjour"), created_at=NOW)


def received(
    text: str = "oui", channel: ChannelName = ChannelName.WHATSAPP, **changes: object
) -> Received:
    address = {
        ChannelName.WHATSAPP: WHATSAPP,
        ChannelName.TELEGRAM: TELEGRAM,
        ChannelName.SMS: PHONE,
    }[channel]
    plain = Received("tw:1", SHOP.id, channel, address, address.value, NOW, text)
    return replace(plain, **changes)  # type: ignore[arg-type]
