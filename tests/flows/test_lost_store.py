"""Redis is emptied: what the ledger has brings every conversation back, once, whatever road the next message takes.

The records are the ledger's own, on SQLite, written by the projector from the journal of the lanes.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.addresses import Address, ChannelName, Scheme, home_lane
from bot.core.messages import Awaiting, Command, MessageStatus, Reported
from bot.flows.desk import commit
from bot.flows.receive import put_item, receive
from bot.flows.restore import restore
from bot.flows.step import load, step
from bot.ledger.engine import Ledger, open_ledger
from bot.ledger.importing import import_shops
from bot.ledger.orders import LedgerOrders
from bot.ledger.projector import LedgerRecords, Projector
from bot.ledger.schema import upgrade_to_head
from bot.ports import LostLease
from bot.storage import codec
from bot.storage.memory import MemoryJournal, MemoryLosses
from tests.dialogue.memory_ledger import SHOPS
from tests.flows.world import SHOP, TOKENS, World

W, T, S = ChannelName.WHATSAPP, ChannelName.TELEGRAM, ChannelName.SMS
PHONE = Address(Scheme.TEL, "+2250700000001")
TELEGRAM = Address(Scheme.TELEGRAM, "4001")


class Losing(World):
    """A world whose store can be emptied, with a ledger that outlives it."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.kept = LedgerRecords(ledger)
        super().__init__(two_way_sms=True, records=self.kept)
        self.losses = MemoryLosses(self.lanes)
        self._offsets: dict[int, str] = {}

    async def project(self) -> None:
        while await Projector(MemoryJournal(self.lanes), self.kept).once(self._offsets):
            pass

    async def lose(self) -> None:
        """Everything is written to the ledger, then everything else is gone."""
        await self.project()
        self.lanes.flush()
        for partition, last in self._offsets.items():
            await MemoryJournal(self.lanes).begin_after(partition, last)

    async def restored(self) -> int | None:
        woken = await restore(self.losses, self.kept, self.lanes, codec, self.clock.now())
        await self.work()
        return woken


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "ledger.db"

    async def make() -> None:
        await upgrade_to_head(f"sqlite+aiosqlite:///{path}")
        ledger = open_ledger(f"sqlite+aiosqlite:///{path}")
        await import_shops(ledger, SHOPS)
        await ledger.close()

    asyncio.run(make())
    return path


@pytest.fixture
async def world(tables: Path, tmp_path: Path) -> AsyncIterator[Losing]:
    path = shutil.copy(tables, tmp_path / "ledger.db")
    ledger = open_ledger(f"sqlite+aiosqlite:///{path}")
    yield Losing(ledger)
    await ledger.close()


async def test_the_checkout_goes_on_with_basket_and_question(world: Losing) -> None:
    await world.write("2 pagnes")
    before = await world.conversation()
    await world.lose()
    await world.write("oui")
    after = await world.conversation()
    assert world.whatsapp.texts[1] == "Commande AM-1 confirmée"
    assert after.basket == replace(before.basket, closed=True)
    assert (after.epoch, after.customer.addresses[0].address) == (before.epoch, before.customer.addresses[0].address)


@pytest.mark.parametrize("channel", [T, S])
async def test_a_linked_address_leads_back_to_its_conversation(world: Losing, channel: ChannelName) -> None:
    await world.link_telegram()
    await world.write("2 pagnes")
    await world.lose()
    await world.write("quoi ?", channel)
    after = await world.conversation()
    assert (after.channel, after.basket.count) == (channel, 2)
    own = home_lane(SHOP, TELEGRAM if channel is T else PHONE)
    assert await world.lanes.resolve(own) == world.lane()
    assert await world.lanes.peek(own) is None


async def test_a_number_that_once_stood_for_itself_leads_to_where_it_was_led(world: Losing) -> None:
    await world.write("bonjour", S)
    await world.turn(1)
    await world.write("2 pagnes")
    await world.lose()
    own = home_lane(SHOP, PHONE)
    vendor = Command("say:1", "say", world.clock.now(), (("text", "Bien reçu"),))
    await put_item(world.lanes, codec, own, vendor)
    await world.work()
    assert world.whatsapp.texts[-1] == "Bien reçu"
    assert await world.lanes.resolve(own) == world.lane()


async def test_an_address_taken_out_of_the_book_is_not_led_back_by_a_late_ledger(world: Losing) -> None:
    await world.link_telegram()
    await world.project()
    await world.write("stop")  # undoes the link that was just made; the ledger has not heard of it
    await world.write("Salut", T)
    assert await world.lanes.resolve(home_lane(SHOP, TELEGRAM)) != world.lane()


async def test_an_order_under_way_by_sms_is_not_taken_over_because_its_lane_is_empty(world: Losing) -> None:
    await world.write("2 pagnes", S)
    await world.lose()
    await world.write("Salut")
    assert (await world.conversation()).customer.find(PHONE) is None
    await world.write("oui", S)
    assert world.sms.texts[-1] == "Commande AM-1 confirmée"


async def test_who_said_stop_is_not_written_to_after_the_loss(world: Losing) -> None:
    await world.write("Salut")
    await world.write("stop")
    await world.lose()
    await put_item(world.lanes, codec, world.lane(), Command("u", "order_updated", 0.0, (("number", "AM-9"), ("status", "packed"))))
    shown = len(world.whatsapp.shown)
    await world.work()
    assert len(world.whatsapp.shown) == shown
    assert (await world.conversation()).customer.on(W) == ()


