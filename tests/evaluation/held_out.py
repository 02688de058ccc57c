"""The held-out messages: what each means, and what each names in its shop."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.core.basket import Options
from bot.core.catalogue import Index, match_commune
from bot.core.checkout import read_payment, without_phone
from bot.core.matching import Item, find_items
from tests.dialogue.memory_ledger import SHOPS, read_zones

FILE = Path(__file__).with_name("held_out.yml")
PAYMENTS = ("cash", "wave", "orange_money", "mtn_momo", "moov_money")
ZONES = read_zones(SHOPS / "awa-mode")


@dataclass(frozen=True, slots=True)
class Line:
    """What a message asks for: one product, or several it may mean. ``quantity``: 1 when none is said."""

    products: frozenset[str]
    options: Options
    quantity: int

    def __str__(self) -> str:
        options = ";".join(f"{name}={value}" for name, value in self.options)
        return f"{self.quantity} {'|'.join(sorted(self.products))} {options}".strip()


@dataclass(frozen=True, slots=True)
class Message:
    """One held-out message. ``lines`` None: what it names is not checked."""

    text: str
    intent: str
    noisy: bool = False
    shop: str | None = None
    lines: tuple[Line, ...] | None = None
    commune: str | None = None
    payment: str | None = None


def read(file: Path = FILE) -> tuple[Message, ...]:
    """All messages of the file, in its order. Raises when one is not well formed."""
    rows = yaml.safe_load(file.read_text("utf-8"))
    return tuple(Message(**{**row, "lines": _lines(row.get("lines"))}) for row in rows)


def _lines(written: list[str] | None) -> tuple[Line, ...] | None:
    return None if written is None else tuple(_line(text) for text in written)


def _line(text: str) -> Line:
    """``2 foulard-satin couleur=rose`` or, where nothing is counted, ``foulard-satin``."""
    first, _, rest = text.partition(" ")
    quantity = int(first) if first.isdigit() else 1
    names, _, options = (rest if first.isdigit() else text).partition(" ")
    pairs = (pair.split("=") for pair in options.split(";") if pair)
    return Line(frozenset(names.split("|")), tuple((name, value) for name, value in pairs), quantity)


def found(text: str, catalogue: Index) -> tuple[Line, ...]:
    """What Relais reads in a text, in the form of ``Message.lines``."""
    return tuple(_as_line(item) for item in find_items(without_phone(text), catalogue).items)


def _as_line(item: Item) -> Line:
    sure = item.product is not None
    return Line(
        frozenset(candidate.product.id for candidate in item.candidates),
        item.candidates[0].options if sure else (),
        1 if item.quantity is None else item.quantity,
    )


def commune_in(text: str, catalogue: Index | None) -> str | None:
    """The commune that is read in a text, as the dialogue does it: beside the items, not in them."""
    rest = text if catalogue is None else find_items(without_phone(text), catalogue).rest
    zone = match_commune(without_phone(rest), ZONES)
    return zone.commune if zone else None


def payment_in(text: str) -> str | None:
    """The way to pay that is read in a text."""
    return read_payment(text, PAYMENTS, asked=True)
