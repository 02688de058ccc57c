"""A small shop in a folder, a basket for it, and journal entries as a worker writes them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bot.core.addresses import ChannelName, LaneId, ShopId, parse
from bot.core.basket import Basket, BasketLine, Checkout
from bot.core.conversations import Conversation
from bot.core.customers import Customer, KnownAddress, Proof
from bot.core.journal import Entry, PublicEvent, TranscriptItem
from bot.core.messages import MessageId, MessageStatus
from bot.core.orders import OrderRequest
from bot.ledger.engine import Ledger
from bot.ledger.importing import import_shops
from bot.ledger.models import Product
from bot.storage import codec

SHOP = "chez-test"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)

SHOP_YML = """\
id: chez-test
name: Chez Test
tagline: "Tout pour essayer"
opening_hours: "Tous les jours"
phone: "+2250700000199"
payments:
  cash: true
  wave: {to: "+2250700000199", instructions: "Gardez le reçu"}
channels:
  whatsapp:
    provider: twilio
    address: "+2250700000190"
    account_sid: ${TEST_SID}
    auth_token: ["${TEST_TOKEN}", ancien]
    templates: {resume: HX1}
  sms: {provider: twilio, address: "CHEZ TEST", two_way: false, price_xof: 35, account_sid: AC1, auth_token: jeton}
  telegram:
    bot_username: chez_test_bot
    token: ${TEST_TELEGRAM}
    secret: secret_1
failover: {order: [whatsapp, telegram, web, sms], quiet_hours: "21:30-07:00"}
"""
PRODUCTS_CSV = """\
product_id,name,category,description,aliases,price_xof,options,stock
foulard,Foulard wax,accessoires,"À nouer, 1,80 m",foular|foulards,2500,,10
robe,Robe wax courte,robes,Au-dessus du genou,robe courte,12500,taille=S|M|L,3
sac,Sac pagne,sacs,Doublé,,9000,,
"""
ZONES_CSV = """\
commune,aliases,fee_xof,eta_text
Cocody,Angré|Riviera,1500,le jour même
Yopougon,Yop,2000,le lendemain
"""
ENVIRONMENT = {"TEST_SID": "AC0", "TEST_TOKEN": "nouveau", "TEST_TELEGRAM": "123:abc"}

COCODY = Checkout("Aya Koffi", "+2250700000001", "Cocody", 1500, "près de la pharmacie", payment="cash")
FOULARD = BasketLine("foulard", "Foulard wax", (), 1, 2500)
ROBE = BasketLine("robe", "Robe wax courte", (("taille", "M"),), 1, 12500)
SAC = BasketLine("sac", "Sac pagne", (), 1, 9000)


def write_shop(
    folder: Path, shop: str = SHOP_YML, products: str = PRODUCTS_CSV, zones: str = ZONES_CSV
) -> Path:
    """Write the shop's folder into ``folder`` and return ``folder``."""
    place = folder / SHOP
    place.mkdir(parents=True, exist_ok=True)
    (place / "shop.yml").write_text(shop, encoding="utf-8")
    (place / "products.csv").write_text(products, encoding="utf-8")
    (place / "zones.csv").write_text(zones, encoding="utf-8")
    return folder


async def open_shop(ledger: Ledger, folder: Path) -> None:
    """The shop, imported."""
    await import_shops(ledger, write_shop(folder))


def request(
    basket_id: str = "b1", *lines: BasketLine, checkout: Checkout = COCODY, **changes: Any
) -> OrderRequest:
    """A confirmed basket; one foulard if no lines are given."""
    basket = Basket(basket_id, 4, lines or (FOULARD,), checkout)
    return replace(OrderRequest(SHOP, "lane-1", "customer-1", ChannelName.WHATSAPP, basket, "SM1"), **changes)


async def stock_of(ledger: Ledger, product: str) -> int | None:
    """What is left."""
    async with ledger.reading() as connection:
        return await connection.scalar(
            select(Product.stock).where(Product.shop_id == SHOP, Product.id == product)
        )


LANE = LaneId("07aabbccddeeff001122")
WHATSAPP = parse("whatsapp:+2250700000001")
assert WHATSAPP is not None


def conversation(at: float = 1000.0, lane: LaneId = LANE, **changes: Any) -> Conversation:
    """A conversation on WhatsApp, last heard at ``at``."""
    assert WHATSAPP is not None
    known = KnownAddress(WHATSAPP, "whatsapp:+2250700000001", Proof.HEARD, 1000.0, at)
    return replace(
        Conversation(
            id=lane,
            shop_id=ShopId(SHOP),
            customer=Customer(f"cus-{lane}", "Aya", "fr", (known,)),
            channel=ChannelName.WHATSAPP,
            basket=Basket("b1", 2, (FOULARD,)),
            created_at=1000.0,
            last_message_at=at,
        ),
        **changes,
    )


def item(
    number: int, status: MessageStatus = MessageStatus.RECEIVED, text: str = "bonjour"
) -> TranscriptItem:
    """A transcript item of the lane: in when received, else out."""
    came = status is MessageStatus.RECEIVED
    return TranscriptItem(
        id=MessageId(f"{LANE}-{number}"),
        direction="in" if came else "out",
        author="shopper" if came else "bot",
        channel=ChannelName.WHATSAPP,
        text=text,
        status=status,
        created_at=1000.0 + number,
    )


def entry(record: Conversation, *messages: TranscriptItem, events: tuple[PublicEvent, ...] = ()) -> Entry:
    """One commit of that record."""
    return Entry(
        lane=record.id,
        shop_id=record.shop_id,
        at=record.last_message_at or record.created_at,
        conversation=codec.conversation_to_json(record),
        messages=messages,
        events=events,
    )