async def test_a_message_delivered_again_after_the_loss_is_known(world: Losing) -> None:
    first = await world.write("2 pagnes")
    await world.lose()
    await world.put(first)
    await world.work()
    assert (await world.conversation()).basket.count == 2
    second = await world.write("2 pagnes")
    await world.put(second)
    await world.put(first)
    await world.work()
    assert (await world.conversation()).basket.count == 4
    assert len(world.waiter.turns) == 2


async def test_a_worker_from_before_the_loss_writes_nothing(world: Losing) -> None:
    await world.write("Salut")
    await world.put(world.message("2 pagnes"))
    partition = next(iter(await world.lanes.due_partitions()))
    stale = await world.lanes.take(partition)
    assert stale is not None
    work = await load(world.desk, stale)
    assert work is not None
    await world.lose()
    await world.write("Re")
    with pytest.raises(LostLease):
        await commit(world.desk, work, None, release=True)
    with pytest.raises(LostLease):
        await step(world.desk, stale)


async def test_numbers_that_may_have_been_given_out_are_not_given_again(world: Losing) -> None:
    await world.write("Salut")
    await world.project()
    await world.write("2 pagnes")  # never reaches the ledger
    lost = await world.conversation()
    world.lanes.flush()
    await world.write("Salut")
    after = await world.conversation()
    assert {d.id for d in after.deliveries}.isdisjoint(d.id for d in lost.deliveries[1:])
    stale = Reported("st", lost.deliveries[-1].id, "SM2-whatsapp", MessageStatus.READ, world.clock.now())
    await receive(world.lanes, codec, TOKENS, stale)
    await world.work()
    assert (await world.conversation()).deliveries == after.deliveries


async def test_an_order_whose_commit_was_lost_is_told_and_not_placed_again(world: Losing) -> None:
    await world.write("2 pagnes")
    await world.project()
    basket = (await world.conversation()).basket
    placed = await _place(world)
    await world.lose()
    assert await world.restored() == 1
    after = await world.conversation()
    assert (after.basket, after.last_order_id) == (replace(basket, closed=True), placed)
    assert "AM-1" in world.whatsapp.texts[-1]
    await world.write("oui")
    assert (len(world.waiter.orders), world.whatsapp.texts[-1]) == (0, "Bonjour")


async def _place(world: Losing) -> str:
    """The ledger's half of a turn whose other half was lost."""
    from bot.core.basket import BasketLine, Checkout
    from bot.core.orders import OrderRequest, Placed

    talk = await world.conversation()
    line = BasketLine("foulard-wax", "Foulard wax", (), 1, 2500)
    checkout = Checkout("Awa", "+2250700000077", "Cocody", 1500, "Rue des Jardins", payment="cash")
    basket = replace(talk.basket, lines=(line,), checkout=checkout)
    request = OrderRequest(SHOP, talk.id, talk.customer.id, W, basket, "turn-1")
    result = await LedgerOrders(world.ledger).place(request)
    assert isinstance(result, Placed)
    return result.order_id


async def test_who_waits_for_an_answer_gets_it_without_writing_again(world: Losing) -> None:
    world.waiter.down = True
    await world.write("2 pagnes")
    await world.write("Bonjour", number=2)
    world.waiter.down = False
    await world.lose()
    assert world.whatsapp.texts == []
    assert await world.restored() == 2
    await world.turn(20)
    assert sorted(world.whatsapp.texts) == ["Bonjour", "Recap 1 : on confirme ?"]
    assert await world.restored() is None


async def test_a_page_that_is_open_shows_its_conversation_again(world: Losing) -> None:
    from bot.flows.deliver import offer_page

    await world.put(world.message("2 pagnes"))
    lease = await world.lanes.take(next(iter(await world.lanes.due_partitions())))
    assert lease is not None
    work = await load(world.desk, lease)
    assert work is not None
    url = await offer_page(world.desk, work)
    await commit(world.desk, work, world.clock.now(), release=True)
    await world.work()
    await world.lose()
    await world.restored()
    assert await world.lanes.resolve(TOKENS.page_lane(url.rpartition("/")[2])) == world.lane()
    assert (await world.conversation()).awaiting is Awaiting.CONFIRMATION


async def test_who_was_erased_begins_anew_and_never_gets_an_old_basket(world: Losing) -> None:
    await world.write("2 pagnes")
    old = (await world.conversation()).basket.id
    await put_item(world.lanes, codec, world.lane(), Command("erase:1", "erase", world.clock.now()))
    await world.work()
    await world.lose()
    world.clock.time += 60
    await world.write("2 pagnes")
    after = await world.conversation()
    assert (after.basket.count, after.basket.id == old) == (2, False)


async def test_only_what_was_lost_is_woken(world: Losing) -> None:
    await world.write("2 pagnes")
    await world.project()
    assert await world.restored() == 1  # the first look of all finds no mark
    assert await world.restored() is None
    await world.write("2 pagnes", number=2)
    await world.project()
    world.lanes.whole.discard(int(world.lane(2)[:2], 16) % 64)
    assert await world.restored() == 1
