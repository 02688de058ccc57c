"""Customers of a shop: found, handed out whole, and erased."""

from __future__ import annotations

from bot.core.messages import Command
from bot.flows.erasing import is_blank
from bot.ledger.customer_export import export_customer
from bot.ledger.erasing import erase
from bot.web.api import models
from bot.web.api.lane_calls import ask, command_id, committed
from bot.web.api.operations import ADDRESS, Call, Operation, Result, listing, one
from bot.web.problems import Problem


async def list_(call: Call) -> Result:
    window, address = call.window(), call.address()
    return listing(await call.gateway.reads.customers(call.shop, window, address))


async def get(call: Call) -> Result:
    return one(await call.gateway.reads.customer(call.shop, call.parameters["customer_id"]))


async def export(call: Call) -> Result:
    """Everything that is known, in one object: what a shopper may ask for."""
    return one(await export_customer(call.gateway.ledger, call.shop, call.parameters["customer_id"]))


async def delete(call: Call) -> Result:
    """Erase in the ledger, in the lanes, and in the ledger again.

    After the first nothing there tells a lane anything any more; after the lane is blank every journal entry that
    knows something is older than the second's mark, by which the projector drops it. Asked again after a crash, it
    does the rest.
    """
    customer_id, gateway = call.parameters["customer_id"], call.gateway
    lanes = await erase(gateway.ledger, call.shop, customer_id)
    if lanes is None:
        raise Problem("not-found")
    for lane in lanes:
        record = await committed(gateway, call.shop, lane)
        if record is not None and not is_blank(record):
            command = Command(command_id(call, "erase"), "erase", gateway.clock.now())
            await ask(call, lane, command, is_blank)
        if gateway.forget is not None:
            await gateway.forget(lane)
    await erase(gateway.ledger, call.shop, customer_id)
    return Result(None, 204)


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
    Operation(
        "GET",
        "/customers/{customer_id}/export",
        "customers:write",
        "Get everything that is known of a customer",
        export,
        models.CustomerExport,
        description="For a shopper who asks what is stored: addresses, conversations, messages, orders and events.",
    ),
    Operation(
        "DELETE",
        "/customers/{customer_id}",
        "customers:write",
        "Erase a customer everywhere",
        delete,
        None,
        success=204,
        description="Names, numbers, addresses, places and words go, also from events, kept answers and what webhooks "
        "still have to send. What the books need of an order stays. Done twice is the same.",
    ),
)
