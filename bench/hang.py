"""What a turn on Telegram takes while every call to WhatsApp hangs: ``python -m bench.hang``.

A whole Relais with its simulator; a scripted dialogue stands in for Rasa, so that lanes, permits and hands are
measured, not the understanding of words. New shoppers write on WhatsApp at a steady rate; others, on Telegram, ask and
are answered all the while. Seconds from the shopper's message to the answer on the phone. Prints a table and writes
``var/bench/hang.json``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.processor import seconds_by_process
from tests.system.running import SHOP, Running, start

EVERY = 5.0
"""Seconds between the messages of one shopper on Telegram. Two that wait together are answered as one, so it is long:
an answer belongs to the message before it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; seconds."""

    what: str
    whatsapp_per_s: float
    turns: int
    unanswered: int
    p50_s: float
    p99_s: float
    longest_s: float
    cpu_s: dict[str, float]
    """Seconds of processor time of each process of the system, and of this bench, while they wrote."""


class Bench:
    def __init__(self, running: Running, http: httpx.AsyncClient, on_telegram: int) -> None:
        self._running = running
        self._http = http
        self._on_telegram = on_telegram

    async def sim(self, path: str, **body: Any) -> Any:
        answer = await self._http.post(f"{self._running.simulator}/sim/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    async def warm(self) -> None:
        """One shopper on each channel, waited for: the libraries behind a channel are loaded at its first message."""
        person = await self.sim("people")
        await self.sim("telegram", person=person["id"], shop=SHOP, start="")
        await self.sim("whatsapp", person=person["id"], shop=SHOP, text="2 pagnes uniwax rouge")
        query = {"person": person["id"], "shop": SHOP}
        answered: set[str] = set()
        while not {"telegram", "whatsapp"} <= answered:
            shown = (await self._http.get(f"{self._running.simulator}/sim/messages", params=query)).json()
            answered = {m["channel"] for m in shown["messages"] if m["direction"] == "out"}
            await asyncio.sleep(0.2)

    async def row(self, what: str, rate: float, seconds: float) -> Row:
        """Let them all write for so many seconds, then look at the phones."""
        chats = [await self.sim("people") for _ in range(self._on_telegram)]
        for person in chats:
            await self.sim("telegram", person=person["id"], shop=SHOP, start="")
        await asyncio.sleep(3)
        flood = [await self.sim("people") for _ in range(int(rate * seconds))]
        began, cpu = time.time(), seconds_by_process(self._running.process.pid)
        await asyncio.gather(
            self._flood(flood, rate), *(self._talk(p, i, seconds) for i, p in enumerate(chats))
        )
        spent = {
            name: round(seconds - cpu.get(name, 0.0), 2)
            for name, seconds in seconds_by_process(self._running.process.pid).items()
        }
        took = float(len(flood) / rate if rate else seconds)
        await asyncio.sleep(8)
        waits: list[float] = []
        unanswered = 0
        for person in chats:
            asked, answers = await self._said(person, began)
            after = [next((at - ask for at in answers if at > ask), None) for ask in asked]
            waits += [wait for wait in after if wait is not None]
            unanswered += after.count(None)
        waits.sort()
        p50, p99 = waits[len(waits) // 2], waits[min(len(waits) - 1, len(waits) * 99 // 100)]
        per_s = round(len(flood) / took, 1) if flood else 0.0
        return Row(what, per_s, len(waits), unanswered, round(p50, 3), round(p99, 3), round(waits[-1], 3), spent)

    async def _flood(self, people: list[Any], rate: float) -> None:
        began = time.perf_counter()

        async def one(number: int, person: Any) -> None:
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            await self.sim("whatsapp", person=person["id"], shop=SHOP, text="2 pagnes uniwax rouge")

        await asyncio.gather(*(one(number, person) for number, person in enumerate(people)))

    async def _talk(self, person: Any, number: int, seconds: float) -> None:
        await asyncio.sleep(EVERY * number / self._on_telegram)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            await self.sim("telegram", person=person["id"], shop=SHOP, text="vous avez du kita ?")
            await asyncio.sleep(EVERY)

    async def _said(self, person: Any, since: float) -> tuple[list[float], list[float]]:
        query = {"person": person["id"], "channel": "telegram", "shop": SHOP}
        shown = (await self._http.get(f"{self._running.simulator}/sim/messages", params=query)).json()
        asked = [m["at"] for m in shown["messages"] if m["direction"] == "in" and m["at"] >= since]
        answers = [m["shown_at"] for m in shown["messages"] if m["direction"] == "out" and m["shown_at"] > since]
        return asked, answers


async def measure(running: Running, rate: float, seconds: float, on_telegram: int) -> list[Row]:
    async with httpx.AsyncClient(timeout=60.0, trust_env=False) as http:
        bench = Bench(running, http, on_telegram)
        await bench.warm()
        rows = [await bench.row("Telegram alone", 0, seconds / 2)]
        rows.append(await bench.row("WhatsApp answers", rate, seconds))
        await bench.sim("faults", channel="whatsapp", fault="timeout", on=True, options={"deliver": False})
        rows.append(await bench.row("every WhatsApp call hangs", rate, seconds))
        return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=50.0, help="new WhatsApp lanes a second")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--workers", type=int, help="worker processes; as many as the machine has room for, if not said")
    parser.add_argument("--telegram", type=int, default=60, help="shoppers on Telegram")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        running = start(Path(folder) / "var", scripted=True, workers=given.workers)
        try:
            rows = asyncio.run(measure(running, given.rate, given.seconds, given.telegram))
        finally:
            running.stop()
    print(f"{'':28}{'WhatsApp/s':>12}{'turns':>8}{'lost':>6}{'p50 s':>9}{'p99 s':>9}{'max s':>9}")
    for row in rows:
        print(
            f"{row.what:28}{row.whatsapp_per_s:>12.1f}{row.turns:>8}{row.unanswered:>6}"
            f"{row.p50_s:>9.3f}{row.p99_s:>9.3f}{row.longest_s:>9.3f}"
        )
    for row in rows:
        print(f"{row.what:28}processor s: " + ", ".join(f"{name} {spent}" for name, spent in row.cpu_s.items()))
    place = Path("var/bench/hang.json")
    place.parent.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "load": os.getloadavg()}
    place.write_text(json.dumps({"machine": machine, "rows": [asdict(row) for row in rows]}, indent=2))


if __name__ == "__main__":
    main()
