"""The shapes of REST, for the OpenAPI document and for reading bodies. Answers may gain fields; bodies may not."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

ChannelWord = Literal["whatsapp", "sms", "telegram", "web"]
Xof = Annotated[int, Field(description="Whole FCFA")]
Time = Annotated[datetime, Field(description="RFC 3339, UTC, ends in Z")]


class Shape(BaseModel):
    """An answer. Unknown fields may be added at any time; clients ignore them."""

    model_config = ConfigDict(extra="allow")


class Body(BaseModel):
    """A request's body: exact types, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Line(Shape):
    """One product of a basket or an order."""

    product_id: str
    name: str
    options: dict[str, str]
    quantity: int
    unit_price_xof: Xof
    line_total_xof: Xof


class OrderDelivery(Shape):
    """Where an order goes. Null: not known."""

    name: str | None
    phone: str | None
    commune: str | None
    landmark: str | None
    latitude: float | None
    longitude: float | None
    fee_xof: Xof | None


class Payment(Shape):
    method: Literal["cash", "orange_money", "mtn_momo", "moov_money", "wave"] | None
    status: Literal["unpaid", "pending", "paid", "refunded"]


class Order(Shape):
    """A placed order; drafts are never shown."""

    id: str
    number: str
    shop_id: str
    customer_id: str
    conversation_id: str | None
    status: Literal["confirmed", "packed", "out_for_delivery", "delivered", "cancelled"]
    lines: list[Line]
    delivery: OrderDelivery
    payment: Payment
    items_total_xof: Xof
    total_xof: Xof
    currency: Literal["XOF"]
    channel: Literal["whatsapp", "sms", "telegram", "web", "api", "console"]
    created_at: Time
    updated_at: Time


class CustomerAddress(Shape):
    """``address``: whatsapp:+225…, tel:+225…, telegram:<chat id> or web:<id>."""

    address: str
    proved_by: str
    opted_out: bool
    last_heard_at: Time | None


class Customer(Shape):
    id: str
    name: str | None
    language: str
    addresses: list[CustomerAddress]


class BasketShape(Shape):
    lines: list[Line]
    items_total_xof: Xof


Awaited = Literal[
    "product",
    "option",
    "quantity",
    "commune",
    "landmark",
    "name",
    "phone",
    "payment",
    "confirmation",
    "late_confirmation",
    "other",
]


class Conversation(Shape):
    """One per customer and shop, for ever. ``epoch`` rises with every move to another channel."""

    id: str
    shop_id: str
    customer: Customer
    status: Literal["bot", "human"]
    channel: ChannelWord
    epoch: int
    awaiting: Awaited | None
    basket: BasketShape
    last_message_at: Time | None


class Message(Shape):
    """One message on one channel; a repeat on another channel is a new item."""

    id: str
    direction: Literal["in", "out"]
    author: Literal["shopper", "bot", "vendor", "system"]
    channel: ChannelWord | None = Field(description="null while no channel has been chosen yet")
    text: str
    status: Literal[
        "received",
        "waiting",
        "held",
        "sending",
        "accepted",
        "sent",
        "delivered",
        "read",
        "failed",
        "unknown",
        "superseded",
        "expired",
    ]
    late: bool
    superseded_by: str | None
    created_at: Time
    provider_id: str | None


class Say(Body):
    """What to say to the shopper, in the vendor's name."""

    text: str = Field(min_length=1, max_length=1600)


class EvidenceShape(Shape):
    at: Time
    kind: str
    detail: str


class ChannelShape(Shape):
    """A shop's channel. ``forced`` is null unless the shop forced it; then ``state`` is what was forced."""

    channel: ChannelWord
    state: Literal["up", "suspect", "down", "recovering", "broken"]
    since: Time | None
    forced: Literal["up", "down"] | None
    evidence: list[EvidenceShape]


class Force(Body):
    """``auto`` ends a force."""

    state: Literal["up", "down", "auto"]
    reason: str = Field(min_length=1, max_length=300)


class Product(Shape):
    """A row of products.csv."""

    product_id: str
    name: str
    category: str
    description: str
    aliases: list[str]
    price_xof: Xof
    options: dict[str, list[str]]
    stock: int | None


class Zone(Shape):
    """A row of zones.csv."""

    commune: str
    aliases: list[str]
    fee_xof: Xof
    eta_text: str


class Incident(Shape):
    """An outage of a channel, with what it cost."""

    id: str
    channel: str
    fault_domain: str | None
    began_at: Time
    detected_at: Time
    ended_at: Time | None
    moved: int
    answered: int
    held: int
    lost: int
    duplicated: int
    returned: int
    """Conversations that are back on the channel."""
    reached_out: int
    """Shoppers written to who were owed nothing."""
    spent_xof: Xof
    saved_xof: Xof
    evidence: list[Any]


class Call(Shape):
    """A shopper whom no channel reaches: to be called."""

    conversation_id: str
    customer_id: str
    name: str | None
    phone: str | None
    basket: str
    value_xof: Xof
    say: str
    """What to say, ready to read out."""
    reason: str
    since: Time
    called_at: Time | None
    called_by: str | None


class FieldErrorShape(Shape):
    field: str
    code: str
    detail: str


class ProblemShape(Shape):
    """RFC 9457. ``type`` is the identifier; never parse ``detail``."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldErrorShape] | None = None
