"""What the public side reads of the ledger. ``ledger_reads`` adapts the ledger's queries; tests bring a fake.

Objects come in the form REST shows them: plain JSON-ready mappings. Every method may raise ``ports.Unavailable``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.core.catalogue import Product

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """Which stretch of a list: at most ``limit`` (1 to 100) after an opaque cursor."""

    limit: int = 20
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """Items in the order of the contract, and the cursor of what follows, if anything does."""

    items: Sequence[Json]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders; None: whatever it is. ``text`` is looked for in number, name and phone. Times are half-open."""

    status: str | None = None
    payment_status: str | None = None
    channel: str | None = None
    customer_id: str | None = None
    conversation_id: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class ConversationFilter:
    """Which conversations; None: whatever it is."""

    address: str | None = None
    status: str | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """Which products. ``text`` is looked for in id, name and description."""

    category: str | None = None
    active: bool | None = None
    text: str | None = None


class BadCursor(Exception):
    """The cursor is not one that this list gave out."""


class Key(Protocol):
    """A verified API key: one shop, some scopes (``orders:read``)."""

    @property
    def id(self) -> str: ...

    @property
    def shop_id(self) -> str: ...

    @property
    def scopes(self) -> frozenset[str]: ...

    @property
    def rate_per_minute(self) -> int: ...


class Keys(Protocol):
    """API keys. Unknown, revoked and expired are the same: None."""

    async def verify(self, key: str) -> Key | None: ...


@dataclass(frozen=True, slots=True)
class HeardWords:
    """Something a shopper wrote. ``at``: Unix seconds."""

    id: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class ShopFace:
    """What a shop's public page shows beside name and phone."""

    tagline: str
    opening_hours: str
    products: Sequence[Product]


class Reads(Protocol):
    """Queries, each within one shop. None: unknown, or another shop's. Lists may raise ``BadCursor``."""

    async def heard(self, shop: str, conversation_id: str, since: float) -> Sequence[HeardWords]:
        """The shopper's messages since a time, oldest first, the last 50 at most."""
        ...

    async def shop_window(self, shop: str) -> ShopFace: ...

    async def orders(self, shop: str, window: Window, wanted: OrderFilter = ...) -> Listing: ...

    async def order(self, shop: str, order_id: str) -> Json | None: ...

    async def conversations(
        self, shop: str, window: Window, wanted: ConversationFilter = ...
    ) -> Listing: ...

    async def conversation(self, shop: str, conversation_id: str) -> Json | None: ...

    async def messages(self, shop: str, conversation_id: str, window: Window) -> Listing: ...

    async def customers(self, shop: str, window: Window, address: str | None) -> Listing: ...

    async def customer(self, shop: str, customer_id: str) -> Json | None: ...

    async def products(self, shop: str, window: Window, wanted: ProductFilter = ...) -> Listing: ...

    async def product(self, shop: str, product_id: str) -> Json | None: ...

    async def all_products(self, shop: str) -> Sequence[Product]:
        """Everything in the catalogue, sold or not, in its order."""
        ...

    async def zones(self, shop: str, window: Window) -> Listing: ...

    async def zone(self, shop: str, commune: str) -> Json | None: ...

    async def incidents(self, shop: str, window: Window) -> Listing: ...

    async def call_list(self, shop: str, window: Window) -> Listing: ...

    async def webhooks(self, shop: str, window: Window) -> Listing: ...

    async def deliveries(self, shop: str, webhook_id: str, window: Window) -> Listing: ...
