"""An outage tells the right shoppers first, once each, within rate, budget and quiet hours; the rest are to be called."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.core.messages import Command
from bot.core.shops import Policy
from bot.flows.receive import put_item
from bot.ledger import outages
from bot.ledger.engine import open_ledger
from bot.ledger.outage_models import ReachOut
from bot.storage import codec
from tests.ledger.outage import Outage, S, T, W


@pytest.fixture
async def world(sqlite_tables: Path, tmp_path: Path) -> AsyncIterator[Outage]:
    """On SQLite; that PostgreSQL orders and counts alike is proved in ``test_outage_book``."""
    place = shutil.copyfile(sqlite_tables, tmp_path / "ledger.db")
    ledger = open_ledger(f"sqlite+aiosqlite:///{place}")
    made = Outage(ledger)
    await made.open()
    yield made
    await ledger.close()


async def down_for(world: Outage, seconds: float) -> None:
    await world.whatsapp_is("down")
    world.clock.time += seconds


async def rest(world: Outage, seconds: float = 3600.0) -> None:
    """Long enough that nobody counts as having just written."""
    world.clock.time += seconds
    await world.project()


async def test_nobody_is_written_to_before_three_minutes(world: Outage) -> None:
    await world.link_telegram()
    await world.write("2 pagnes")
    await rest(world)
    said = len(world.telegram.shown)
    await down_for(world, 170)

    assert (await world.reach(), len(world.telegram.shown)) == (0, said)


async def test_an_open_basket_goes_on_over_telegram_without_a_word_of_the_shopper(world: Outage) -> None:
    await world.link_telegram()
    await world.write("2 pagnes")
    await rest(world)
    await down_for(world, 200)

    assert await world.reach() == 1
    notice = world.telegram.texts[-1]
    assert (
        "WhatsApp ne passe plus" in notice
        and "2 x Pagne Uniwax (rouge)" in notice
        and "on confirme" in notice
    )
    assert (await world.conversation()).channel is T


async def test_nobody_is_told_twice_of_one_outage(world: Outage) -> None:
    await world.link_telegram()
    await world.write("2 pagnes")
    await rest(world)
    await down_for(world, 200)
    await world.reach(3)
    incident = (await world.book.lasting())[0]
    said = len(world.telegram.shown)
    await put_item(world.lanes, codec, world.lane(), Command(f"reach:{incident.id}", "reach_out", 0.0))
    await world.work()

    assert len(world.telegram.shown) == said


async def test_a_crash_before_it_was_written_down_repeats_nothing(world: Outage) -> None:
    await world.link_telegram()
    await world.write("2 pagnes")
    await rest(world)
    await down_for(world, 200)
    await world.reach()
    async with world.ledger.writing() as connection:
        await connection.execute(ReachOut.__table__.delete())
    said = len(world.telegram.shown)
    await world.reach(3)

    assert len(world.telegram.shown) == said


async def test_the_more_valuable_basket_is_told_first(world: Outage) -> None:
    world.shops.shop = replace(world.shop, sms_per_second=1.0)
    for number, pagnes in ((1, 1), (2, 3), (3, 2)):
        for _ in range(pagnes):
            await world.write("2 pagnes", number=number)
    await rest(world)
    await down_for(world, 200)
    order = []
    for _ in range(3):
        await world.reach()
        order.append(world.sms.shown[-1].to)

    assert order == ["+2250700000002", "+2250700000003", "+2250700000001"]


async def test_sms_go_at_the_accounts_rate(world: Outage) -> None:
    for number in range(1, 6):
        await world.write("2 pagnes", number=number)
    await rest(world)
    await down_for(world, 200)

    assert [await world.reach() for _ in range(6)] == [1, 1, 1, 1, 1, 0]


async def test_the_budget_of_an_hour_ends_it_and_the_next_hour_goes_on(world: Outage) -> None:
    world.shops.shop = replace(world.shop, policy=Policy(sms_budget_xof_per_hour=80))
    for number in range(1, 5):
        await world.write("2 pagnes", number=number)
    await rest(world)
    await down_for(world, 200)
    await world.reach(5)
    first = len(world.sms.shown)
    world.clock.time += 3700
    await world.reach(5)

    assert (first, len(world.sms.shown)) == (2, 4)


async def test_an_answer_to_someone_who_has_just_written_goes_beyond_the_budget_and_is_counted(
    world: Outage,
) -> None:
    world.shops.shop = replace(world.shop, policy=Policy(sms_budget_xof_per_hour=0))
    await down_for(world, 200)
    await world.write("2 pagnes")

    assert len(world.sms.shown) == 1
    assert await world.desk.meter.spent(f"sms:{world.shop.id}") == 35


async def test_quiet_hours_hold_it_until_morning(world: Outage) -> None:
    night = Policy(quiet_hours=("21:30", "07:00"))
    world.clock.time = 1_800_050_000.0 - 1_800_050_000.0 % 86400 + 22 * 3600
    world.shops.shop = replace(world.shop, policy=night)
    await world.link_telegram()
    await world.write("2 pagnes")
    await rest(world)
    await down_for(world, 200)
    await world.reach(2)
    silent = len(world.telegram.shown)
    world.clock.time += 10 * 3600
    await world.work()

    assert len(world.telegram.shown) == silent + 1


async def test_what_night_held_is_dropped_when_whatsapp_is_back_by_morning(world: Outage) -> None:
    world.clock.time = 1_800_050_000.0 - 1_800_050_000.0 % 86400 + 22 * 3600
    world.shops.shop = replace(world.shop, policy=Policy(quiet_hours=("21:30", "07:00")))
    await world.link_telegram()
    await world.write("2 pagnes")
    await rest(world)
    await down_for(world, 200)
    await world.reach(2)
    said = (len(world.telegram.shown), len(world.whatsapp.shown))
    await world.whatsapp_is("auto")
    world.clock.time += 10 * 3600
    await world.work()

    assert (len(world.telegram.shown), len(world.whatsapp.shown)) == said


async def test_stop_ends_unasked_messages_on_all_addresses_and_the_call_too(world: Outage) -> None:
    await world.link_telegram()
    await world.write("2 pagnes")
    await world.write("stop", S)
    await rest(world)
    await down_for(world, 200)
    said = len(world.telegram.shown)
    await world.reach(2)

    assert len(world.telegram.shown) == said
    assert await outages.calls(world.ledger, world.shop.id) == []


async def test_who_has_no_road_is_on_the_call_list_with_what_to_say(world: Outage) -> None:
    world.phones.pop(S)
    await world.write("2 pagnes")
    await rest(world)
    await down_for(world, 200)
    await world.reach(2)
    [call] = await outages.calls(world.ledger, world.shop.id)

    assert (call["phone"], call["value_xof"]) == ("+2250700000001", 32000)
    assert call["say"].startswith("Bonjour, ici Awa Mode. WhatsApp ne passe plus")
    assert "2 x Pagne Uniwax (rouge)" in call["say"]


async def test_an_open_checkout_that_is_silent_on_telegram_gets_one_sms(world: Outage) -> None:
    await world.link_telegram()
    await world.write("2 pagnes")
    await rest(world)
    await down_for(world, 200)
    await world.reach()
    before = len(world.sms.shown)
    await world.turn(599)
    early = len(world.sms.shown)
    await world.turn(1500)

    assert (early - before, len(world.sms.shown) - before) == (0, 1)
    assert "WhatsApp en panne" in world.sms.texts[-1]


async def test_an_answer_on_telegram_spares_the_sms(world: Outage) -> None:
    await world.link_telegram()
    await world.write("2 pagnes")
    await rest(world)
    await down_for(world, 200)
    await world.reach()
    await world.write("merci", T)
    before = len(world.sms.shown)
    await world.turn(700)

    assert len(world.sms.shown) == before


async def test_a_forty_second_blip_writes_to_nobody(world: Outage) -> None:
    await world.link_telegram()
    await world.write("2 pagnes")
    await rest(world)
    said = len(world.telegram.shown)
    await down_for(world, 40)
    await world.reach()
    await world.whatsapp_is("auto")
    world.clock.time += 600
    await world.reach(3)

    assert len(world.telegram.shown) == said


async def test_each_of_many_is_asked_once(world: Outage) -> None:
    for number in range(1, 21):
        await world.write("2 pagnes", number=number)
    world.shops.shop = replace(world.shop, sms_per_second=10.0, policy=Policy(sms_budget_xof_per_hour=10_000))
    await rest(world)
    await down_for(world, 200)
    asked = await world.reach(4)
    async with world.ledger.reading() as connection:
        written = await connection.scalar(select(func.count()).select_from(ReachOut))

    assert (asked, written, len({o.to for o in world.sms.shown}), len(world.sms.shown)) == (20, 20, 20, 20)
    assert W not in {(await world.conversation(n)).channel for n in range(1, 21)}
