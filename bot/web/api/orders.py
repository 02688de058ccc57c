"""Orders: listed, made from outside, moved on and paid."""

from __future__ import annotations

from bot.core.addresses import Address, normalise_msisdn, parse
from bot.core.basket import Checkout
from bot.core.orders import OrderStatus, PaymentStatus, SoldOut
from bot.ledger.order_changes import Changed, OrderChange, Stale, WrongState, change_order
from bot.ledger.outside_orders import OutsideOrder, order_from_outside
from bot.ledger.pricing import Refusal, Wanted
from bot.ledger.times import utc_now
from bot.web.api import models
from bot.web.api.operations import (
    TEXT,
    Call,
    Effect,
    Operation,
    Parameter,
    Result,
    invalid,
    listing,
    one,
    time_parameter,
    word_parameter,
)
from bot.web.ledger_port import OrderFilter
from bot.web.problems import FieldError, Problem

CONFIRMED_ON = ("whatsapp", "sms", "telegram", "web", "api", "console")
_REFUSED = {
    "unknown_customer": ("customer.id", "no such customer"),
    "unknown_product": ("lines.{line}.product_id", "not sold at present"),
    "wrong_options": (
        "lines.{line}.options",
        "every option of the product must be chosen, from its own values",
    ),
    "unknown_commune": ("delivery.commune", "the shop does not deliver there; see zones"),
    "no_such_payment": ("payment.method", "the shop does not take this payment"),
}


async def list_(call: Call) -> Result:
    channel = call.query("channel")
    if channel is not None and channel not in CONFIRMED_ON:
        raise invalid("channel", "unknown_word", f"must be one of {', '.join(CONFIRMED_ON)}")
    wanted = OrderFilter(
        status=call.word("status", OrderStatus),
        payment_status=call.word("payment_status", PaymentStatus),
        channel=channel,
        customer_id=call.query("customer_id"),
        conversation_id=call.query("conversation_id"),
        created_from=call.time("created_from"),
        created_before=call.time("created_before"),
        text=call.text("q"),
    )
    return listing(await call.gateway.reads.orders(call.shop, call.window(), wanted))


async def get(call: Call) -> Result:
    return one(await call.gateway.reads.order(call.shop, call.parameters["order_id"]))


async def create(call: Call) -> Result:
    """Place it at our prices, with its stock reserved; the shopper hears of it with its next change."""
    wanted = _wanted(call.body(models.NewOrder))
    made = await order_from_outside(call.transaction, call.shop, wanted, utc_now(), confirmed_on="api")
    if isinstance(made, Refusal):
        field, detail = _REFUSED[made.reason]
        raise invalid(field.format(line=made.line), made.reason, detail)
    if isinstance(made, SoldOut):
        raise _sold_out(wanted, made)
    return Result(made, 201)


def _sold_out(wanted: OutsideOrder, short: SoldOut) -> Problem:
    left = dict(short.lines)
    return Problem(
        "out-of-stock",
        errors=[
            FieldError(f"lines.{number}.quantity", "sold_out", f"{left[line.product_id]} left")
            for number, line in enumerate(wanted.lines)
            if line.product_id in left
        ],
    )


def _wanted(body: models.NewOrder) -> OutsideOrder:
    address: Address | None = None
    if isinstance(body.customer, models.GivenAddress):
        address = parse(body.customer.address)
        if address is None or address.scheme == "web":
            raise invalid("customer.address", "not_an_address", "must look like tel:+2250700000001")
    phone = normalise_msisdn(body.delivery.phone)
    if phone is None:
        raise invalid("delivery.phone", "not_a_phone", "must be a phone number such as +2250700000001")
    delivery = body.delivery
    return OutsideOrder(
        customer_id=body.customer.id if isinstance(body.customer, models.KnownCustomer) else None,
        address=address,
        lines=[Wanted(line.product_id, line.quantity, line.options) for line in body.lines],
        checkout=Checkout(
            name=delivery.name,
            phone=phone,
            commune=delivery.commune,
            landmark=delivery.landmark,
            latitude=delivery.latitude,
            longitude=delivery.longitude,
            payment=body.payment.method,
        ),
    )


async def change(call: Call) -> Result:
    """Forward jumps are allowed, cancelling until delivered; the same again is done already."""
    body = call.body(models.OrderPatch)
    wanted = OrderChange(
        status=OrderStatus(body.status) if body.status else None,
        payment=PaymentStatus(body.payment.status) if body.payment else None,
    )
    done = await change_order(
        call.gateway.ledger, call.shop, call.parameters["order_id"], wanted, expected=call.demand
    )
    match done:
        case None:
            raise Problem("not-found")
        case Stale():
            raise Problem("changed-meanwhile")
        case WrongState(status, payment):
            raise Problem("wrong-state", f"The order is {status} and {payment}; it cannot become that.")
        case Changed(order):
            return Result(order)


OPERATIONS = (
    Operation(
        "GET",
        "/orders",
        "orders:read",
        "List orders, newest first",
        list_,
        models.Order,
        many=True,
        query=(
            word_parameter("status", "Only orders in this status", OrderStatus),
            word_parameter("payment_status", "Only orders paid like this", PaymentStatus),
            word_parameter("channel", "Only orders confirmed there", CONFIRMED_ON),
            time_parameter("created_from", "Not older than this"),
            time_parameter("created_before", "Older than this"),
            Parameter("q", "Somewhere in number, name or phone", "AM-1001", TEXT),
            Parameter("customer_id", "Only orders of this customer", "cu-0a1b2c3d4e5f60718293"),
            Parameter("conversation_id", "Only orders of this conversation", "0a1b2c3d4e5f60718293"),
        ),
    ),
    Operation("GET", "/orders/{order_id}", "orders:read", "Get an order", get, models.Order, etag=True),
    Operation(
        "POST",
        "/orders",
        "orders:write",
        "Place an order from outside",
        create,
        models.Order,
        body=models.NewOrder,
        example={
            "customer": {"address": "tel:+2250700000001"},
            "lines": [{"product_id": "foulard-wax", "quantity": 2, "options": {}}],
            "delivery": {"commune": "Cocody", "landmark": "Rue des Jardins", "phone": "+2250700000001"},
            "payment": {"method": "cash"},
        },
        success=201,
        statuses=(409,),
        effect=Effect.INSIDE,
        description="Prices and fee are the shop's, the stock is taken at once. A customer the shop does not know "
        "yet is made from the address. The shopper is told nothing now, but of every later change, "
        "over the channel that reaches them.",
    ),
    Operation(
        "PATCH",
        "/orders/{order_id}",
        "orders:write",
        "Move an order on, or its payment",
        change,
        models.Order,
        body=models.OrderPatch,
        example={"status": "packed"},
        statuses=(409,),
        etag=True,
        description="The shopper is told over the channel that reaches them. Cancelling gives the stock back.",
    ),
)
