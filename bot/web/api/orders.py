"""Orders: read from the ledger."""

from __future__ import annotations

from bot.web.api import models
from bot.web.api.operations import Call, Operation, Result, listing, one


async def list_(call: Call) -> Result:
    return listing(await call.gateway.reads.orders(call.shop, call.window()))


async def get(call: Call) -> Result:
    return one(await call.gateway.reads.order(call.shop, call.parameters["order_id"]))


OPERATIONS = (
    Operation("GET", "/orders", "orders:read", "List orders, newest first", list_, models.Order, many=True),
    Operation("GET", "/orders/{order_id}", "orders:read", "Get an order", get, models.Order),
)
