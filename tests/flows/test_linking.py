"""One shopper, several addresses: what leads to one conversation, and when."""

from __future__ import annotations

from bot.core.addresses import Address, ChannelName, Scheme, home_lane
from bot.core.messages import Command
from bot.flows.receive import put_item
from bot.storage import codec
from tests.flows.world import SHOP, World

SMS = ChannelName.SMS
PHONE = Address(Scheme.TEL, "+2250700000001")


async def test_the_number_behind_whatsapp_leads_to_the_same_conversation() -> None:
    world = World(two_way_sms=True)
    await world.write("Salut")
    assert await world.lanes.resolve(home_lane(SHOP, PHONE)) == world.lane()
    assert (await world.conversation()).customer.find(PHONE) is not None


async def test_a_message_not_yet_answered_in_its_own_lane_is_not_left_behind() -> None:
    world = World(two_way_sms=True)
    world.waiter.down = True
    await world.write("bonjour", SMS)
    await world.write("Salut")
    assert (await world.conversation()).customer.find(PHONE) is None
    world.waiter.down = False
    await world.turn(20)
    assert world.sms.texts == ["Bonjour"]
    await world.write("Salut")
    assert await world.lanes.resolve(home_lane(SHOP, PHONE)) == world.lane()


async def test_an_order_under_way_by_sms_stays_where_it_is() -> None:
    world = World(two_way_sms=True)
    await world.write("2 pagnes", SMS)
    await world.write("Salut")
    lane = home_lane(SHOP, PHONE)
    assert await world.lanes.resolve(lane) == lane
    state = await world.lanes.peek(lane)
    assert state is not None
    assert codec.decode_conversation(state).basket.lines


async def test_what_comes_for_somebody_who_is_not_there_is_dropped_and_not_kept_due() -> None:
    world = World()
    nobody = home_lane(SHOP, Address(Scheme.TEL, "+2250700000077"))
    await put_item(world.lanes, codec, nobody, Command("blocked:1", "blocked", world.clock.now()))
    await world.work()
    assert await world.lanes.peek(nobody) is None
    world.clock.time += 7200
    assert list(await world.lanes.due_partitions()) == []
