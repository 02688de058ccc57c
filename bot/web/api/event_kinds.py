"""The kinds of events with their data, as the feed, the stream and webhooks carry them. New kinds may be added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ConfigDict

from bot.web.api.models import ChannelWord, Order, Shape, Time


class Erased(Shape):
    """What is left of the data when the shopper has been erased: nothing."""

    model_config = ConfigDict(extra="forbid")


class Event(Shape):
    """One thing that happened. ``id`` is the same wherever and however often you get it: drop what you have seen."""

    id: str
    seq: int
    """Place in the shop's feed: no holes, and never a new event before one you have read."""
    type: str
    occurred_at: Time
    shop_id: str
    data: dict[str, Any]


class OrderUpdated(Order):
    previous_status: str
    previous_payment_status: str
    changed_by: Literal["shopper"] | None = None


class InConversation(Shape):
    conversation_id: str
    customer_id: str


class Moved(InConversation):
    """``old`` and ``new`` are channels."""

    epoch: int
    old: ChannelWord
    new: ChannelWord


class HandedOver(InConversation):
    to: Literal["human", "bot"]


class MessageReceived(InConversation):
    channel: ChannelWord
    late: bool


class MessageSent(InConversation):
    message_id: str
    channel: ChannelWord | None


class MessageFailed(MessageSent):
    """``code``: the provider's own."""

    code: str


class AddressChanged(InConversation):
    address: str


class Unreachable(InConversation):
    phone: str | None
    basket: str
    reason: str


class WaitingForPerson(InConversation):
    """``shop_open``: whether the shop is open now."""

    channel: ChannelWord
    shop_open: bool


class Reminded(InConversation):
    basket_id: str


class FileFetched(InConversation):
    """``file``: the name under which the transcript shows it."""

    message_id: str
    file: str


class StateChanged(Shape):
    """``domain``: what the channel shares with others, where it is that which changed (``meta``, ``twilio``...)."""

    channel: str
    old: str
    new: str
    detail: str
    domain: str | None
    began_at: str | None


class IncidentTold(Shape):
    """The incident as ``incidents`` shows it."""

    id: str
    channel: str


class StockLow(Shape):
    product_id: str
    name: str
    stock: int


class WebhookDisabled(Shape):
    """``failing``: no success for 3 days. ``gone``: it answered 410."""

    webhook_id: str
    url: str
    reason: Literal["failing", "gone"]


@dataclass(frozen=True, slots=True)
class EventKind:
    """A type of event."""

    name: str
    data: type[Shape]
    meaning: str


KINDS = (
    EventKind("order.placed", Order, "An order was confirmed"),
    EventKind("order.updated", OrderUpdated, "An order's status or payment changed"),
    EventKind("conversation.moved", Moved, "A conversation goes on over another channel"),
    EventKind("conversation.handed_over", HandedOver, "A person took the conversation, or gave it back"),
    EventKind("conversation.waiting_for_person", WaitingForPerson, "Nobody of the shop answered for 10 minutes"),
    EventKind("conversation.reminded", Reminded, "A shopper was reminded of a basket that was left"),
    EventKind("conversation.unreachable", Unreachable, "No channel reaches the shopper: call"),
    EventKind("message.received", MessageReceived, "A shopper wrote"),
    EventKind("message.file_kept", FileFetched, "A shopper's voice note or picture was fetched and kept"),
    EventKind("message.file_lost", FileFetched, "A shopper's file could not be had from the provider"),
    EventKind("message.sent", MessageSent, "A provider took a message"),
    EventKind("message.failed", MessageFailed, "A provider refused a message"),
    EventKind("channel.state_changed", StateChanged, "A channel's health changed"),
    EventKind("incident.opened", IncidentTold, "An outage began"),
    EventKind("incident.closed", IncidentTold, "An outage ended"),
    EventKind("customer.linked", AddressChanged, "A shopper linked another address"),
    EventKind("customer.unlinked", AddressChanged, "A shopper took a link back"),
    EventKind("customer.opted_out", AddressChanged, "A shopper wrote STOP"),
    EventKind("stock.low", StockLow, "Few pieces of a product are left"),
    EventKind("webhook.disabled", WebhookDisabled, "A webhook is not tried any more"),
)
TYPES = tuple(kind.name for kind in KINDS)
EXAMPLE: dict[str, Any] = {
    "id": "stock.low:foulard-wax:ord_5f1c0a7e21b34d9c8a60",
    "seq": 4711,
    "type": "stock.low",
    "occurred_at": "2026-11-24T08:15:00.250Z",
    "shop_id": "awa-mode",
    "data": {"product_id": "foulard-wax", "name": "Foulard wax", "stock": 2},
}
