"""Who is reached when, among 10,000 open conversations: triage against first come, first served. ``python -m bench.triage``.

The ledger's own queries on SQLite choose whom to tell, look by look, under the rates and the budget; only the clock is
turned by hand. Prints a table, writes ``var/bench/triage.json`` and the picture ``docs/triage.svg``. Seeded.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from bot.core import triage
from bot.core.addresses import ChannelName, ShopId
from bot.core.readiness import Road, mask
from bot.core.triage import Tier
from bot.ledger import reaching
from bot.ledger.engine import Ledger, open_ledger
from bot.ledger.models import ConversationRow, Customer
from bot.ledger.schema import upgrade
from bot.ledger.times import instant
from bot.ports import OpenIncident
from bot.storage.memory import MemoryMeter

SHOP = ShopId("banc")
PRICE = 35
HOURS = 7
MARKS = (60, 300, 900, 3600, 3 * 3600, 7 * 3600)
BEGAN = 1_800_000_000.0


class Hands:
    """A clock turned by hand."""

    def __init__(self) -> None:
        self.time = BEGAN

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


@dataclass(frozen=True, slots=True)
class Person:
    """One open conversation when WhatsApp dies."""

    id: str
    basket_xof: int
    heard_at: float
    roads: Road


def crowd(size: int, seed: int) -> list[Person]:
    """Six in ten with a basket (median 12,000 F), three in ten with Telegram, all with a number."""
    dice = random.Random(seed)
    people = []
    for n in range(size):
        basket = round(dice.lognormvariate(math.log(12_000), 0.8) / 500) * 500 if dice.random() < 0.6 else 0
        roads = Road.WHATSAPP | Road.SMS_DERIVED | (Road.TELEGRAM if dice.random() < 0.3 else Road(0))
        age = min(dice.expovariate(1 / 5400), 20 * 3600)
        people.append(Person(f"c{n:06d}", basket, BEGAN - age, roads))
    return people


async def store(ledger: Ledger, people: Sequence[Person]) -> None:
    """As the projector would have written them."""
    at = instant(BEGAN)
    customers: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for one in people:
        customers.append(
            {"id": f"k{one.id}", "shop_id": SHOP, "language": "fr", "roads": int(one.roads), "mark": "", "created_at": at}
        )
        rows.append(
            {"id": one.id, "shop_id": SHOP, "customer_id": f"k{one.id}", "status": "bot", "channel": "whatsapp",
             "epoch": 0, "basket": {}, "basket_xof": one.basket_xof, "snapshot": {}, "mark": "", "created_at": at,
             "urgency": triage.urgency(one.basket_xof, one.heard_at), "last_message_at": instant(one.heard_at)}
        )  # fmt: skip
    async with ledger.writing() as connection:
        await connection.execute(insert(Customer), customers)
        await connection.execute(insert(ConversationRow), rows)


async def by_triage(ledger: Ledger, people: Sequence[Person], budget: int, sms_rate: float) -> list[tuple[float, int]]:
    """(seconds since the outage, value of the basket reached), by the product's own queries and meter."""
    value = {one.id: one.basket_xof for one in people}
    clock = Hands()
    meter = MemoryMeter(clock)
    incident = OpenIncident(f"i-{budget}", SHOP, ChannelName.WHATSAPP, BEGAN)
    reached: list[tuple[float, int]] = []
    empty: set[tuple[ChannelName, Tier]] = set()
    clock.time = BEGAN + triage.WAIT_SECONDS
    while clock.time < BEGAN + HOURS * 3600:
        earlier = Road(0)
        for channel, rate in triage.rates(sms_rate).items():
            room = math.ceil(rate)
            if channel is ChannelName.SMS:
                room = min(room, (budget - await meter.spent("sms")) // PRICE)
            for tier in (Tier.ORDER, Tier.REST):
                if room <= 0 or (channel, tier) in empty:
                    continue
                wanted = mask((channel,), order_under_way=tier is Tier.ORDER)
                async with ledger.writing() as connection:
                    found = await reaching.candidates(connection, incident, tier, wanted, earlier, clock.time, room)
                    places = await meter.places(channel, rate, len(found))
                    chosen = [one for one, _ in found[:places]]
                    if chosen:
                        await reaching.asked(connection, incident, chosen, channel, clock.time)
                if not found:
                    empty.add((channel, tier))
                room -= len(found)
                for one in chosen:
                    if channel is ChannelName.SMS:
                        await meter.spend("sms", PRICE, budget)
                    reached.append((clock.time - BEGAN, value[one.conversation_id]))
            earlier |= mask((channel,), order_under_way=True)
        clock.time += 1
    return reached


async def first_come(people: Sequence[Person], budget: int, sms_rate: float) -> list[tuple[float, int]]:
    """The same rates and budget, the longest-waiting first, as commercial failovers do."""
    clock = Hands()
    meter = MemoryMeter(clock)
    waiting = sorted(people, key=lambda one: one.heard_at)
    queues = {
        ChannelName.TELEGRAM: [one for one in waiting if one.roads & Road.TELEGRAM],
        ChannelName.SMS: [one for one in waiting if not one.roads & Road.TELEGRAM],
    }
    reached: list[tuple[float, int]] = []
    clock.time = BEGAN + triage.WAIT_SECONDS
    while clock.time < BEGAN + HOURS * 3600:
        for channel, rate in triage.rates(sms_rate).items():
            room = math.ceil(rate)
            if channel is ChannelName.SMS:
                room = min(room, (budget - await meter.spent("sms")) // PRICE)
            many = await meter.places(channel, rate, min(max(room, 0), len(queues[channel])))
            for one in queues[channel][:many]:
                if channel is ChannelName.SMS:
                    await meter.spend("sms", PRICE, budget)
                reached.append((clock.time - BEGAN, one.basket_xof))
            del queues[channel][:many]
        clock.time += 1
    return reached


def at_marks(reached: Sequence[tuple[float, int]]) -> list[int]:
    """Value reached by each mark."""
    return [sum(value for at, value in reached if at <= mark + triage.WAIT_SECONDS) for mark in MARKS]


def picture(series: dict[str, Sequence[tuple[float, int]]], total: int) -> str:
    """Value reached (share of all open baskets) over time, one line a series."""
    wide, high, left, top = 760, 380, 64, 40
    colours = ("#0b7a4b", "#8fd0b2", "#b3471b", "#e9b59d")
    x = lambda at: left + (wide - left - 20) * min(at / (HOURS * 3600), 1.0)  # noqa: E731
    y = lambda value: high - 46 - (high - 46 - top) * value / total  # noqa: E731
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" font-family="sans-serif" font-size="12">',
        f'<rect width="{wide}" height="{high}" fill="#fff"/>',
        f'<text x="{left}" y="20" font-size="14">Share of the value in open baskets that was reached, by hours into the outage</text>',
    ]
    for share in (0, 25, 50, 75, 100):
        at = y(total * share / 100)
        parts.append(f'<line x1="{left}" x2="{wide - 20}" y1="{at:.1f}" y2="{at:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{at + 4:.1f}" text-anchor="end">{share} %</text>')
    for hour in range(HOURS + 1):
        parts.append(f'<text x="{x(hour * 3600):.1f}" y="{high - 26}" text-anchor="middle">{hour} h</text>')
    for number, (name, reached) in enumerate(series.items()):
        points, value, shown = [(0.0, 0)], 0, -1.0
        for at, more in reached:
            value += more
            if at - shown >= 60:
                points.append((at, value))
                shown = at
        points.append((HOURS * 3600.0, value))
        line = " ".join(f"{x(at):.1f},{y(v):.1f}" for at, v in points)
        dash = ' stroke-dasharray="6 4"' if number >= 2 else ""
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colours[number]}" stroke-width="2.5"{dash}/>')
        parts.append(
            f'<line x1="{left + 180 * number}" x2="{left + 22 + 180 * number}" y1="{high - 8}" y2="{high - 8}" '
            f'stroke="{colours[number]}" stroke-width="3"{dash}/>'
            f'<text x="{left + 28 + 180 * number}" y="{high - 4}">{name}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


async def measure(size: int, seed: int, budget: int) -> dict[str, Any]:
    people = crowd(size, seed)
    total = sum(one.basket_xof for one in people)
    with tempfile.TemporaryDirectory() as folder:
        ledger = open_ledger(f"sqlite+aiosqlite:///{folder}/triage.db")
        await upgrade(ledger)
        await store(ledger, people)
        began, memory = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        plenty = 10**9
        series = {"triage, no budget": await by_triage(ledger, people, plenty, 1.0)}
        took = time.perf_counter() - began
        series[f"triage, {budget} F/h"] = await by_triage(ledger, people, budget, 1.0)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
        await ledger.close()
    series["in turn, no budget"] = await first_come(people, plenty, 1.0)
    series[f"in turn, {budget} F/h"] = await first_come(people, budget, 1.0)
    return {
        "size": size,
        "seed": seed,
        "total_xof": total,
        "seconds_for_all": round(took, 2),
        "memory_grown_kb": grown,
        "reached": {name: {"people": len(r), "value_xof": at_marks(r)} for name, r in series.items()},
        "picture": picture(series, total),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--budget", type=int, default=5000, help="FCFA an hour for SMS")
    options = parser.parse_args()
    found = asyncio.run(measure(options.size, options.seed, options.budget))
    total = found["total_xof"]
    print(f"{found['size']} open conversations, {total:,} F in baskets; Telegram 30/s, SMS 1/s at {PRICE} F".replace(",", " "))
    print(f"{'share of value reached after':<28}" + "".join(f"{mark // 60:>7} min" for mark in MARKS) + "   people")
    for name, row in found["reached"].items():
        shares = "".join(f"{100 * value / total:>9.1f} %" for value in row["value_xof"])
        print(f"{name:<28}{shares}{row['people']:>9}")
    print(f"the ledger chose all of them in {found['seconds_for_all']} s; memory grew by {found['memory_grown_kb']} kB")
    root = Path(__file__).resolve().parents[1]
    (root / "docs" / "triage.svg").write_text(found.pop("picture"))
    place = root / "var" / "bench"
    place.mkdir(parents=True, exist_ok=True)
    (place / "triage.json").write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
