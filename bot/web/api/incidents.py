"""Outages, and the shoppers who can only be called."""

from __future__ import annotations

from bot.web.api import models
from bot.web.api.operations import Call, Operation, Result, listing


async def list_(call: Call) -> Result:
    return listing(await call.gateway.reads.incidents(call.shop, call.window()))


async def call_list(call: Call) -> Result:
    return listing(await call.gateway.reads.call_list(call.shop, call.window()))


OPERATIONS = (
    Operation(
        "GET", "/incidents", "incidents:read", "List outages, newest first", list_, models.Incident, many=True
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
)
