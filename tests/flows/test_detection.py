"""What flows tell the health board, and what follows for the next shopper."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.addresses import ChannelName
from bot.core.failures import Certainty, Failure, Refused, Retry, Scope
from bot.core.health import INGRESS, AccountHealth, Evidence, Kind, State, domain_key
from bot.core.messages import Command, MessageStatus
from bot.flows import nudge
from bot.flows.desk import channel_health
from tests.flows.world import REFUSED, World

W, S, T = ChannelName.WHATSAPP, ChannelName.SMS, ChannelName.TELEGRAM


def open_world() -> World:
    """Phones that know whom they depend on."""
    world = World(two_way_sms=True)
    world.whatsapp.domains = ("meta", "twilio", "internet")
    world.sms.domains = ("twilio",)
    world.telegram.domains = ("telegram", "internet")
    return world


async def measured(world: World, key: str = "account:whatsapp") -> AccountHealth:
    return (await world.board.read([key]))[key]


async def routed(world: World) -> dict[ChannelName, State]:
    shop = await world.desk.shops.get(world.desk.shops.shop.id)  # type: ignore[attr-defined]
    assert shop is not None
    return {name: one.state for name, one in (await channel_health(world.desk, shop)).items()}


@pytest.mark.parametrize("scope", [Scope.RECIPIENT, Scope.CONTENT, Scope.WINDOW, Scope.THROTTLE, Scope.OURS])
async def test_a_failure_that_is_not_the_channels_is_no_evidence(scope: Scope) -> None:
    world = open_world()
    world.whatsapp.outcome = Refused(Failure(scope, Retry.OTHER_ROAD, Certainty.NOT_DELIVERED, "x"))
    for number in range(1, 7):
        await world.write("2 pagnes", number=number)
    health = await measured(world)
    assert (health.state, health.evidence, health.tests.highest) == (State.UP, (), 0.0)


async def test_a_refused_account_is_broken_at_once_and_not_an_outage() -> None:
    world = open_world()
    world.whatsapp.outcome = Refused(Failure(Scope.SENDER, Retry.NEVER, Certainty.NOT_DELIVERED, "20003"))
    await world.write("2 pagnes")
    assert (await measured(world)).state is State.BROKEN
    assert (await measured(world, domain_key("meta"))).state is State.UP


async def test_refusals_take_the_channel_down_and_the_next_shopper_waits_for_nothing() -> None:
    world = open_world()
    await world.write("2 pagnes", number=9)
    world.whatsapp.outcome = REFUSED
    for number in range(1, 5):
        await world.write("2 pagnes", number=number)
        await world.turn(1)
    assert (await measured(world)).state is State.DOWN
    world.whatsapp.outcome = None
    shown = len(world.whatsapp.texts)
    await world.board.may_probe("account:whatsapp", 15)
    await world.write("2 pagnes", number=6)
    assert len(world.whatsapp.texts) == shown


async def test_when_the_api_fails_sms_over_the_same_provider_is_down_as_well() -> None:
    world = open_world()
    world.whatsapp.outcome = world.sms.outcome = REFUSED
    for number in range(1, 7):
        await world.write("2 pagnes", number=number)
        await world.turn(1)
    assert (await measured(world, domain_key("twilio"))).state is State.DOWN
    assert (await measured(world, domain_key("meta"))).state is State.UP
    states = await routed(world)
    assert (states[W], states[S], states[T]) == (State.DOWN, State.DOWN, State.UP)


async def test_callbacks_that_do_not_come_are_our_own_trouble() -> None:
    world = open_world()
    world.whatsapp.record = MessageStatus.DELIVERED
    for number in range(1, 8):
        await world.write("2 pagnes", number=number)
        await world.turn(2)
    await world.turn(10)
    assert (await measured(world, domain_key(INGRESS))).state is State.DOWN
    assert (await measured(world)).state is State.UP
    assert world.sms.texts == []


async def test_silence_is_told_after_five_seconds_and_taken_back_when_it_leaves() -> None:
    world = open_world()
    await world.write("2 pagnes")
    await world.turn(4)
    assert (await measured(world)).tests.silence.value == 0
    await world.turn(2)
    assert (await measured(world)).tests.silence.value > 0
    await world.report(MessageStatus.SENT)
    assert (await measured(world)).tests.silence.value < 1


async def test_not_delivered_counts_for_a_phone_that_was_just_on() -> None:
    world = open_world()
    world.whatsapp.record = MessageStatus.SENT
    await world.write("2 pagnes")
    await world.report(MessageStatus.SENT)
    await world.turn(21)
    seen = (await measured(world)).evidence
    assert [one.kind for one in seen] == [Kind.UNDELIVERED]
    assert world.sms.texts == []


async def test_not_delivered_says_nothing_of_a_phone_that_was_away() -> None:
    world = open_world()
    world.whatsapp.record = MessageStatus.SENT
    await world.write("Salut")
    await world.report(MessageStatus.DELIVERED)
    await world.turn(300)
    command = Command("c1", "say", world.clock.now(), (("text", "Votre colis arrive"),))
    await world.lanes.put(world.lane(), command.id, world.desk.codec.encode_item(command))
    await world.work()
    await world.report(MessageStatus.SENT)
    await world.turn(60)
    assert (await measured(world)).evidence == ()


async def test_a_delivery_counts_once_though_it_is_read_as_well() -> None:
    world = open_world()
    await world.write("2 pagnes")
    for status in (MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ):
        await world.report(status)
    assert (await measured(world)).pace.count == 1


async def down(world: World) -> None:
    for number in range(1, 5):
        seen = Evidence(world.clock.now(), Kind.FAULT, f"r{number}", began_at=world.clock.now())
        await world.board.observe("account:whatsapp", seen)


async def test_a_recovering_channel_carries_one_message_a_second_at_first() -> None:
    world = open_world()
    for number in range(1, 4):
        await world.write("Salut", number=number)
        await world.report(MessageStatus.DELIVERED, number=number)
    await down(world)
    now = world.clock.now()
    await world.board.observe("account:whatsapp", Evidence(now, Kind.WORKS, "r1", began_at=now))
    assert (await measured(world)).state is State.RECOVERING
    shown = len(world.whatsapp.texts)
    for number in range(1, 4):
        await world.put(world.message("Salut", number=number))
    await world.work()
    at_once = len(world.whatsapp.texts) - shown
    await world.turn(5)
    assert at_once == 1
    assert len(world.whatsapp.texts) - shown == 3


async def moved_and_resting(world: World) -> None:
    await world.write("2 pagnes")
    await world.report(MessageStatus.FAILED, "63012")
    await world.write("oui", S)
    await down(world)
    await world.turn(5)
    world.clock.time += nudge.RESTS_AFTER
    await world.work()


async def tell_again(world: World, number: str = "AM-1") -> None:
    arguments = (("channel", "whatsapp"), ("number", number))
    command = Command(f"nudge:{world.clock.now()}", nudge.NAME, world.clock.now(), arguments)
    await world.lanes.put(world.lane(), command.id, world.desk.codec.encode_item(command))
    await world.work()


async def test_the_last_resort_is_a_status_message_on_the_dead_channel_and_its_delivery_counts() -> None:
    world = open_world()
    await moved_and_resting(world)
    assert (await measured(world)).state is State.DOWN
    await tell_again(world)
    assert "AM-1" in world.whatsapp.texts[-1]
    await world.report(MessageStatus.DELIVERED)
    assert (await measured(world)).state is State.RECOVERING
    assert (await world.conversation()).channel is S


async def test_the_last_resort_disturbs_nobody_who_is_asked_something() -> None:
    world = open_world()
    await moved_and_resting(world)
    await world.write("recap", S)
    shown = len(world.whatsapp.texts)
    await tell_again(world)
    assert len(world.whatsapp.texts) == shown


async def test_a_refused_last_resort_blocks_no_answer() -> None:
    world = open_world()
    await moved_and_resting(world)
    world.whatsapp.outcome = REFUSED
    await tell_again(world)
    told = len(world.sms.texts)
    await world.turn(40)
    await world.write("Salut", S)
    assert len(world.sms.texts) == told + 1


async def test_only_conversations_that_rest_are_told() -> None:
    world = open_world()
    await moved_and_resting(world)
    conversation, now = await world.conversation(), world.clock.now()
    assert nudge.may_be_told(conversation, W, now)
    for other in (
        replace(conversation, human=True),
        replace(conversation, last_message_at=now - 60),
        replace(conversation, home_channel=None),
        replace(conversation, heard_at={W: now - 90_000}),
    ):
        assert not nudge.may_be_told(other, W, now)
