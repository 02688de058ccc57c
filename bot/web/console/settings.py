"""A shop's settings: hours, roads, SMS budget, quiet hours, alerts; ready answers; the trail of what people did."""

from __future__ import annotations

import re
from typing import Any

from sanic import HTTPResponse

from bot.core.addresses import ChannelName, normalise_msisdn
from bot.ledger.beside import LedgerBeside
from bot.ledger.shop_settings import NotValid, change
from bot.ledger.shops import LedgerShops
from bot.ledger.times import instant
from bot.web.console import words
from bot.web.console.page import Page
from bot.web.console.rights import Right
from bot.web.console.visit import Visit
from bot.web.problems import Problem

DAYS = {
    "mon": "Lundi",
    "tue": "Mardi",
    "wed": "Mercredi",
    "thu": "Jeudi",
    "fri": "Vendredi",
    "sat": "Samedi",
    "sun": "Dimanche",
}
TRAIL = 50
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")
MOST_ALERTS = 10


async def page(visit: Visit) -> HTTPResponse:
    found = await LedgerShops(visit.console.ledger, {}).settings(visit.shop)
    if found is None:
        raise Problem("not-found")
    return visit.page(
        "settings.html",
        shop=await visit.shop_facts(),
        settings=found,
        days=DAYS,
        canned=await LedgerBeside(visit.console.ledger).canned(visit.shop),
    )


async def hours(visit: Visit) -> HTTPResponse:
    """``08:00-19:30``; empty for closed."""
    found: dict[str, str] = {}
    for day in DAYS:
        begin, end = visit.form(f"{day}_from", 5), visit.form(f"{day}_to", 5)
        if begin and end:
            found[day] = f"{begin}-{end}"
    return await _change(visit, {"hours": found, "opening_hours": visit.form("opening_hours", 200)})


async def roads(visit: Visit) -> HTTPResponse:
    """The order of channels, the budget and the quiet hours."""
    placed = []
    for name in ChannelName:
        place = visit.form(f"place_{name}", 2)
        if place.isascii() and place.isdigit():
            placed.append((int(place), name.value))
    order = [name for _, name in sorted(placed)]
    begin, end, budget = visit.form("quiet_from", 5), visit.form("quiet_to", 5), visit.form("budget", 9)
    if not budget.isascii() or not budget.isdigit():
        return visit.go("/settings", "bad-value")
    failover: dict[str, Any] = {
        "order": order,
        "sms_budget_xof_per_hour": int(budget),
        "quiet_hours": f"{begin}-{end}" if begin and end else None,
    }
    return await _change(visit, {"failover": failover})


async def alerts(visit: Visit) -> HTTPResponse:
    """Whom to tell of outages: name, number, role; an emptied line goes."""
    found = []
    for place in range(MOST_ALERTS):
        name, number = visit.form(f"name_{place}", 40), visit.form(f"number_{place}", 40)
        if not name and not number:
            continue
        e164 = normalise_msisdn(number)
        address = f"tel:{e164}" if e164 else number
        found.append({"name": name, "address": address, "role": visit.form(f"role_{place}", 10)})
    return await _change(visit, {"alerts": found})


async def put_canned(visit: Visit) -> HTTPResponse:
    code, text = visit.form("code", 24).lower().lstrip("/"), visit.form("text", 1000)
    if not _CODE.fullmatch(code) or not text:
        return visit.go("/settings", "bad-value")
    await LedgerBeside(visit.console.ledger).put_canned(visit.shop, code, text)
    await visit.note("settings.canned", code)
    return visit.go("/settings", "saved")


async def drop_canned(visit: Visit) -> HTTPResponse:
    await LedgerBeside(visit.console.ledger).drop_canned(visit.shop, visit.parameters["canned_id"])
    await visit.note("settings.canned", visit.parameters["canned_id"])
    return visit.go("/settings", "removed")


async def trail(visit: Visit) -> HTTPResponse:
    written = visit.query("avant", 12)
    before = int(written) if written.isascii() and written.isdigit() else None
    deeds = await visit.console.audit.latest(visit.shop, before, TRAIL + 1)
    return visit.page(
        "trail.html",
        shop=await visit.shop_facts(),
        now=visit.now,
        deeds=deeds[:TRAIL],
        more=deeds[TRAIL - 1].n if len(deeds) > TRAIL else None,
        statuses={**words.ORDER_STATUSES, **words.PAYMENTS, **words.ROLES, **words.MEANS, **words.SOURCES},
    )


async def _change(visit: Visit, changes: dict[str, Any]) -> HTTPResponse:
    try:
        new = await change(visit.console.ledger, visit.shop, changes, visit.user.login, instant(visit.now))
    except NotValid:
        return visit.go("/settings", "bad-value")
    if new:
        await visit.note("settings.changed", ", ".join(changes))
    return visit.go("/settings", "saved" if new else "unchanged")


PAGES = (
    Page("GET", "/settings", Right.READ, page),
    Page("POST", "/settings/hours", Right.SETTINGS, hours),
    Page("POST", "/settings/roads", Right.SETTINGS, roads),
    Page("POST", "/settings/alerts", Right.SETTINGS, alerts),
    Page("POST", "/settings/canned", Right.TALK, put_canned),
    Page("POST", "/settings/canned/<canned_id:str>/drop", Right.TALK, drop_canned),
    Page("GET", "/settings/trail", Right.SETTINGS, trail),
)
