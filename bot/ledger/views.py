"""Rows in the form REST shows them: plain JSON-ready objects, the shapes of the public contract."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row

from bot.ledger.times import shown, shown_or_none

Json = dict[str, Any]
AnyRow = Row[Any]


def order_line(row: AnyRow) -> Json:
    """A line of an order."""
    return {
        "product_id": row.product_id,
        "name": row.name,
        "options": dict(row.options),
        "quantity": row.quantity,
        "unit_price_xof": row.unit_price_xof,
        "line_total_xof": row.line_total_xof,
    }


def order(row: AnyRow, lines: Iterable[AnyRow]) -> Json:
    """An order with its lines."""
    return {
        "id": row.id,
        "number": row.number,
        "shop_id": row.shop_id,
        "customer_id": row.customer_id,
        "conversation_id": row.conversation_id,
        "status": row.status,
        "lines": [order_line(line) for line in lines],
        "delivery": {
            "name": row.name,
            "phone": row.phone,
            "commune": row.commune,
            "landmark": row.landmark,
            "latitude": row.latitude,
            "longitude": row.longitude,
            "fee_xof": row.fee_xof,
        },
        "payment": {"method": row.payment_method, "status": row.payment_status},
        "items_total_xof": row.items_total_xof,
        "total_xof": row.total_xof,
        "currency": "XOF",
        "channel": row.channel,
        "created_at": shown(row.created_at),
        "updated_at": shown(row.updated_at),
    }


def address(row: AnyRow) -> Json:
    """An entry of a customer's address book."""
    return {
        "address": row.address,
        "proved_by": row.proved_by,
        "opted_out": row.opted_out,
        "last_heard_at": shown_or_none(row.last_heard_at),
    }


def customer(row: AnyRow, addresses: Iterable[AnyRow]) -> Json:
    """A customer with the address book in its order."""
    return {
        "id": row.id,
        "name": row.name,
        "language": row.language,
        "addresses": [address(entry) for entry in addresses],
    }


def basket(data: Json) -> Json:
    """A basket as the conversation shows it, from ``core.basket.to_dict``'s form."""
    lines = [
        {
            "product_id": line["product_id"],
            "name": line["name"],
            "options": dict(line["options"]),
            "quantity": line["quantity"],
            "unit_price_xof": line["unit_price_xof"],
            "line_total_xof": line["quantity"] * line["unit_price_xof"],
        }
        for line in data.get("lines", ())
    ]
    return {"lines": lines, "items_total_xof": sum(line["line_total_xof"] for line in lines)}


def conversation(row: AnyRow, shopper: Json) -> Json:
    """A conversation with its customer, as ``customer`` gives it."""
    return {
        "id": row.id,
        "shop_id": row.shop_id,
        "customer": shopper,
        "status": row.status,
        "channel": row.channel,
        "epoch": row.epoch,
        "awaiting": row.awaiting,
        "basket": basket(row.basket),
        "last_message_at": shown_or_none(row.last_message_at),
    }


def message(row: AnyRow) -> Json:
    """A transcript item."""
    return {
        "id": row.id,
        "direction": row.direction,
        "author": row.author,
        "channel": row.channel,
        "text": row.text,
        "status": row.status,
        "late": row.late,
        "superseded_by": row.superseded_by,
        "created_at": shown(row.created_at),
        "provider_id": row.provider_id,
    }


def product(row: AnyRow) -> Json:
    """A product: the columns of products.csv, and whether it is sold at present."""
    return {
        "product_id": row.id,
        "name": row.name,
        "category": row.category,
        "description": row.description,
        "aliases": list(row.aliases),
        "price_xof": row.price_xof,
        "options": {name: list(values) for name, values in row.options},
        "stock": row.stock,
        "active": row.active,
    }


def zone(row: AnyRow) -> Json:
    """A delivery zone: the columns of zones.csv."""
    return {
        "commune": row.commune,
        "aliases": list(row.aliases),
        "fee_xof": row.fee_xof,
        "eta_text": row.eta_text,
    }


def incident(row: AnyRow) -> Json:
    """An outage as the shop lived it."""
    return {
        "id": row.id,
        "channel": row.channel,
        "fault_domain": row.fault_domain,
        "began_at": shown(row.began_at),
        "detected_at": shown(row.detected_at),
        "ended_at": shown_or_none(row.ended_at),
        "moved": row.moved,
        "answered": row.answered,
        "held": row.held,
        "lost": row.lost,
        "duplicated": row.duplicated,
        "returned": row.returned,
        "reached_out": row.reached,
        "spent_xof": row.spent_xof,
        "saved_xof": row.saved_xof,
        "evidence": list(row.evidence),
    }


def call(row: AnyRow) -> Json:
    """A shopper to call."""
    return {
        "conversation_id": row.conversation_id,
        "customer_id": row.customer_id,
        "name": row.name,
        "phone": row.phone,
        "basket": row.basket,
        "value_xof": row.value_xof,
        "say": row.say,
        "reason": row.reason,
        "since": shown(row.since),
        "called_at": shown_or_none(row.called_at),
        "called_by": row.called_by,
    }


def event(row: AnyRow) -> Json:
    """A numbered event; the same body goes to webhooks. ``seq`` is its place in the shop's feed."""
    return {
        "id": row.id,
        "seq": row.seq,
        "type": row.type,
        "occurred_at": shown(row.occurred_at),
        "shop_id": row.shop_id,
        "data": row.data,
    }
