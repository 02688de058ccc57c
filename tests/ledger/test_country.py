"""The country's internet is cut: SMS without a link, a call list, and the shop's people told once, on their own numbers."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from bot.core.health import INTERNET, Evidence, Kind, State, domain_key
from bot.flows.keep_incidents import look
from bot.ledger import outages
from bot.ledger.engine import open_ledger
from bot.ledger.models import OrderRow
from bot.ledger.outage_models import AlertRow, Incident
from bot.ledger.times import instant
from tests.ledger.outage import OWNER, RIDER, Outage, S

KEY = domain_key(INTERNET)


@pytest.fixture
async def world(sqlite_tables: Path, tmp_path: Path) -> AsyncIterator[Outage]:
    place = shutil.copyfile(sqlite_tables, tmp_path / "ledger.db")
    ledger = open_ledger(f"sqlite+aiosqlite:///{place}")
    made = Outage(ledger)
    await made.open()
    yield made
    await ledger.close()


async def cut(world: Outage) -> None:
    """Nobody writes on Telegram, and WhatsApp does not reach who has just written."""
    now = world.clock.now()
    await world.board.observe(KEY, Evidence(now, Kind.PROBE_FAILED, ""))
    await world.board.observe(KEY, Evidence(now, Kind.QUIET, ""))
    for index in range(8):
        seen = Evidence(now, Kind.UNDELIVERED, f"r{index}", began_at=now - 21, source="account:whatsapp")
        await world.board.observe(KEY, seen)
    await look(world.desk, world.book)


async def mended(world: Outage) -> None:
    for index in range(6):
        await world.board.observe(KEY, Evidence(world.clock.now(), Kind.WORKS, f"r{index}"))
    await look(world.desk, world.book)


async def told(world: Outage) -> list[tuple[str, str]]:
    async with world.ledger.reading() as connection:
        rows = await connection.execute(select(AlertRow.role, AlertRow.text).order_by(AlertRow.created_at))
        return [(row.role, row.text) for row in rows]


async def a_delivery(world: Outage) -> None:
    """An order of this morning that is on its way."""
    at = instant(world.clock.now() - 3600)
    row = {
        "id": "o1", "shop_id": world.shop.id, "number": "AM-0007", "basket_id": "b", "basket_version": 1,
        "turn_id": "t", "conversation_id": "l", "customer_id": "c", "status": "out_for_delivery",
        "name": "Aya Koné", "phone": "+2250700000033", "commune": "Cocody", "landmark": "portail vert",
        "fee_xof": 1500, "payment_method": "cash", "payment_status": "unpaid", "items_total_xof": 32000,
        "total_xof": 33500, "channel": "whatsapp", "version": 1, "created_at": at, "updated_at": at,
    }  # fmt: skip
    async with world.ledger.writing() as connection:
        await connection.execute(insert(OrderRow), [row])


async def test_what_fell_is_the_internet_and_not_meta(world: Outage) -> None:
    await cut(world)
    async with world.ledger.reading() as connection:
        rows = await connection.execute(select(Incident.channel, Incident.fault_domain).order_by(Incident.channel))
        assert [tuple(row) for row in rows] == [("telegram", INTERNET), ("whatsapp", INTERNET)]


async def test_the_owner_is_told_once_for_all_channels_with_whom_to_call(world: Outage) -> None:
    await world.write("2 pagnes")
    await world.project()
    await cut(world)
    await world.alert()

    assert [outgoing.to for outgoing in world.sms.shown] == [OWNER.address.value]
    assert world.sms.texts[0].startswith("Awa Mode : Internet est coupé dans le pays depuis ")
    assert world.sms.texts[0].endswith("Restent : SMS, appels. A appeler : +2250700000001 32 000 F.")


async def test_the_owner_is_told_once_of_the_end(world: Outage) -> None:
    await cut(world)
    await world.alert()
    world.clock.time += 3600
    await mended(world)
    world.clock.time += 121
    await world.alert()

    assert (await world.board.read([KEY]))[KEY].state is State.UP
    assert len(world.sms.shown) == 2
    assert " : Internet est revenu depuis " in world.sms.texts[1]
    assert " (panne de 1 h 00)." in world.sms.texts[1]


async def test_the_rider_gets_the_deliveries_of_today_once(world: Outage) -> None:
    await a_delivery(world)
    await cut(world)
    await world.alert()

    [mine] = [outgoing.part.text for outgoing in world.sms.shown if outgoing.to == RIDER.address.value]
    assert mine == (
        "Awa Mode : Internet coupé, appelez les clients. Livraisons du jour :"
        " AM-0007 Aya Koné +2250700000033 Cocody portail vert."
    )


async def test_a_rider_without_deliveries_is_left_alone(world: Outage) -> None:
    await cut(world)
    assert [role for role, _ in await told(world)] == ["owner"]


async def test_sms_goes_out_without_a_link_and_names_the_phone(world: Outage) -> None:
    await world.write("2 pagnes")
    await cut(world)
    await world.board.may_probe("account:whatsapp", 60)
    await world.write("et la livraison ?")

    assert world.sms.texts == [
        "Awa Mode: Internet coupé, appelez-nous. Votre panier : 2 x Pagne Uniwax (rouge) = 32 000 F."
        " Tel +2250700000199"
    ]


async def test_who_has_no_number_that_works_is_called_not_written_to(world: Outage) -> None:
    """Telegram is as dead as WhatsApp: it takes everything, and nobody reads it."""
    await world.link_telegram()
    await world.write("2 pagnes")
    world.clock.time += 3600
    await world.project()
    world.phones.pop(S)
    before = len(world.telegram.shown)
    await cut(world)
    world.clock.time += 200
    await world.reach()

    assert len(world.telegram.shown) == before
    [call] = await outages.calls(world.ledger, world.shop.id)
    assert (call["phone"], call["value_xof"]) == ("+2250700000001", 32000)


async def test_while_it_is_only_suspected_the_link_is_left_out_already(world: Outage) -> None:
    await world.write("2 pagnes")
    now = world.clock.now()
    for kind in (Kind.PROBE_FAILED, Kind.QUIET):
        await world.board.observe(KEY, Evidence(now, kind, ""))
    for index in range(2):
        await world.board.observe(KEY, Evidence(now, Kind.UNDELIVERED, f"r{index}", source="account:whatsapp"))
    assert (await world.board.read([KEY]))[KEY].state is State.SUSPECT
    await world.whatsapp_is("down")
    await world.write("oui")

    assert "http" not in world.sms.texts[-1]

