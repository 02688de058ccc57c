"""A change to an order reaches its shopper once, whatever dies between the ledger and the lane."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.core.addresses import ChannelName, LaneId, home_lane
from bot.core.basket import Basket
from bot.core.customers import Proof
from bot.core.orders import OrderRequest, OrderStatus, PaymentStatus, Placed
from bot.flows.tell_orders import tell_orders
from bot.ledger.engine import Ledger, open_ledger
from bot.ledger.feed_readers import LedgerOrderNews
from bot.ledger.importing import import_shops
from bot.ledger.models import FeedReader
from bot.ledger.numbering import Numberer
from bot.ledger.order_changes import OrderChange, change_order
from bot.ledger.orders import place_order
from bot.ledger.schema import upgrade_to_head
from bot.ledger.times import utc_now
from bot.storage import codec
from tests.flows.world import SHOP, World
from tests.ledger.samples import COCODY, FOULARD, SHOP_YML, write_shop

PAID = OrderChange(payment=PaymentStatus.PAID)
GONE = OrderChange(status=OrderStatus.OUT_FOR_DELIVERY)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}"
    await upgrade_to_head(url)
    ledger = open_ledger(url)
    folder = write_shop(tmp_path / "shops", shop=SHOP_YML.replace("chez-test", SHOP))
    shutil.move(folder / "chez-test", folder / SHOP)
    await import_shops(ledger, folder)
    yield ledger
    await ledger.close()


async def place(ledger: Ledger, lane: str, address: str | None = None) -> str:
    """An order: out of the conversation, or from outside with an address."""
    request = OrderRequest(
        SHOP, lane, f"cu-{lane}", ChannelName.WHATSAPP, Basket("b1", 1, (FOULARD,), COCODY), "t1"
    )
    placed = await ledger.write(
        lambda connection: place_order(connection, request, utc_now(), address=address)
    )
    assert isinstance(placed, Placed)
    return placed.order_id


async def tell(ledger: Ledger, world: World) -> None:
    await Numberer(ledger).once()
    await tell_orders(LedgerOrderNews(ledger), world.lanes, codec, world.clock)
    await world.work()


async def test_a_shopper_reads_each_change_where_the_conversation_is(ledger: Ledger) -> None:
    world = World()
    await world.write("Bonjour")
    order = await place(ledger, world.lane())
    for change in (GONE, PAID, PAID):
        await change_order(ledger, SHOP, order, change)
        await tell(ledger, world)
    assert world.whatsapp.texts[-2:] == [
        "Votre commande AM-1001 est en route.",
        "Commande AM-1001 : paiement reçu, merci.",
    ]


async def test_outside_the_window_the_template_carries_the_news(ledger: Ledger) -> None:
    world = World()
    world.shops.shop = replace(world.shops.shop, templates={"order_update": "HX1"})
    await world.write("Bonjour")
    order = await place(ledger, world.lane())
    world.clock.time += 25 * 3600
    await change_order(ledger, SHOP, order, GONE)
    await tell(ledger, world)
    sent = world.whatsapp.shown[-1]
    assert (sent.template, sent.template_variables) == ("HX1", {"1": "Votre commande AM-1001 est en route."})


async def test_news_told_twice_reaches_the_shopper_once(ledger: Ledger) -> None:
    world = World()
    await world.write("Bonjour")
    order = await place(ledger, world.lane())
    await change_order(ledger, SHOP, order, GONE)
    await tell(ledger, world)
    said = list(world.whatsapp.texts)
    async with ledger.writing() as connection:
        # As after a crash between the lane and the kept place.
        await connection.execute(update(FeedReader).values(seq=0))
    await tell(ledger, world)
    assert world.whatsapp.texts == said


async def test_what_the_store_could_not_take_is_told_later(ledger: Ledger) -> None:
    world, feed = World(), LedgerOrderNews(ledger)
    await world.write("Bonjour")
    order = await place(ledger, world.lane())
    await change_order(ledger, SHOP, order, GONE)
    await Numberer(ledger).once()
    # As after a crash before the lane: read, and never told.
    assert len(await feed.unread()) == len(await feed.unread()) == 1
    await tell(ledger, world)
    assert world.whatsapp.texts[-1].endswith("est en route.")
    assert await feed.unread() == []


async def test_an_order_from_outside_makes_its_shopper_known_and_says_nothing_yet(ledger: Ledger) -> None:
    world, address = World(), "tel:+2250700000042"
    lane = LaneId(home_lane(SHOP, address))
    order = await place(ledger, lane, address)
    await tell(ledger, world)
    assert world.sms.texts == []
    await change_order(ledger, SHOP, order, GONE)
    await tell(ledger, world)
    state = await world.lanes.peek(lane)
    assert state is not None
    record = codec.decode_conversation(state)
    first = record.customer.addresses[0]
    assert (str(first.address), first.proved_by) == (address, Proof.SHOP)
    assert (record.customer.name, record.last_order_id) == ("Aya Koffi", order)
    (said,) = world.sms.texts
    assert said.startswith("Awa Mode: Votre commande AM-1001 est en route.")


async def test_an_erased_order_is_told_to_nobody(ledger: Ledger) -> None:
    from bot.ledger.models import OutboxRow

    world = World()
    await world.write("Bonjour")
    order = await place(ledger, world.lane())
    await change_order(ledger, SHOP, order, GONE)
    async with ledger.writing() as connection:
        await connection.execute(update(OutboxRow).values(data={}))
    said = list(world.whatsapp.texts)
    await tell(ledger, world)
    assert world.whatsapp.texts == said


async def test_what_the_shopper_asked_for_in_the_conversation_is_not_told_again(ledger: Ledger) -> None:
    world = World()
    await world.write("Bonjour")
    order = await place(ledger, world.lane())
    said = list(world.whatsapp.texts)
    await change_order(ledger, SHOP, order, OrderChange(OrderStatus.CANCELLED), by_shopper=True)
    await tell(ledger, world)
    assert world.whatsapp.texts == said
