"""The report of one outage, to read and to print; and whom to call while it lasts."""

from __future__ import annotations

from datetime import datetime

from sanic import HTTPResponse

from bot.ledger import outages
from bot.ledger.times import instant
from bot.web.console import words
from bot.web.console.page import Page
from bot.web.console.rights import Right
from bot.web.console.visit import Visit
from bot.web.problems import Problem


async def report(visit: Visit) -> HTTPResponse:
    incident = await outages.incident(visit.console.ledger, visit.shop, visit.parameters["incident_id"])
    if incident is None:
        raise Problem("not-found")
    began, detected = (datetime.fromisoformat(incident[name]) for name in ("began_at", "detected_at"))
    ended = datetime.fromisoformat(incident["ended_at"]) if incident["ended_at"] else None
    told = [
        one
        for one in await outages.alerts(visit.console.ledger, visit.shop)
        if one["incident_id"] == incident["id"]
    ]
    return visit.page(
        "incident.html",
        shop=await visit.shop_facts(),
        now=visit.now,
        incident=incident,
        began=began,
        detected=detected,
        ended=ended,
        found_in=(detected - began).total_seconds(),
        lasted=((ended or instant(visit.now)) - began).total_seconds(),
        told=told,
        moment=datetime.fromisoformat,
        at=_at,
    )


async def calls(visit: Visit) -> HTTPResponse:
    found = await outages.calls(visit.console.ledger, visit.shop, all_=True)
    return visit.page(
        "calls.html",
        shop=await visit.shop_facts(),
        now=visit.now,
        calls=sorted(found, key=lambda call: call["called_at"] is not None),
        moment=datetime.fromisoformat,
        reasons=words.REASONS,
    )


async def tick(visit: Visit) -> HTTPResponse:
    """Somebody called; who was first stays."""
    conversation_id = visit.parameters["conversation_id"]
    done = await outages.tick(
        visit.console.ledger, visit.shop, conversation_id, visit.user.name, instant(visit.now)
    )
    if not done:
        raise Problem("not-found")
    await visit.note("call.ticked", conversation_id)
    return visit.go("/calls", "called")


async def calls_csv(visit: Visit) -> HTTPResponse:
    body = await outages.calls_csv(visit.console.ledger, visit.shop)
    headers = {"Content-Disposition": 'attachment; filename="appels.csv"', "Cache-Control": "no-store"}
    return HTTPResponse(body, headers=headers, content_type="text/csv; charset=utf-8")


def _at(seen: object) -> datetime | None:
    """The time of a proof, however its writer put it."""
    if isinstance(seen, int | float):
        return instant(float(seen))
    try:
        return datetime.fromisoformat(str(seen))
    except ValueError:
        return None


PAGES = (
    Page("GET", "/incidents/<incident_id:str>", Right.READ, report),
    Page("GET", "/calls", Right.READ, calls),
    Page("GET", "/calls.csv", Right.READ, calls_csv),
    Page("POST", "/calls/<conversation_id:str>/tick", Right.TALK, tick),
)
