"""Plays a recorded day: turns its switches, lets invented shoppers write, and judges by what the phones showed.

The judge stands outside: it looks at phones only, never at Relais' own counters. Waits are real seconds.
"""

from __future__ import annotations

import asyncio
import random
import re
import statistics
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bot.simulator.accounts import Shop
from bot.simulator.days import DAYS, Day
from bot.simulator.display import messages_of
from bot.simulator.faults import Faults
from bot.simulator.inbound import CannotWrite, Inbound
from bot.simulator.journeys import Tasks
from bot.simulator.phones import Person, World
from bot.simulator.telegram_phone import TelegramPhone

#: Minutes of the recording between two lines of one shopper, on average.
THINKING = 18.0
#: Real seconds: nobody types faster, and the last answers may still come.
TYPING, GRACE = 1.5, 15.0
#: Lines typed into a road that does not carry them, before somebody without another road stops and waits.
PATIENCE = 3

LINES = (
    "bonsoir", "y a quoi de joli chez vous", "c'est combien la livraison à Yopougon ?", "mets moi un foulard",
    "je veux voir mon panier", "on livre à Cocody ?", "vous acceptez wave ?", "bjr svp dispo ?", "ok merci",
)
_LINK = re.compile(r"https://t\.me/(\w+)\?start=([A-Za-z0-9_-]{1,64})")


