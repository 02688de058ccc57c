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


class FieldErrorShape(Shape):
    field: str
    code: str
    detail: str


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
    """``paid`` is said by a person, or by the provider whose link the shopper got (``wave``, in shops with an account)."""

    method: Literal["cash", "orange_money", "mtn_momo", "moov_money", "wave"]
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


class KnownCustomer(Body):
    """A customer of the shop."""

    id: str = Field(min_length=1, max_length=100)


class GivenAddress(Body):
    """Where the shopper is told of the order: of a known customer or a new one."""

    address: str = Field(
        min_length=5,
        max_length=120,
        description="whatsapp:+225…, tel:+225… or telegram:<chat id>",
        examples=["tel:+2250700000001"],
    )


class WantedLine(Body):
    """Prices are the shop's. Every option the product has must be chosen."""

    product_id: str = Field(min_length=1, max_length=100)
    quantity: int = Field(ge=1, le=999)
    options: dict[str, str] = Field(default_factory=dict, max_length=10)


class NewDelivery(Body):
    """The fee is the commune's."""

    commune: str = Field(min_length=1, max_length=60)
    phone: str = Field(min_length=8, max_length=20, description="For the rider", examples=["+2250700000001"])
    name: str | None = Field(default=None, min_length=1, max_length=60)
    landmark: str | None = Field(default=None, min_length=1, max_length=300)
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)


PaymentMethod = Literal["cash", "orange_money", "mtn_momo", "moov_money", "wave"]


class NewPayment(Body):
    method: PaymentMethod


class NewOrder(Body):
    """An order from outside: a web shop, a till."""

    customer: KnownCustomer | GivenAddress
    lines: list[WantedLine] = Field(min_length=1, max_length=50)
    delivery: NewDelivery
    payment: NewPayment


class PaymentPatch(Body):
    status: Literal["unpaid", "pending", "paid", "refunded"]


class OrderPatch(Body):
    """What is to change: the status, the payment, or both at once. What is left out stays."""

    status: Literal["confirmed", "packed", "out_for_delivery", "delivered", "cancelled"] | None = None
    payment: PaymentPatch | None = None


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
    weight: float
    """How much it counted against the channel, in nats; 0 where it did not."""


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
    """A row of products.csv. ``active`` is false for what is not sold at present."""

    product_id: str
    name: str
    category: str
    description: str
    aliases: list[str]
    price_xof: Xof
    options: dict[str, list[str]]
    stock: int | None = Field(description="Pieces left; null: not counted")
    active: bool


OptionName = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\s=;|](?:[^=;|]*[^\s=;|])?$")]
ListWord = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\s;|](?:[^;|]*[^\s;|])?$")]


class ProductPut(Body):
    """A whole product. What is left out takes its default, it does not stay."""

    name: str = Field(min_length=1, max_length=100, pattern=r"\S")
    category: str = Field(min_length=1, max_length=60, pattern=r"\S")
    description: str = Field(default="", max_length=2000)
    aliases: list[ListWord] = Field(default_factory=list, max_length=50)
    price_xof: int = Field(ge=0, le=100_000_000)
    options: dict[OptionName, Annotated[list[ListWord], Field(min_length=1, max_length=100)]] = Field(
        default_factory=dict, max_length=10
    )
    stock: int | None = Field(default=None, ge=0, le=1_000_000)
    active: bool = True


class ImportReport(Shape):
    """What an import did, or with ``dry_run`` would do. ``errors`` are empty unless it was a dry run."""

    dry_run: bool
    rows: int
    created: int
    updated: int
    unchanged: int
    errors: list[FieldErrorShape]


class ZonePut(Body):
    """A whole delivery zone."""

    aliases: list[ListWord] = Field(default_factory=list, max_length=50)
    fee_xof: int = Field(ge=0, le=100_000_000)
    eta_text: str = Field(default="", max_length=100)


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


class Without(Shape):
    """How many could still be reached without it."""

    whatsapp: int
    meta: int
    twilio: int
    internet: int


class Reachable(Shape):
    """How many there are, and how many could still be reached."""

    total: int
    reachable_without: Without


class Readiness(Shape):
    """Who could still be reached in which outage. A number taken from WhatsApp counts for open baskets only."""

    shoppers: Reachable
    open_baskets: Reachable


class DrillStart(Body):
    """A rehearsal. ``speed``: of the recording; Relais' own time-outs stay real."""

    day: Literal["2021-10-04", "2024-03-14"]
    speed: float = Field(default=60, ge=1, le=3600)


class Drill(Shape):
    """A rehearsal of an outage, in a Relais of its own."""

    id: str
    shop_id: str
    day: str
    speed: float
    state: Literal["running", "over", "failed"]


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


class CustomerExport(Shape):
    """All there is, at most 10,000 of each kind."""

    customer: Customer
    conversations: list[Conversation]
    messages: list[Message]
    orders: list[Order]
    events: list[dict[str, Any]]


class ProblemShape(Shape):
    """RFC 9457. ``type`` is the identifier; never parse ``detail``."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldErrorShape] | None = None
