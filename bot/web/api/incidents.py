"""Outages, who could still be reached in one, who can only be called, and rehearsals."""

from __future__ import annotations

from typing import Any

from bot.core.addresses import ShopId
from bot.ledger import outages
from bot.ledger.times import instant
from bot.web.api import models
from bot.web.api.operations import Call, Operation, Result, listing, one
from bot.web.gateway import in_time
from bot.web.problems import Problem


async def list_(call: Call) -> Result:
    return listing(await call.gateway.reads.incidents(call.shop, call.window()))


async def get(call: Call) -> Result:
    return one(await outages.incident(call.gateway.ledger, call.shop, call.parameters["incident_id"]))


async def readiness(call: Call) -> Result:
    shop = await in_time(call.gateway.shops.get(ShopId(call.shop)))
    if shop is None:
        raise Problem("not-found")
    return Result(await outages.ready(call.gateway.ledger, call.shop, shop.domains))


async def call_list(call: Call) -> Result:
    return listing(await call.gateway.reads.call_list(call.shop, call.window()))


async def called(call: Call) -> Result:
    """Done twice is the same: who was first stays."""
    now = instant(call.gateway.clock.now())
    conversation_id = call.parameters["conversation_id"]
    if not await outages.tick(call.gateway.ledger, call.shop, conversation_id, "api", now):
        raise Problem("not-found")
    return one(await outages.call(call.gateway.ledger, call.shop, conversation_id))


async def drills(call: Call) -> Result:
    """All at once: there are few."""
    call.window()
    known = call.gateway.drills.known(call.shop) if call.gateway.drills is not None else []
    return Result({"items": [_shown(report) for report in known], "next_cursor": None})


async def drill(call: Call) -> Result:
    """Answers at once; the rehearsal is a Relais of its own and takes as long as the day at that speed."""
    body = call.body(models.DrillStart)
    if call.gateway.drills is None:
        raise Problem("unavailable", "Rehearsals cannot be started here.")
    people = await outages.by_roads(call.gateway.ledger, call.shop)
    plan = await call.gateway.drills.start(call.shop, body.day, body.speed, people)
    if plan is None:
        raise Problem("wrong-state", "A rehearsal is under way.")
    return Result(
        {"id": plan, "shop_id": call.shop, "day": body.day, "speed": body.speed, "state": "running"}, 202
    )


def _shown(report: dict[str, Any]) -> dict[str, Any]:
    plan = report["plan"]
    return {
        "id": plan["id"],
        "shop_id": plan["shop"],
        "day": plan["day"],
        "speed": plan["speed"],
        "state": report["state"],
    }


OPERATIONS = (
    Operation(
        "GET", "/incidents", "incidents:read", "List outages, newest first", list_, models.Incident, many=True
    ),
    Operation("GET", "/incidents/{incident_id}", "incidents:read", "Get an outage", get, models.Incident),
    Operation(
        "GET",
        "/readiness",
        "incidents:read",
        "Count the shoppers and open baskets that could still be reached without WhatsApp, Meta, Twilio, internet",
        readiness,
        models.Readiness,
    ),
    Operation(
        "GET",
        "/call_list",
        "conversations:read",
        "List shoppers whom no channel reaches, to be called",
        call_list,
        models.Call,
        many=True,
    ),
    Operation(
        "POST",
        "/call_list/{conversation_id}/called",
        "conversations:write",
        "Note that a shopper was called",
        called,
        models.Call,
    ),
    Operation(
        "GET", "/drills", "incidents:read", "List rehearsals, newest first", drills, models.Drill, many=True
    ),
    Operation(
        "POST",
        "/drills",
        "incidents:write",
        "Rehearse a recorded outage with invented shoppers, apart from everything real",
        drill,
        models.Drill,
        body=models.DrillStart,
        example={"day": "2021-10-04", "speed": 60},
        success=202,
        statuses=(409,),
    ),
)
