"""One shopper, several addresses: what leads to one conversation, and when."""

from __future__ import annotations

from dataclasses import replace

from bot.core.addresses import Address, ChannelName, LaneId, Scheme, home_lane
from bot.core.conversations import Conversation
from bot.core.customers import Proof
from bot.core.messages import Attachment, Command, Received
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


OWN = Address(Scheme.WHATSAPP, "CI.Aya0001")
ANOTHER = Address(Scheme.WHATSAPP, "CI.Ben0002")


def known_as(world: World, text: str, identity: Address, number: int = 1) -> Received:
    """By webhook: with WhatsApp's own identity. The list (``World.message``) has only the number."""
    return replace(world.message(text, number=number), external_id=identity)


async def at(world: World, lane: LaneId) -> Conversation:
    state = await world.lanes.peek(lane)
    assert state is not None
    return codec.decode_conversation(state)


async def test_who_was_first_found_in_the_list_goes_on_when_the_webhook_knows_more() -> None:
    """The gateway died at the first message: the listing brought it, and the basket is open when it is back."""
    world = World()
    await world.write("2 pagnes")
    await world.put(known_as(world, "oui", OWN))
    await world.work()

    own = home_lane(SHOP, OWN)
    assert await world.lanes.resolve(own) == world.lane()
    assert await world.lanes.peek(own) is None
    assert world.whatsapp.texts[:2] == ["Recap 1 : on confirme ?", "Commande AM-1 confirmée"]
    assert (await world.conversation()).customer.external_id == OWN


async def test_what_list_and_webhook_both_brought_is_answered_once() -> None:
    world = World()
    message = world.message("Salut")
    await world.put(message)
    await world.work()
    await world.put(replace(message, external_id=OWN))
    await world.work()

    assert world.whatsapp.texts == ["Bonjour"]


async def test_a_number_that_changed_hands_does_not_bring_the_basket_along() -> None:
    world = World()
    await world.write("2 pagnes")
    for text, identity in (("salut", OWN), ("bonjour", ANOTHER)):
        await world.put(known_as(world, text, identity))
        await world.work()

    assert (await world.conversation()).customer.external_id == OWN
    newcomer = await at(world, home_lane(SHOP, ANOTHER))
    assert (newcomer.customer.external_id, newcomer.basket.lines) == (ANOTHER, ())
    await world.put(known_as(world, "oui", OWN, number=2))
    await world.work()
    assert (await world.conversation()).customer.find(Address(Scheme.WHATSAPP, "+2250700000002")) is not None
    assert world.whatsapp.texts[-1] == "Recap 1 : on confirme ?"


async def test_a_new_number_of_a_known_identity_is_the_same_shopper() -> None:
    world = World()
    await world.put(known_as(world, "2 pagnes", OWN))
    await world.work()
    await world.put(known_as(world, "oui", OWN, number=2))
    await world.work()

    mine = await at(world, home_lane(SHOP, OWN))
    assert mine.last_order_id == "AM-1"
    assert await world.lanes.resolve(world.lane(2)) == mine.id


TELEGRAM = ChannelName.TELEGRAM
TG = Address(Scheme.TELEGRAM, "4001")


def card(world: World, number: int = 1, of: str = "+2250700000001") -> Received:
    """Somebody on Telegram shares their own number; a card of somebody else has no ``shared_phone``."""
    contact = Attachment("contact", label=f"Aya {of}")
    return replace(world.message("", TELEGRAM, number), shared_phone=of, attachments=(contact,))


async def test_a_newcomer_on_telegram_is_offered_to_share_their_number_once() -> None:
    world = World()
    world.shops.shop = replace(world.shops.shop, accounts={ChannelName.WHATSAPP: "account:whatsapp"})
    await world.write("bonjour", TELEGRAM)
    await world.write("bonjour", TELEGRAM)

    titles = [outgoing.part.contact_title for outgoing in world.telegram.shown]
    assert titles == ["", "Partager mon numéro", ""]


async def test_their_own_number_brings_the_conversation_to_telegram() -> None:
    world = World()
    await world.write("2 pagnes")
    await world.write("bonjour", TELEGRAM)
    await world.put(card(world))
    await world.work()

    assert await world.lanes.resolve(home_lane(SHOP, TG)) == world.lane()
    assert "2 x Pagne Uniwax" in world.telegram.texts[-1] and world.telegram.texts[-1].endswith("on confirme ?")
    assert world.whatsapp.texts[-1] == "Telegram relié. Si ce n'est pas vous : STOP"
    await world.write("oui", TELEGRAM)
    mine = await world.conversation()
    assert (mine.channel, mine.last_order_id) == (TELEGRAM, "AM-1")
    assert [known.proved_by for known in mine.customer.addresses if known.address == TG] == [Proof.HEARD]


async def test_the_number_of_somebody_who_stopped_or_is_not_known_only_becomes_known() -> None:
    world = World()
    await world.write("Salut")
    await world.write("stop")
    await world.put(card(world))
    await world.put(card(world, 2, "+2250700000077"))
    await world.work()

    for number in ("4001", "4002"):
        lane = home_lane(SHOP, Address(Scheme.TELEGRAM, number))
        assert await world.lanes.resolve(lane) == lane


async def test_an_order_under_way_on_telegram_is_not_left_for_another_basket() -> None:
    world = World()
    await world.write("2 pagnes")
    await world.write("2 pagnes", TELEGRAM)
    await world.put(card(world))
    await world.work()

    own = home_lane(SHOP, TG)
    assert await world.lanes.resolve(own) == own
    assert (await at(world, own)).basket.lines


async def test_stop_on_whatsapp_takes_the_link_back() -> None:
    world = World()
    await world.write("Salut")
    await world.put(card(world))
    await world.work()
    assert await world.lanes.peek(home_lane(SHOP, TG)) is None
    await world.write("stop")

    assert await world.lanes.resolve(home_lane(SHOP, TG)) == home_lane(SHOP, TG)
    assert (await world.conversation()).customer.find(TG) is None
