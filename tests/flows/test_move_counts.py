"""A move counts once its notice has left on the new road, and not before."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.addresses import ChannelName
from bot.core.conversations import Conversation
from bot.core.failures import Unsure
from bot.core.messages import MessageStatus
from bot.core.moving import LEFT
from tests.flows.world import REFUSED, World

SIZE = 10 if os.environ.get("RELAIS_TEST_SIZE") == "large" else 1
T, S, W = ChannelName.TELEGRAM, ChannelName.SMS, ChannelName.WHATSAPP


async def test_two_roads_that_refuse_move_nobody() -> None:
    world = World(two_way_sms=True)
    world.whatsapp.outcome = world.sms.outcome = REFUSED
    await world.write("2 pagnes")
    await world.turn(120)
    talk = await world.conversation()
    assert (talk.channel, talk.epoch, talk.moved_at) == (W, 0, None)


async def test_two_roads_that_take_and_never_send_move_nobody() -> None:
    world = World(two_way_sms=True)
    world.sent = {}
    await world.write("2 pagnes")
    for _ in range(8):
        await world.report(MessageStatus.FAILED, "63012")
        await world.turn(16)
    assert world.sms.texts
    talk = await world.conversation()
    assert (talk.channel, talk.epoch) == (W, 0)


async def test_a_notice_that_was_taken_leads_the_next_reply_without_a_second_notice() -> None:
    world = World(two_way_sms=True)
    world.sent = {}
    world.whatsapp.outcome = REFUSED
    await world.write("2 pagnes")
    await world.write("bonsoir")
    assert [text.count("WhatsApp ne passe plus") for text in world.sms.texts] == [1, 0]
    assert (await world.conversation()).epoch == 0


async def test_the_words_of_a_move_that_did_not_happen_are_said_plainly_at_home() -> None:
    world = World(two_way_sms=True)
    world.whatsapp.outcome = world.sms.outcome = REFUSED
    await world.write("2 pagnes")
    world.whatsapp.outcome, world.sent[W] = None, 0
    await world.turn(40)
    assert world.whatsapp.texts == ["Recap 1 : on confirme ?"]


async def test_what_the_first_notice_carried_is_in_the_second() -> None:
    world = World(two_way_sms=True)
    await world.link_telegram()
    await world.write("2 pagnes")
    await world.write("oui")
    world.whatsapp.outcome = world.telegram.outcome = REFUSED
    await world.write("bonsoir")
    [notice] = world.sms.texts
    assert "WhatsApp ne passe plus" in notice
    assert "Telegram ne passe plus" not in notice
    assert "Bonjour" in notice


async def test_a_tap_on_a_notice_that_has_just_left_is_not_late() -> None:
    world = World(two_way_sms=True)
    world.sent = {}
    await world.link_telegram()
    world.whatsapp.outcome = REFUSED
    await world.write("2 pagnes")
    sent = [d for d in (await world.conversation()).deliveries if d.channel is T and d.moves_from is W]
    talk = await world.conversation()
    assert (talk.channel, talk.epoch, sent[0].epoch) == (T, 1, 1)


Step = tuple[str, ChannelName, str]
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("road"), st.sampled_from([W, S, T]), st.sampled_from(["open", "refuses", "hangs"])),
        st.tuples(st.just("writes"), st.sampled_from([W, S, T]), st.sampled_from(["2 pagnes", "oui", "salut"])),
        st.tuples(st.just("reports"), st.sampled_from([W, S]), st.sampled_from(["sent", "failed", "delivered"])),
        st.tuples(st.just("waits"), st.just(W), st.sampled_from(["5", "16"])),
    ),
    max_size=14,
)


def moves_that_may_count(talk: Conversation) -> int:
    """Notices that have left, with what followed them there; each is at most one move."""
    return len({(d.channel, d.epoch) for d in talk.deliveries if d.status in LEFT and d.epoch > 0})


async def _live(world: World, steps: Iterable[Step]) -> None:
    world.sent = {}
    await world.link_telegram()
    written = 0  # moves the shopper made by writing elsewhere
    for what, channel, how in steps:
        before = await world.conversation()
        phone = world.phones[channel]
        match what:
            case "road":
                phone.outcome = {"open": None, "refuses": REFUSED, "hangs": Unsure("timeout")}[how]
            case "writes":
                await world.write(how, channel)
                written += channel is not before.channel
            case "reports":
                items = [d for d in before.deliveries if d.provider_id]
                there = [i for i, d in enumerate(items) if d.channel is channel]
                if there:
                    code = "63012" if how == "failed" else None
                    await world.report(MessageStatus(how), code, nth=there[-1])
            case _:
                await world.turn(int(how))
        talk = await world.conversation()
        assert talk.epoch >= before.epoch
        assert (talk.channel is before.channel) or talk.epoch > before.epoch
        assert talk.epoch <= written + moves_that_may_count(talk)
        heard = written and what == "writes"
        left_there = any(d.channel is talk.channel and d.status in LEFT for d in talk.deliveries)
        assert talk.channel is before.channel or heard or left_there


@settings(max_examples=40 * SIZE, deadline=None)
@given(_STEPS)
def test_an_epoch_is_a_shopper_who_wrote_or_a_notice_that_left(steps: list[Step]) -> None:
    asyncio.run(_live(World(two_way_sms=True), steps))
