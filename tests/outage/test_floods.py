"""What comes late: hours-old words of shoppers, and what the provider had kept of ours. And a blip nobody notices."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

from bot.core.conversations import Conversation
from bot.core.messages import Awaiting
from bot.core.moving import LEFT
from tests.outage.crowd import P, Shopper, W, crowd
from tests.outage.report import Report, count
from tests.outage.test_outages import has_left, road_of, write_next
from tests.system.running import Running

SIZE = 100 if os.environ.get("RELAIS_TEST_SIZE") == "large" else 10
STALE = ("oui", "annule", "+ 1 foulard wax", "2", "je confirme")
"""What each types on the dead WhatsApp while it goes on elsewhere."""
BLIP = 40


async def test_a_flood_of_stale_messages_changes_nothing_unasked(
    relais: Running, keep: Callable[[Report], None]
) -> None:
    async with crowd(relais) as people:
        await people.invite([("telegram", "two_way")[i % 2] for i in range(SIZE)])
        await people.step(people.shoppers, lambda _: W)
        # From here on nothing passes in either direction, as when Meta is down.
        await people.write_as_it_breaks(
            lambda: write_next(people, people.shoppers), SIZE, lambda: people.fault("whatsapp", "late_flood")
        )
        await people.until(people.shoppers, has_left, 90, "everybody goes on elsewhere")
        while left := [
            s for s, t in await people.records(people.shoppers) if t.awaiting is not Awaiting.CONFIRMATION
        ]:
            await people.step(left, road_of)
        for words in STALE:
            await asyncio.gather(*(people.write(s, words) for s in people.shoppers))
        before = {s.id: talk for s, talk in await people.records(people.shoppers)}
        await people.fault("whatsapp", "late_flood", on=False)
        await people.until(people.shoppers, asked, 90, "one question about the late words")
        for shopper, talk in await people.records(people.shoppers):
            assert talk.basket == before[shopper.id].basket, "a stale word changed a basket"
            assert talk.last_order_id is None
            assert talk.late is not None
            assert sorted(m.text for m in talk.late.messages) == sorted(STALE)
        await asyncio.gather(*(people.write(s, "non", road_of(s)) for s in people.shoppers))
        await people.until(people.shoppers, lambda _, talk: talk.late is None, 60, "dropped")
        await people.finish(people.shoppers, road_of)
        asked_twice = 0
        for shopper in people.shoppers:
            questions = [m for m in await people.messages(shopper) if "vous aviez" in m["text"]]
            asked_twice += len(questions) > 1
        report = await count(people, Report(f"late flood of {len(STALE) * SIZE}"))
        keep(report)
    assert asked_twice == 0
    assert (report.completed, report.doubled_orders, report.wrong_orders, report.wrong_channel) == (SIZE, 0, 0, 0)


def asked(_: Shopper, talk: Conversation) -> bool:
    return talk.late is not None and talk.late.asked_at is not None


def at_rest(_: Shopper, talk: Conversation) -> bool:
    """Everything said has reached the phone."""
    return all(d.superseded_by or d.status in LEFT for d in talk.deliveries)


async def test_a_blip_of_40_seconds_writes_to_nobody_who_did_not_write(relais: Running) -> None:
    async with crowd(relais) as people:
        await people.invite([("telegram", "two_way", "one_way")[i % 3] for i in range(SIZE)])
        await people.until(people.shoppers, at_rest, 30, "quiet")
        writers, quiet = people.shoppers[:6], people.shoppers[6:]
        began = time.time()
        await people.fault("whatsapp", "reject")
        await write_next(people, writers)
        await people.until(writers, has_left, 60, "who wrote is answered elsewhere")
        await asyncio.sleep(max(0.0, began + BLIP - time.time()))
        await people.fault("whatsapp", "reject", on=False)
        await people.finish([s for s in writers if road_of(s) is not P], road_of)
        disturbed = [
            m for s in quiet for m in await people.messages(s) if m["at"] > began + 1
        ]
    assert disturbed == []
