"""A basket: what a shopper wants, and what the checkout has learned. Every change is a new basket, version + 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

Options = tuple[tuple[str, str], ...]
"""Chosen options in the product's own order: (("taille", "M"), ("couleur", "noir"))."""

MAX_QUANTITY = 999


@dataclass(frozen=True, slots=True)
class BasketLine:
    """One product with its options. Prices in FCFA, as they were when it was added."""

    product_id: str
    name: str
    options: Options
    quantity: int
    unit_price_xof: int

    def __post_init__(self) -> None:
        if not 1 <= self.quantity <= MAX_QUANTITY:
            raise ValueError(f"quantity must be 1 to {MAX_QUANTITY}")
        if self.unit_price_xof < 0:
            raise ValueError("unit_price_xof must not be negative")

    @property
    def total_xof(self) -> int:
        return self.quantity * self.unit_price_xof

    @property
    def label(self) -> str:
        """``Robe wax courte (M)``."""
        values = ", ".join(value for _, value in self.options)
        return f"{self.name} ({values})" if values else self.name


@dataclass(frozen=True, slots=True)
class Checkout:
    """What is known for delivery and payment; None is not asked yet."""

    name: str | None = None
    phone: str | None = None
    commune: str | None = None
    fee_xof: int | None = None
    landmark: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    payment: str | None = None


@dataclass(frozen=True, slots=True)
class Basket:
    """Lines and checkout under one id; ``closed`` once placed or cancelled."""

    id: str
    version: int = 0
    lines: tuple[BasketLine, ...] = ()
    checkout: Checkout = Checkout()
    closed: bool = False

    @property
    def items_total_xof(self) -> int:
        return sum(line.total_xof for line in self.lines)

    @property
    def total_xof(self) -> int:
        """Items and delivery; the fee counts as 0 while the commune is not known."""
        return self.items_total_xof + (self.checkout.fee_xof or 0)

    @property
    def count(self) -> int:
        """Pieces in it."""
        return sum(line.quantity for line in self.lines)

    def changed(self, lines: tuple[BasketLine, ...] | None = None, checkout: Checkout | None = None) -> Basket:
        """A new version with other lines or another checkout."""
        return replace(
            self,
            version=self.version + 1,
            lines=self.lines if lines is None else lines,
            checkout=self.checkout if checkout is None else checkout,
        )


def to_dict(basket: Basket) -> dict[str, Any]:
    """JSON form, as Rasa, the codec and the journal carry it."""
    checkout = basket.checkout
    return {
        "id": basket.id,
        "version": basket.version,
        "closed": basket.closed,
        "lines": [
            {
                "product_id": line.product_id,
                "name": line.name,
                "options": [list(pair) for pair in line.options],
                "quantity": line.quantity,
                "unit_price_xof": line.unit_price_xof,
            }
            for line in basket.lines
        ],
        "checkout": {name: getattr(checkout, name) for name in checkout.__dataclass_fields__},
    }


def from_dict(data: Mapping[str, Any]) -> Basket:
    """Read ``to_dict``'s form. Raises KeyError, TypeError or ValueError when it is not one."""
    return Basket(
        id=str(data["id"]),
        version=int(data["version"]),
        closed=bool(data["closed"]),
        lines=tuple(
            BasketLine(
                product_id=str(line["product_id"]),
                name=str(line["name"]),
                options=tuple((str(name), str(value)) for name, value in line["options"]),
                quantity=int(line["quantity"]),
                unit_price_xof=int(line["unit_price_xof"]),
            )
            for line in data["lines"]
        ),
        checkout=Checkout(**data["checkout"]),
    )
