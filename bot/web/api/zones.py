"""Delivery zones."""

from __future__ import annotations

from bot.core.catalogue import Zone
from bot.ledger.catalogue import put_zone
from bot.web.api import models
from bot.web.api.operations import Call, Operation, Result, invalid, listing, one
from bot.web.problems import Problem


async def list_(call: Call) -> Result:
    return listing(await call.gateway.reads.zones(call.shop, call.window()))


async def get(call: Call) -> Result:
    return one(await call.gateway.reads.zone(call.shop, call.parameters["commune"]))


async def put(call: Call) -> Result:
    """The whole zone as given; 201 when it is new."""
    commune, body = call.parameters["commune"], call.body(models.ZonePut)
    if commune != commune.strip() or not 1 <= len(commune) <= 60 or not commune.isprintable():
        raise invalid("commune", "not_a_name", "1 to 60 characters")
    zone = Zone(commune, tuple(dict.fromkeys(body.aliases)), body.fee_xof, body.eta_text)
    done = await put_zone(call.gateway.ledger, call.shop, zone, call.key.id, expected=call.demand)
    if done is None:
        raise Problem("changed-meanwhile")
    return Result(done.item, 201 if done.made else 200)


OPERATIONS = (
    Operation("GET", "/zones", "zones:read", "List delivery zones", list_, models.Zone, many=True),
    Operation("GET", "/zones/{commune}", "zones:read", "Get a delivery zone", get, models.Zone, etag=True),
    Operation(
        "PUT",
        "/zones/{commune}",
        "zones:write",
        "Make or replace a delivery zone",
        put,
        models.Zone,
        body=models.ZonePut,
        example={"aliases": ["Angré", "Riviera"], "fee_xof": 1500, "eta_text": "le jour même"},
        statuses=(201,),
        etag=True,
    ),
)
