"""A picture that a provider will not take: only the picture is lost, never the words, never the road."""

from __future__ import annotations

from bot.core.addresses import ChannelName
from bot.core.messages import MessageStatus, Reported
from bot.flows.receive import receive
from bot.storage import codec
from tests.flows import world as stage
from tests.flows.world import TOKENS, World

PICTURE = f"https://relais.example{stage.PICTURE}"


def sent(world: World, channel: ChannelName) -> list[tuple[str, str | None]]:
    return [(shown.part.text, shown.part.image_url) for shown in world.phones[channel].shown]


async def test_a_picture_refused_by_callback_is_repeated_as_words_on_the_same_road() -> None:
    world = World(two_way_sms=True)
    await world.link_telegram()
    await world.write("photo")
    before = world.clock.now()
    await world.report(MessageStatus.FAILED, "63019")
    assert sent(world, ChannelName.WHATSAPP)[-2:] == [("Le sac", PICTURE), ("Le sac", None)]
    conversation = await world.conversation()
    assert (conversation.channel, conversation.epoch, world.clock.now()) == (ChannelName.WHATSAPP, 0, before)
    assert world.sms.texts == []


async def test_a_picture_refused_at_once_leaves_the_words() -> None:
    world = World()
    world.whatsapp.no_pictures = True
    await world.write("photo ?")
    assert sent(world, ChannelName.WHATSAPP) == [("Le sac", None)]
    assert len(world.whatsapp.shown[-1].part.buttons) == 1


async def test_on_telegram_as_well() -> None:
    world = World()
    await world.link_telegram()
    world.telegram.no_pictures = True
    await world.write("photo", ChannelName.TELEGRAM)
    assert sent(world, ChannelName.TELEGRAM)[-1] == ("Le sac", None)
    assert (await world.conversation()).channel is ChannelName.TELEGRAM


async def test_words_that_are_refused_without_their_picture_take_another_road() -> None:
    world = World()
    await world.link_telegram()
    await world.write("photo")
    await world.report(MessageStatus.FAILED, "63019")
    await world.report(MessageStatus.FAILED, "63019")
    assert any("Le sac" in text for text, _ in sent(world, ChannelName.TELEGRAM))


async def test_a_picture_that_went_before_its_words_is_not_missed() -> None:
    world = World()
    await world.write("photo ?")
    shown = sent(world, ChannelName.WHATSAPP)
    [first, second] = world.whatsapp.shown
    refused = Reported("st:picture", first.message_id, "SM1-whatsapp", MessageStatus.FAILED, world.clock.now(), "63019")
    await receive(world.lanes, codec, TOKENS, refused)
    await world.work()
    assert first.message_id == second.message_id and shown == [("", PICTURE), ("Le sac", None)]
    assert sent(world, ChannelName.WHATSAPP) == shown
