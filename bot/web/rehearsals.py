"""Starting rehearsals of outages as processes of their own, and reading what they reported. ``supervisor.drill`` plays them."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.core.readiness import Road
from bot.settings import ROOT

KEPT_NAMES = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYENV_ROOT", "LD_LIBRARY_PATH")
"""All that a rehearsal is told of this process' environment: no address, no secret."""
DAYS: Mapping[str, timedelta] = {
    "2021-10-04": timedelta(minutes=510),
    "2024-03-14": timedelta(minutes=390),
}
"""The recorded days, and how long each recording is; the simulator has what happens in them."""
FEWEST_PEOPLE, MOST_PEOPLE = 12, 200


class AlreadyDrilling(Exception):
    """One rehearsal at a time: two would measure each other."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is rehearsed. ``people``: invented shoppers; ``telegram_percent``: how many of them have Telegram."""

    id: str
    shop: str
    day: str
    speed: float
    people: int
    telegram_percent: int


class Drills:
    """Rehearsals that the gateway starts, each as a process of its own."""

    def __init__(self, data: Path, shops: Path, environ: Mapping[str, str] = os.environ) -> None:
        self._data = data
        self._shops = shops
        self._environ = environ

    async def start(self, shop: str, day: str, speed: float, people: Mapping[int, int]) -> str | None:
        """Start it and let it go; its id, or None while another one runs."""
        try:
            with alone(self._data / "drills"):
                plan = Plan(new_id(day), shop, day, speed, *shape(people))
        except AlreadyDrilling:
            return None
        kept = {name: self._environ[name] for name in KEPT_NAMES if name in self._environ}
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot.cli", "drill", plan.shop, "--id", plan.id, "--day", plan.day),
            *("--speed", f"{plan.speed:g}", "--people", str(plan.people)),
            *("--telegram-percent", str(plan.telegram_percent)),
            cwd=ROOT,
            env={**kept, "RELAIS_DATA": str(self._data), "RELAIS_SHOPS": str(self._shops)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        return plan.id

    def known(self, shop: str) -> list[dict[str, Any]]:
        """The shop's rehearsals, newest first."""
        return known(self._data / "drills", shop)


def known(drills: Path, shop: str) -> list[dict[str, Any]]:
    """The shop's rehearsals, newest first."""
    found = []
    for file in drills.glob("*/report.json"):
        report = json.loads(file.read_text(encoding="utf-8"))
        if report["plan"]["shop"] == shop:
            found.append(report)
    return sorted(found, key=lambda report: str(report["started_at"]), reverse=True)


def shape(people: Mapping[int, int]) -> tuple[int, int]:
    """(shoppers, percent with Telegram) of a rehearsal, from numbers of people by their roads."""
    total = sum(people.values())
    linked = sum(count for roads, count in people.items() if roads & Road.TELEGRAM)
    return max(FEWEST_PEOPLE, min(total, MOST_PEOPLE)), 100 * linked // total if total else 50


def new_id(day: str) -> str:
    """Sortable, and unique within a second."""
    return f"{day}-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}"


@contextlib.contextmanager
def alone(drills: Path) -> Iterator[None]:
    drills.mkdir(parents=True, exist_ok=True)
    with (drills / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyDrilling("a rehearsal is under way") from error
        yield
