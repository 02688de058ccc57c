"""What an order is and how its status may move. Placing it is one ledger transaction (``ports.Orders``)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.core.addresses import ChannelName
from bot.core.basket import Basket


class OrderStatus(StrEnum):
    """REST ``status``, in the order in which an order goes."""

    CONFIRMED = "confirmed"
    PACKED = "packed"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class PaymentStatus(StrEnum):
    """REST ``payment.status``."""

    UNPAID = "unpaid"
    PENDING = "pending"
    PAID = "paid"
    REFUNDED = "refunded"


PAYMENTS = ("cash", "orange_money", "mtn_momo", "moov_money", "wave")


CANCELLABLE = frozenset({OrderStatus.CONFIRMED, OrderStatus.PACKED, OrderStatus.CANCELLED})
"""What a shopper may cancel alone: what is not on its way yet. Cancelled again is cancelled."""


def may_become(old: OrderStatus, new: OrderStatus) -> bool:
    """Forward jumps are allowed, cancelling until delivered, the same again always."""
    if old is new:
        return True
    if old in (OrderStatus.CANCELLED, OrderStatus.DELIVERED):
        return False
    steps = list(OrderStatus)
    return new is OrderStatus.CANCELLED or steps.index(new) > steps.index(old)


def payment_may_become(old: PaymentStatus, new: PaymentStatus) -> bool:
    """Paid is only given back, given back is the end; whether the order was cancelled does not matter."""
    match old:
        case PaymentStatus.UNPAID | PaymentStatus.PENDING:
            return new is not PaymentStatus.REFUNDED
        case PaymentStatus.PAID:
            return new in (PaymentStatus.PAID, PaymentStatus.REFUNDED)
        case PaymentStatus.REFUNDED:
            return new is old


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """Place this basket once. ``basket.id`` is the key: a second call returns the first order."""

    shop_id: str
    conversation_id: str
    customer_id: str
    channel: ChannelName
    basket: Basket
    turn_id: str


@dataclass(frozen=True, slots=True)
class Placed:
    """The order exists. ``first`` is False when the basket had been placed before."""

    order_id: str
    number: str
    total_xof: int
    first: bool


@dataclass(frozen=True, slots=True)
class SoldOut:
    """Nothing was written: these lines ask for more than is left. (product_id, left)"""

    lines: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """Nothing was written. ``reason``: empty_basket, unknown_product, unknown_commune, incomplete, closed."""

    reason: str


PlaceResult = Placed | SoldOut | Rejected
