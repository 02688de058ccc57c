"""Customers of a shop, with the addresses at which they can be reached."""

from __future__ import annotations

from bot.web.api import models
from bot.web.api.operations import ADDRESS, Call, Operation, Result, listing, one


async def list_(call: Call) -> Result:
    window, address = call.window(), call.address()
    return listing(await call.gateway.reads.customers(call.shop, window, address))


async def get(call: Call) -> Result:
    return one(await call.gateway.reads.customer(call.shop, call.parameters["customer_id"]))


OPERATIONS = (
    Operation(
        "GET",
        "/customers",
        "customers:read",
        "List customers, newest first",
        list_,
        models.Customer,
        many=True,
        query=(ADDRESS,),
    ),
    Operation("GET", "/customers/{customer_id}", "customers:read", "Get a customer", get, models.Customer),
)
