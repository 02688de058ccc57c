"""Incidents open and close with the state of a channel, count what is in the transcript, and owe alerts once."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from bot.core import incidents, triage
from bot.core.addresses import LaneId, parse
from bot.core.customers import KnownAddress, Proof
from bot.core.readiness import Road
from bot.core.triage import Candidate, Tier
from bot.flows.keep_incidents import look
from bot.ledger import outages
from bot.ledger.engine import Ledger
from bot.ledger.models import OutboxRow
from bot.ledger.outage_models import Incident
from bot.ledger.projector import LedgerRecords
from bot.ledger.times import instant
from bot.ports import OpenIncident
from tests.ledger.outage import OWNER, Outage, S, T, W, fault
from tests.ledger.samples import NOON, SHOP, conversation, entry


@pytest.fixture
async def world(ledger: Ledger) -> AsyncIterator[Outage]:
    made = Outage(ledger)
    await made.open()
    yield made


async def the_incident(world: Outage) -> dict[str, object]:
    async with world.ledger.reading() as connection:
        return dict((await connection.execute(select(Incident.__table__))).one()._mapping)


async def events(world: Outage) -> list[str]:
    async with world.ledger.reading() as connection:
        rows = await connection.scalars(select(OutboxRow.type).order_by(OutboxRow.n))
        return [type_ for type_ in rows if type_.startswith("incident.")]


async def test_refusals_open_one_incident_with_beginning_and_evidence(world: Outage) -> None:
    now = world.clock.now()
    await world.hear([fault(now + n, f"r{n}") for n in range(8)])
    world.clock.time += 9
    for _ in range(3):
        await look(world.desk, world.book)
    found = await the_incident(world)

    assert (found["channel"], found["ended_at"]) == ("whatsapp", None)
    assert found["fault_domain"] == "meta"
    assert found["began_at"] == instant(now - 1)
    assert found["evidence"][0]["kind"] == "fault"  # type: ignore[index]
    assert await events(world) == ["incident.opened"]


async def test_what_everything_down_shares_is_the_domain(world: Outage) -> None:
    await world.board.force(world.shop.id, S, "down", "test", world.clock.now())
    await world.whatsapp_is("down")
    async with world.ledger.reading() as connection:
        rows = await connection.scalars(select(Incident.fault_domain))
        assert set(rows) == {"twilio"}


async def test_up_closes_it_and_tells_the_feed(world: Outage) -> None:
    await world.whatsapp_is("down")
    world.clock.time += 300
    await world.whatsapp_is("auto")
    found = await the_incident(world)

    assert found["ended_at"] == instant(world.clock.now())
    assert await events(world) == ["incident.opened", "incident.closed"]


async def test_a_relapse_is_the_same_outage(world: Outage) -> None:
    for state, seconds in (("down", 60), ("auto", 60), ("down", 60), ("auto", 60)):
        await world.whatsapp_is(state)
        world.clock.time += seconds
    found = await the_incident(world)

    assert (found["relapses"], await events(world)) == (1, ["incident.opened", "incident.closed"] * 2)


async def test_the_owner_is_told_at_the_start_over_another_channel(world: Outage) -> None:
    await world.whatsapp_is("down")
    await world.alert()

    assert await world.alerts() == [("down", "owner", "sent")]
    [told] = world.sms.shown
    assert told.to == OWNER.address.value
    assert told.part.text.startswith("Awa Mode : WhatsApp ne passe plus depuis")


async def test_a_flapping_channel_is_told_once(world: Outage) -> None:
    for _ in range(10):
        await world.whatsapp_is("down")
        await world.alert()
        world.clock.time += 30
        await world.whatsapp_is("auto")
        await world.alert()
        world.clock.time += 30

    assert len(world.sms.shown) == 1


async def test_the_end_is_told_once_it_has_lasted(world: Outage) -> None:
    await world.whatsapp_is("down")
    await world.alert()
    world.clock.time += 600
    await world.whatsapp_is("auto")
    await world.alert()
    early = len(world.sms.shown)
    world.clock.time += 121
    await world.alert()
    await world.alert()

    assert (early, len(world.sms.shown)) == (1, 2)
    assert "remarche" in world.sms.texts[-1]


async def test_a_restarted_job_repeats_no_alert(world: Outage) -> None:
    await world.whatsapp_is("down")
    await world.alert()
    restarted = type(world.book)(world.ledger, world.book._shops)
    await look(world.desk, restarted)
    await look(world.desk, world.book)
    await world.alert()

    assert len(world.sms.shown) == 1


async def test_an_alert_in_flight_when_the_process_died_is_sent_again(world: Outage) -> None:
    await world.whatsapp_is("down")
    [due] = await world.book.due_alerts(world.clock.now(), 5)
    await world.book.alert_leaves(due, world.clock.now(), world.clock.now() + 30)
    world.clock.time += 31
    await world.alert()

    assert (await world.alerts(), len(world.sms.shown)) == ([("down", "owner", "sent")], 1)


async def test_no_alert_goes_over_a_channel_that_is_down(world: Outage) -> None:
    await world.board.force(world.shop.id, S, "down", "test", world.clock.now())
    await world.whatsapp_is("down")
    await world.alert()

    assert world.sms.shown == []
    assert {status for _, _, status in await world.alerts()} == {"waiting"}


async def test_an_incident_counts_moves_answers_and_costs_from_the_transcript(world: Outage) -> None:
    await world.write("2 pagnes")
    world.clock.time += 60
    await world.whatsapp_is("down")
    world.clock.time += 1
    await world.write("et la livraison ?")
    world.clock.time += 60
    await world.project()
    await world.book.recount(world.clock.now(), settling=False)
    found = await the_incident(world)

    assert (found["moved"], found["answered"], found["lost"], found["spent_xof"]) == (1, 1, 0, 35)


async def test_counting_again_changes_nothing(world: Outage) -> None:
    await world.whatsapp_is("down")
    await world.write("2 pagnes")
    await world.project()
    await world.book.recount(world.clock.now(), settling=False)
    first = await the_incident(world)
    world._projected = 0
    await world.project()
    await world.book.recount(world.clock.now(), settling=False)

    assert await the_incident(world) == first


async def test_the_report_is_french_and_says_what_it_came_to(world: Outage) -> None:
    await world.whatsapp_is("down")
    [shown] = await outages.current(world.ledger, world.shop.id)
    text = incidents.report("Awa Mode", shown, "Africa/Abidjan")

    assert "Awa Mode : panne de WhatsApp" in text
    assert "Commandes sauvées" in text and "dure encore" in text


async def test_readiness_counts_who_is_left(ledger: Ledger) -> None:
    phone, telegram = parse("tel:+2250700000001"), parse("telegram:42")
    assert phone is not None and telegram is not None
    ways = (
        (),
        (KnownAddress(telegram, "42", Proof.LINK, 1.0),),
        (KnownAddress(phone, phone.value, Proof.WHATSAPP, 1.0),),
        (KnownAddress(phone, phone.value, Proof.HEARD, 1.0),),
        (KnownAddress(telegram, "42", Proof.LINK, 1.0, opted_out=True),),
    )
    rows = []
    for number, more in enumerate(ways):
        one = conversation(lane=LaneId(f"07aabbccddeeff0011{number:02d}"))
        own = parse(f"whatsapp:+22507000001{number:02d}")
        assert own is not None
        known = replace(one.customer.addresses[0], address=own)
        rows.append(
            (f"07:{number}-0", entry(replace(one, customer=replace(one.customer, addresses=(known, *more)))))
        )
    await LedgerRecords(ledger).write(rows)
    domains = {W: ("meta", "twilio", "internet"), T: ("telegram", "internet"), S: ("twilio",)}
    found = await outages.ready(ledger, SHOP, domains)

    assert found["shoppers"] == {
        "total": 5,
        "reachable_without": {"whatsapp": 2, "meta": 2, "twilio": 1, "internet": 1},
    }
    assert found["open_baskets"]["reachable_without"] == {
        "whatsapp": 3,
        "meta": 3,
        "twilio": 1,
        "internet": 2,
    }


async def test_consents_tell_how_an_address_came_and_went(world: Outage) -> None:
    await world.link_telegram()
    await world.write("bonjour")
    await world.write("stop", S)
    await world.write("start", S)
    await world.project()
    customer = (await world.conversation()).customer
    told = {
        (c["address"].partition(":")[0], c["granted"], c["how"])
        for c in await outages.consents(world.ledger, world.shop.id, customer.id)
    }

    assert {
        ("whatsapp", True, "heard"),
        ("telegram", True, "link"),
        ("tel", True, "whatsapp"),
        ("tel", False, "stop"),
        ("tel", True, "start"),
    } <= told


async def test_a_call_is_ticked_off_once_and_listed_in_the_file(world: Outage) -> None:
    world.phones.pop(S)
    await world.write("2 pagnes")
    await world.project()
    await world.whatsapp_is("down")
    world.clock.time += 3600
    await world.reach()
    lane = world.lane()
    first = await outages.tick(world.ledger, world.shop.id, lane, "awa", NOON)
    again = await outages.tick(world.ledger, world.shop.id, lane, "moussa", NOON + timedelta(hours=1))
    foreign = await outages.tick(world.ledger, "coton-doux", lane, "x", NOON)
    rows = list(
        csv.DictReader(io.StringIO((await outages.calls_csv(world.ledger, world.shop.id)).lstrip("\ufeff")))
    )

    assert (first, again, foreign) == (True, True, False)
    assert [(row["called_by"], row["phone"]) for row in rows] == [("awa", "'+2250700000001")]
    assert await outages.calls(world.ledger, world.shop.id) == []


PEOPLE = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 40_000), st.integers(0, 100_000), st.sampled_from([1, 3, 5, 9])
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=PEOPLE)
async def test_the_ledger_walks_in_the_order_of_triage(
    ledger: Ledger, people: list[tuple[int, int, int, int]]
) -> None:
    from bot.ledger.columns import Base
    from bot.ledger.models import ConversationRow, Customer

    now = 1_800_000_000.0
    customers, rows, expected = [], [], []
    for n, (kind, value, age, roads) in enumerate(people):
        value = 0 if kind == 0 else value
        urgency = triage.urgency(value, now - age)
        customers.append(
            {
                "id": f"c{n}",
                "shop_id": SHOP,
                "name": None,
                "language": "fr",
                "roads": roads,
                "mark": "",
                "created_at": NOON,
            }
        )
        rows.append(
            {"id": f"l{n:02d}", "shop_id": SHOP, "customer_id": f"c{n}", "status": "bot", "channel": "whatsapp",
             "epoch": 0, "awaiting": None, "basket": {}, "basket_xof": value, "urgency": urgency, "snapshot": {},
             "mark": "", "created_at": NOON, "last_message_at": instant(now - age)}
        )  # fmt: skip
        if value and age <= triage.BASKET_SECONDS:
            expected.append(Candidate(f"l{n:02d}", Tier.ORDER, urgency, Road(roads), value))
        if not value and age <= triage.IDLE_SECONDS:
            expected.append(Candidate(f"l{n:02d}", Tier.REST, urgency, Road(roads), value))
    async with ledger.writing() as connection:
        for table in (Base.metadata.tables["conversations"], Base.metadata.tables["customers"]):
            await connection.execute(table.delete())
        await connection.execute(insert(Customer), customers)
        await connection.execute(insert(ConversationRow), rows)
    incident = OpenIncident("i1", SHOP, W, now)  # type: ignore[arg-type]
    book = Outage(ledger).book
    found = [
        one for tier in Tier for one, _ in await book.candidates(incident, tier, Road(0), Road(0), now, 100)
    ]

    assert found == triage.in_order(expected)
