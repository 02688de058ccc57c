"""Trying things before an outage does: a test message to one's own people, and a rehearsal of a recorded day."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from redis.asyncio import Redis

from bot.core.addresses import Address, ChannelName, Scheme
from bot.core.failures import Certainty, Failure, Refused, Retry, Scope
from bot.core.shops import AlertTo
from bot.flows import alert
from bot.ledger.outage_book import LedgerOutages
from bot.ledger.shops import LedgerShops
from bot.ledger.trial_messages import MOST_PER_HOUR
from bot.web.rehearsals import Drills, alone
from tests.web.house import SHOP
from tests.web.office import Office, open_office

MAMAN = AlertTo("Maman", Address(Scheme.TEL, "+2250700000180"), "owner")
REFUSED = Refused(Failure(Scope.RECIPIENT, Retry.NEVER, Certainty.NOT_DELIVERED, "21211"))


def with_alerts(office: Office) -> None:
    shops = office.house.shops.shops
    shops[SHOP] = replace(shops[SHOP], alerts=(MAMAN,))


async def send_alerts(office: Office) -> None:
    """What the worker's job does."""
    book = LedgerOutages(office.house.ledger, LedgerShops(office.house.ledger, {}))
    for due in await book.due_alerts(office.house.clock.now(), 20):
        await alert.send(office.house.desk, book, due)


async def test_a_test_message_goes_to_ones_own_number_and_its_end_is_shown(office: Office) -> None:
    with_alerts(office)
    phones = office.house.phones
    async with office.signed_in("owner") as owner:
        once = "ab" * 12
        for _ in range(2):
            await owner.post("/channels/sms/test", to="tel:+2250700000180", once=once)
        under_way = (await owner.get("/channels")).text
        await send_alerts(office)
        ended = (await owner.get("/channels/sms/test")).text
        phones[ChannelName.WHATSAPP].outcome = REFUSED
        await owner.post("/channels/whatsapp/test", to="whatsapp:+2250700000180")
        await send_alerts(office)
        refused = (await owner.get("/channels/whatsapp/test")).text

    assert "en cours d&#39;envoi" in under_way and 'hx-trigger="every 2s"' in under_way
    [sent] = phones[ChannelName.SMS].shown
    assert sent.to == "+2250700000180" and "message de test par SMS, envoyé par Owner" in sent.part.text
    assert "accepté par l&#39;opérateur" in ended and "every" not in ended
    assert "refusé." in refused and "21211" in refused


async def test_nobody_else_can_be_written_to_and_not_without_end(office: Office) -> None:
    with_alerts(office)
    async with office.signed_in("owner") as owner:
        stranger = await owner.post("/channels/sms/test", to="tel:+2250500000001")
        said = [
            (await owner.post("/channels/sms/test", to=str(MAMAN.address))).headers["location"]
            for _ in range(MOST_PER_HOUR + 1)
        ]
    assert stranger.headers["location"].endswith("bad-value")
    assert [one.rpartition("=")[2] for one in said] == ["tested"] * MOST_PER_HOUR + ["too-many-tests"]


def report(folder: Path, state: str, **more: object) -> str:
    """What ``supervisor.drill`` writes."""
    plan = {"id": f"2021-10-04-{state}", "shop": SHOP, "day": "2021-10-04", "speed": 60.0, "people": 12}
    place = folder / "drills" / str(plan["id"])
    place.mkdir(parents=True)
    written = {"plan": plan, "state": state, "started_at": "2026-11-25T10:00:00Z", **more}
    (place / "report.json").write_text(json.dumps(written), encoding="utf-8")
    return str(plan["id"])


PHONES = {
    "written": 90, "answered": 89, "unanswered": 1, "wait_median_s": 1.4, "wait_p95_s": 3.0, "wait_longest_s": None,
}  # fmt: skip
INCIDENT = {
    "channel": "whatsapp", "fault_domain": "meta", "began_at": "2026-11-25T10:02:00Z",
    "detected_at": "2026-11-25T10:02:20Z", "ended_at": "2026-11-25T10:09:00Z", "moved": 7, "answered": 5, "held": 0,
    "lost": 0, "duplicated": 0, "returned": 3, "spent_xof": 70, "saved_xof": 45000,
}  # fmt: skip


async def test_a_rehearsal_is_followed_and_its_report_read(redis: Redis, tmp_path: Path) -> None:
    drills = Drills(tmp_path, tmp_path / "shops")
    running = report(tmp_path, "running")
    over = report(tmp_path, "over", phones=PHONES, incidents=[INCIDENT])
    failed = report(tmp_path, "failed", detail="TimeoutError")
    async with open_office(redis, drills=drills) as office, office.signed_in("staff") as staff:
        listed = (await staff.get("/drills")).text
        pages = {one: (await staff.get(f"/drills/{one}")).text for one in (running, over, failed)}
        with alone(tmp_path / "drills"):
            second = await staff.post("/drills", day="2021-10-04", speed="60")
        wrong = await staff.post("/drills", day="1999-01-01", speed="60")
        async with office.signed_in("stranger") as stranger:
            theirs = (await stranger.get(f"/drills/{over}")).status_code

    assert all(f"/console/drills/{one}" in listed for one in pages)
    assert "every 5s" in pages[running] and "every 5s" not in pages[over]
    assert "90 messages écrits, 1 sans réponse." in pages[over] and "45\u202f000\u00a0F" in pages[over]
    assert "s&#39;est arrêtée avant la fin" in pages[failed]
    assert [answer.headers["location"] for answer in (second, wrong)] == [
        "/console/drills?fait=drilling", "/console/drills?fait=bad-value",
    ]  # fmt: skip
    assert theirs == 404
