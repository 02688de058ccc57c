"""An order begins on WhatsApp, WhatsApp dies, the order ends elsewhere, once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.addresses import ChannelName
from bot.core.failures import Unsure
from bot.core.gsm7 import segments
from bot.core.health import State
from bot.core.messages import Command, MessageStatus, Reported
from bot.flows.receive import receive
from bot.storage import codec
from tests.flows.world import REFUSED, TOKENS, World

T, S, W, P = (
    ChannelName.TELEGRAM,
    ChannelName.SMS,
    ChannelName.WHATSAPP,
    ChannelName.WEB,
)


async def test_all_is_well_and_one_order_is_placed() -> None:
    world = World()
    await world.write("2 pagnes")
    await world.write("oui")
    assert list(world.waiter.orders.values()) == ["AM-1"]
    assert world.whatsapp.texts[:2] == [
        "Recap 1 : on confirme ?",
        "Commande AM-1 confirmée",
    ]


async def test_a_refusal_by_callback_moves_the_question_to_telegram() -> None:
    world = World()
    await world.link_telegram()
    await world.write("2 pagnes")
    await world.report(MessageStatus.FAILED, "63012")
    notice = world.telegram.texts[-1]
    assert "WhatsApp ne passe plus" in notice
    assert "2 x Pagne Uniwax (rouge)" in notice
    assert "Recap 1 : on confirme ?" in notice
    moved = await world.conversation()
    assert (moved.channel, moved.epoch) == (T, 1)
    await world.write("oui", T)
    assert list(world.waiter.orders.values()) == ["AM-1"]


async def test_the_first_attempt_is_superseded_by_the_notice() -> None:
    world = World()
    await world.link_telegram()
    await world.write("2 pagnes")
    await world.report(MessageStatus.FAILED, "63012")
    shown = {
        d.reply.text: d.shown
        for d in (await world.conversation()).deliveries
        if d.question
    }
    assert shown["Recap 1 : on confirme ?"] is MessageStatus.SUPERSEDED


async def test_an_error_answer_moves_at_once_to_two_way_sms_with_numbers() -> None:
    world = World(two_way_sms=True)
    await world.write("2 pagnes")
    world.whatsapp.outcome = REFUSED
    await world.write("recap ?")
    assert world.sms.texts
    await world.write("oui", S)
    assert (await world.conversation()).channel is S


async def test_one_way_sms_is_one_segment_with_the_page() -> None:
    world = World()
    world.whatsapp.outcome = REFUSED
    await world.write("2 pagnes")
    [text] = world.sms.texts
    page = (await world.conversation()).page
    assert page is not None
    token = TOKENS.page_token(world.lane(), page.nonce)
    assert segments(text) == 1
    assert f"https://relais.example/c/{token}" in text
    assert "+2250700000199" in text.replace(" ", "") or "0700000199" in text.replace(
        " ", ""
    )
    assert await world.lanes.resolve(TOKENS.page_lane(token)) == world.lane()


async def test_three_refusals_of_two_shoppers_spare_the_third() -> None:
    world = World(two_way_sms=True)
    for number in (1, 2, 3):
        await world.write("2 pagnes", number=number)
    world.whatsapp.outcome = REFUSED
    await world.write("2 pagnes", number=1)
    await world.write("2 pagnes", number=2)
    await world.write("2 pagnes", number=1)
    before = await world.board.read(["account:whatsapp"])
    assert before["account:whatsapp"].state in (State.SUSPECT, State.DOWN)


async def test_a_wrong_number_goes_elsewhere_and_accuses_nobody() -> None:
    world = World(two_way_sms=True)
    await world.write("2 pagnes")
    await world.report(MessageStatus.FAILED, "63003")
    assert world.sms.texts
    assert (await world.board.read(["account:whatsapp"]))[
        "account:whatsapp"
    ].state is State.UP


async def test_silence_moves_after_12_seconds_when_the_record_agrees() -> None:
    world = World(two_way_sms=True)
    await world.write("2 pagnes")
    await world.turn(11)
    assert world.sms.texts == []
    await world.turn(2)
    assert len(world.sms.texts) == 1


async def test_silence_of_the_callbacks_alone_moves_nobody() -> None:
    world = World(two_way_sms=True)
    world.whatsapp.record = MessageStatus.DELIVERED
    await world.write("2 pagnes")
    await world.turn(30)
    assert world.sms.texts == []
    assert (await world.conversation()).channel is W


async def test_sent_without_delivered_moves_nobody() -> None:
    world = World(two_way_sms=True)
    await world.write("2 pagnes")
    await world.report(MessageStatus.SENT)
    await world.turn(60)
    assert world.sms.texts == []


async def test_an_unknown_outcome_is_repeated_once_by_the_next_road_after_the_grace() -> (
    None
):
    world = World(two_way_sms=True)
    world.whatsapp.outcome = Unsure("timeout")
    world.whatsapp.record = None
    await world.write("2 pagnes")
    await world.turn(9)
    assert world.sms.texts == []
    await world.turn(2)
    assert len(world.sms.texts) == 1
    await world.turn(40)
    assert len([text for text in world.sms.texts if "Recap" in text]) == 1


async def test_without_a_road_the_reply_is_held_and_comes_when_the_channel_does() -> (
    None
):
    world = World()
    del world.phones[S]
    world.whatsapp.outcome = REFUSED
    await world.write("2 pagnes")
    assert (await world.conversation()).deliveries[-1].status is MessageStatus.HELD
    await world.turn(125)
    assert (await world.conversation()).unreachable_told
    world.whatsapp.outcome = None
    await world.turn(20)
    assert len(world.whatsapp.texts) == 1


async def test_the_vendor_speaks_where_the_conversation_is() -> None:
    world = World()
    await world.write("Salut")
    command = Command("c1", "say", world.clock.now(), (("text", "Bonsoir, ici Awa"),))
    await world.lanes.put(
        world.lane(), command.id, world.desk.codec.encode_item(command)
    )
    await world.work()
    assert world.whatsapp.texts[-1] == "Bonsoir, ici Awa"


async def test_a_forced_down_channel_moves_the_next_reply_and_auto_lets_it_return() -> (
    None
):
    world = World(two_way_sms=True)
    await world.write("2 pagnes")
    await world.board.force(
        world.shops.shop.id, W, "down", "test", world.clock.now()
    )
    await world.write("encore")
    assert (await world.conversation()).channel is S


async def test_rasa_down_keeps_the_message_and_asks_again() -> None:
    world = World()
    world.waiter.down = True
    await world.write("2 pagnes")
    assert world.whatsapp.texts == []
    await world.turn(40)
    assert [
        text for text in world.whatsapp.texts if "Un instant" in text
    ] == world.whatsapp.texts
    world.waiter.down = False
    await world.turn(20)
    assert "Recap 1 : on confirme ?" in world.whatsapp.texts
    assert len((await world.conversation()).basket.lines) == 1


async def test_a_repeated_webhook_is_one_message() -> None:
    world = World()
    message = world.message("2 pagnes")
    for _ in range(3):
        await world.put(message)
    await world.work()
    assert len((await world.conversation()).basket.lines) == 1


@pytest.mark.parametrize("order", [(T, W), (W, T)])
async def test_two_oui_at_once_are_one_order_whichever_comes_first(order: tuple[ChannelName, ChannelName]) -> None:
    world = World()
    await world.link_telegram()
    await world.write("2 pagnes")
    for channel in order:
        await world.put(world.message("oui", channel))
    await world.work()
    assert len(world.waiter.orders) == 1
    talk = await world.conversation()
    assert (talk.last_order_id, talk.late) == ("AM-1", None)


async def test_a_late_cancel_is_asked_about_with_the_other_late_words() -> None:
    world = World(two_way_sms=True)
    await world.write("2 pagnes")
    await world.report(MessageStatus.FAILED, "63012")
    said = len(world.sms.texts)
    for text in ("oui", "annule"):
        await world.put(replace(world.message(text), written_at=world.clock.now() - 3600))
    await world.work()
    assert len(world.sms.texts) == said
    await world.turn(11)
    [question] = world.sms.texts[said:]
    assert "oui / annule" in question


@pytest.mark.parametrize("answer", ["oui", "non"])
async def test_late_messages_are_asked_about_once_and_never_applied_unasked(
    answer: str,
) -> None:
    world = World(two_way_sms=True)
    await world.write("2 pagnes")
    await world.report(MessageStatus.FAILED, "63012")
    moved = await world.conversation()
    assert moved.channel is S
    late = [world.message("2 pagnes"), world.message("oui")]
    for message in late:
        await world.put(replace(message, written_at=world.clock.now() - 3600))
    await world.work()
    assert (await world.conversation()).basket.version == 1
    assert world.waiter.orders == {}
    await world.turn(11)
    asked = [text for text in world.sms.texts if "vous aviez" in text]
    assert len(asked) == 1
    assert "2 pagnes / oui" in asked[0]
    await world.write(answer, S)
    assert world.waiter.orders == {}
    assert (await world.conversation()).basket.version == (2 if answer == "oui" else 1)
    await world.write("oui", S)
    assert len(world.waiter.orders) == 1


async def test_an_offer_that_is_kept_for_whatsapp_does_not_make_the_confirmation_wait() -> None:
    """Both failed there within a moment: the offer stays for its own channel alone."""
    world = World()
    await world.write("2 pagnes")
    await world.write("oui")
    assert "t.me/" in world.whatsapp.texts[-1]
    await world.board.force(world.shops.shop.id, W, "down", "test", world.clock.now())
    for item in (await world.conversation()).deliveries[-2:]:
        assert item.provider_id is not None
        failed = Reported(f"f:{item.id}", item.id, item.provider_id, MessageStatus.FAILED, 0.0, "63012")
        await receive(world.lanes, codec, TOKENS, failed)
    await world.work()
    assert world.sms.texts and "AM-1" in world.sms.texts[-1]
