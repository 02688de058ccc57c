"""Rehearsals of an outage: starting one, following it, reading what it showed. Played by ``supervisor.drill``."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import Any

from sanic import HTTPResponse

from bot.ledger import outages
from bot.web.console.page import Page
from bot.web.console.rights import Right
from bot.web.console.visit import Visit
from bot.web.problems import Problem
from bot.web.rehearsals import DAYS

SPEEDS = {"60": 60.0, "300": 300.0}
SETTING_UP = timedelta(minutes=2)
"""A Relais of its own has to stand first."""
LOOKS = 20


async def page(visit: Visit) -> HTTPResponse:
    return visit.page(
        "drills.html",
        shop=await visit.shop_facts(),
        now=visit.now,
        known=await _known(visit),
        possible=visit.gateway.drills is not None,
        days=DAYS,
        speeds=SPEEDS,
        lasts=_lasts,
        moment=datetime.fromisoformat,
        day_of=date.fromisoformat,
    )


async def start(visit: Visit) -> HTTPResponse:
    """One at a time. It is another process: this waits only until it has opened its report."""
    day, speed = visit.form("day", 10), SPEEDS.get(visit.form("speed", 4))
    if visit.gateway.drills is None or day not in DAYS or speed is None:
        return visit.go("/drills", "bad-value")
    people = await outages.by_roads(visit.console.ledger, visit.shop)
    started = await visit.gateway.drills.start(visit.shop, day, speed, people)
    if started is None:
        return visit.go("/drills", "drilling")
    await visit.note("drill.started", started, speed=f"{speed:g}")
    for _ in range(LOOKS):
        if any(report["plan"]["id"] == started for report in await _known(visit)):
            return visit.go(f"/drills/{started}")
        await visit.gateway.clock.sleep(0.25)
    return visit.go("/drills", "drill-started")


async def report(visit: Visit) -> HTTPResponse:
    """Raises a 404 problem."""
    return visit.page("drill.html", **await _values(visit))


async def progress(visit: Visit) -> HTTPResponse:
    """Only how far it is, for the script that follows it."""
    return visit.page("_drill.html", **await _values(visit))


async def _values(visit: Visit) -> dict[str, Any]:
    wanted = visit.parameters["drill_id"]
    found = next((one for one in await _known(visit) if one["plan"]["id"] == wanted), None)
    if found is None:
        raise Problem("not-found")
    plan = found["plan"]
    began = datetime.fromisoformat(found["started_at"])
    return {
        "shop": await visit.shop_facts(),
        "now": visit.now,
        "drill": found,
        "plan": plan,
        "day": date.fromisoformat(plan["day"]),
        "began": began,
        "ready_at": began + _lasts(plan["day"], plan["speed"]),
        "moment": datetime.fromisoformat,
    }


async def _known(visit: Visit) -> list[dict[str, Any]]:
    drills = visit.gateway.drills
    return [] if drills is None else await asyncio.to_thread(drills.known, visit.shop)


def _lasts(day: str, speed: float) -> timedelta:
    """How long the rehearsal of a day takes, about."""
    return DAYS[day] / speed + SETTING_UP


PAGES = (
    Page("GET", "/drills", Right.READ, page),
    Page("POST", "/drills", Right.CHANNELS, start),
    Page("GET", "/drills/<drill_id:str>", Right.READ, report),
    Page("GET", "/drills/<drill_id:str>/progress", Right.READ, progress),
)
