"""What a shop sells and where it delivers. Read from the ledger; no prices ever come from a shopper."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Product:
    """One row of products.csv. ``options``: (("taille", ("S", "M")), ...); ``stock`` None is not counted."""

    id: str
    name: str
    category: str
    description: str
    aliases: tuple[str, ...]
    price_xof: int
    options: tuple[tuple[str, tuple[str, ...]], ...]
    stock: int | None

    @property
    def sold_out(self) -> bool:
        return self.stock is not None and self.stock <= 0


@dataclass(frozen=True, slots=True)
class Zone:
    """One row of zones.csv: a commune served, its other names, the delivery fee in FCFA and when it comes."""

    commune: str
    aliases: tuple[str, ...]
    fee_xof: int
    eta_text: str
