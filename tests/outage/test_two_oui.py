"""A hundred shoppers say "oui" on two channels at the same instant: a hundred orders, each taking its stock once."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from bot.core.messages import Awaiting
from tests.outage.crowd import T, W, crowd
from tests.outage.report import Report, count
from tests.system.running import Running

TIMES = 100


async def test_two_oui_at_the_same_instant_a_hundred_times(relais: Running) -> None:
    async with crowd(relais) as people:
        people.first = "2 pagnes uniwax rouge Cocody wave"
        await people.invite(["telegram"] * TIMES)
        while left := [s for s, t in await people.records(people.shoppers) if t.awaiting is not Awaiting.CONFIRMATION]:
            await people.step(left, lambda _: W)
        await asyncio.gather(
            *(people.write(shopper, "oui", road) for shopper in people.shoppers for road in (W, T))
        )
        await people.until(people.shoppers, lambda _, talk: talk.last_order_id is not None, 90, "an order each")
        await people.until(people.shoppers, lambda _, talk: not talk.unanswered, 60, "both are answered")
        report = await count(people, Report("two oui"))
    assert (report.completed, report.doubled_orders, report.wrong_orders) == (TIMES, 0, 0)
    assert movements(relais.data / "relais.db") == {1: TIMES}


def movements(file: Path) -> Counter[int]:
    """How many orders have taken from the stock how many times."""
    with closing(sqlite3.connect(file)) as ledger:
        rows = ledger.execute(
            "SELECT count(*), sum(change) FROM stock_movements WHERE order_id IS NOT NULL GROUP BY order_id"
        ).fetchall()
    assert {change for _, change in rows} == {-2}
    return Counter(times for times, _ in rows)