@dataclass(slots=True)
class Run:
    """One replay on its way, or over."""

    day: Day
    speed: float
    shop: Shop
    people: list[Person]
    began: float
    regulars: frozenset[str] = frozenset()
    """Who shops on Telegram on any day."""
    state: str = "running"
    minute: float = 0.0
    broke_at: float | None = None
    """When the first switch was turned."""
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class Replay:
    """Plays one day at a time."""

    def __init__(
        self, world: World, faults: Faults, inbound: Inbound, telegram: TelegramPhone, tasks: Tasks
    ) -> None:
        self.world = world
        self.faults = faults
        self.inbound = inbound
        self.telegram = telegram
        self.tasks = tasks
        self.run: Run | None = None

    def start(self, day_id: str, shop: Shop, people: list[Person], speed: float, seed: int = 1) -> None:
        """Begin a day; raises ValueError for an unknown day, a bad speed, or while another is played."""
        if day_id not in DAYS:
            raise ValueError(f"no recording of {day_id}; there are {', '.join(DAYS)}")
        if self.run is not None and self.run.state == "running":
            raise ValueError("a day is being played")
        if not 1 <= speed <= 3600:
            raise ValueError("speed is 1 to 3600")
        day = DAYS[day_id]
        reachable = [person.id for person in people if person.has_telegram] if shop.bot else []
        # Every other one and the like: spread over the crowd.
        regulars = {one for i, one in enumerate(reachable) if int((i + 1) * day.regulars) > int(i * day.regulars)}
        run = self.run = Run(day, speed, shop, people, self.world.clock.now(), frozenset(regulars))
        shuffled = random.Random(seed)
        run.tasks = [self.tasks.start(self._play(run))]
        run.tasks += [self.tasks.start(self._shop(run, person, random.Random(shuffled.random())))
                      for person in people]

    def stop(self) -> None:
        """End the day that is played and turn off the switches it turned on."""
        if self.run is not None and self.run.state == "running":
            for task in self.run.tasks:
                task.cancel()
            self._calm(self.run)
            self.run.state = "stopped"

    async def _play(self, run: Run) -> None:
        for scene in sorted(run.day.scenes, key=lambda one: one.minute):
            await asyncio.sleep((scene.minute - run.minute) * 60 / run.speed)
            run.minute = scene.minute
            run.broke_at = run.broke_at or self.world.clock.now()
            self.faults.switch(scene.channel, scene.fault, scene.on, scene.options)
            self.world.switches.beat()
            self.world.bus.publish(type="faults")
        await asyncio.sleep((run.day.minutes - run.minute) * 60 / run.speed)
        run.minute = run.day.minutes
        await asyncio.sleep(GRACE)
        run.state = "over"
        self._calm(run)

    def _calm(self, run: Run) -> None:
        for scene in run.day.scenes:
            self.faults.switch(scene.channel, scene.fault, False)
        self.world.switches.beat()
        self.world.bus.publish(type="faults")

    # --- a shopper --------------------------------------------------------------------------------

    async def _shop(self, run: Run, person: Person, dice: random.Random) -> None:
        ends = run.began + run.day.minutes * 60 / run.speed
        # Most are in the middle of shopping when the first road breaks.
        await asyncio.sleep(dice.uniform(0, 20 * 60) / run.speed)
        while True:
            if self.world.clock.now() > ends:
                return
            # Somebody whose road is not theirs to write on (no account there) waits for another.
            with suppress(CannotWrite):
                self._next(run, person, dice)
            await asyncio.sleep(max(TYPING, dice.expovariate(run.speed / (THINKING * 60))))

    def _next(self, run: Run, person: Person, dice: random.Random) -> None:
        items = messages_of(self.world, person, shop_id=run.shop.id)
        shown = [m for m in items if m["direction"] == "out"]
        last = shown[-1] if shown else None
        started = self.world.chat(run.shop.id, person.id).started
        if person.id in run.regulars and not started:
            self.telegram.act(person, run.shop.id, {"start": ""})
            return
        link = _LINK.search(str(last["text"])) if last is not None else None
        if link is not None and person.has_telegram and not started:
            self.telegram.act(person, run.shop.id, {"start": link.group(2)})
            return
        first = "telegram" if person.id in run.regulars else "whatsapp"
        road = self._road(run.shop, str(last["channel"]) if last is not None else first, started)
        stuck = [m for m in items if m["direction"] == "in" and m["ticks"] == "clock"]
        if stuck:
            # The clock tick says that it did not leave: they try what else they know of the shop, or wait.
            other = self._other_road(run.shop, str(stuck[-1]["channel"]), started)
            if other is None and len(stuck) >= PATIENCE:
                return
            road = other or road
        words: dict[str, Any] = {"text": dice.choice(LINES)}
        if last is not None and last["channel"] == road and dice.random() < 0.6:
            words = _tap(last, dice) or words
        if road == "telegram":
            self.telegram.act(person, run.shop.id, words)
        else:
            self.inbound.write(person, road, run.shop.id, words)

    def _road(self, shop: Shop, channel: str, started: bool) -> str:
        """Answer where the shop wrote last; who cannot answer there writes on WhatsApp, as people do."""
        sender = shop.sender(channel)
        return channel if (started and channel == "telegram") or (sender and sender.two_way) else "whatsapp"

    def _other_road(self, shop: Shop, broken: str, started: bool) -> str | None:
        sms = shop.sender("sms")
        known = [("telegram", started), ("sms", sms is not None and sms.two_way), ("whatsapp", True)]
        others = [road for road, there in known if there and road != broken]
        return others[0] if others and others[0] != "whatsapp" else None

    def _usual(self, run: Run) -> dict[str, float]:
        """Lines that this crowd writes in a real hour on each road while nothing is broken."""
        each = 3600 / max(TYPING, THINKING * 60 / run.speed)
        there = len(run.regulars)
        return {"whatsapp": each * (len(run.people) - there), "telegram": each * there}

    # --- the judge --------------------------------------------------------------------------------

    def report(self) -> dict[str, Any] | None:
        """Judge by the phones: how many lines were answered, after how many real seconds, and where."""
        run = self.run
        if run is None:
            return None
        waits: list[float] = []
        where: dict[str, int] = {}
        written = 0
        for person in run.people:
            items = messages_of(self.world, person, shop_id=run.shop.id)
            answers = sorted((float(m["shown_at"]), str(m["channel"])) for m in items
                             if m["direction"] == "out" and m["shown_at"] is not None)
            for line in (m for m in items if m["direction"] == "in" and float(m["at"]) >= run.began):
                written += 1
                answer = next(((at, channel) for at, channel in answers if at >= float(line["at"])), None)
                if answer is not None:
                    waits.append(answer[0] - float(line["at"]))
                    where[answer[1]] = where.get(answer[1], 0) + 1
        waits.sort()
        minute = run.minute if run.state != "running" else min(
            run.day.minutes, (self.world.clock.now() - run.began) * run.speed / 60)
        return {
            "day": run.day.id, "title": run.day.title, "state": run.state, "speed": run.speed,
            "minute": round(minute, 1), "minutes": run.day.minutes, "people": len(run.people),
            "usual_an_hour": self._usual(run), "broke_at": run.broke_at,
            "written": written, "answered": len(waits), "unanswered": written - len(waits),
            "answered_on": where,
            "wait_median_s": round(statistics.median(waits), 2) if waits else None,
            "wait_p95_s": round(waits[int(0.95 * (len(waits) - 1))], 2) if waits else None,
            "wait_longest_s": round(waits[-1], 2) if waits else None,
        }


def _tap(last: Mapping[str, Any], dice: random.Random) -> dict[str, Any] | None:
    """Press one of the buttons of the message shown last, if it has any."""
    buttons = last.get("buttons") or last.get("rows")
    if buttons:
        return {"button": {"message_sid": last["id"], "payload": dice.choice(buttons)["id"]}}
    inline = [b for row in last.get("inline") or [] for b in row if b.get("callback_data")]
    if inline:
        return {"callback": {"message_id": last["id"], "data": dice.choice(inline)["callback_data"]}}
    return None
