"""What the actions need from the shop: its catalogue, zones and facts, and placing an order. Every wait is bounded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from bot.core.basket import Basket
from bot.core.catalogue import Index, Product, Zone, index
from bot.core.hours import Week
from bot.core.orders import OrderRequest, OrderStatus, PlaceResult

PATIENCE = 3.0
"""Seconds the ledger gets for one answer."""
FRESH = 3.0
"""Seconds for which a catalogue is not read again."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Payment:
    """A way to pay: the number to send to and the shop's words about it; both empty for cash.

    ``link``: the shopper gets a link of the provider's instead (``flows.collect``).
    """

    to: str = ""
    instructions: str = ""
    link: bool = False


@dataclass(frozen=True, slots=True)
class ShopFacts:
    """What a shopper may be told about the shop. ``payments`` by method, in the shop's order."""

    id: str
    name: str
    phone: str
    hours: str
    """In the shop's own words."""
    week: Week = field(default_factory=dict)
    timezone: str = "Africa/Abidjan"
    payments: Mapping[str, Payment] = field(default_factory=dict)
    minimum_order_xof: int = 0


@dataclass(frozen=True, slots=True)
class LatestOrder:
    """An order of a conversation. ``basket``: what was ordered and where it went."""

    id: str
    number: str
    status: OrderStatus
    total_xof: int
    basket: Basket


class Ledger(Protocol):
    """The ledger as the actions see it. May raise anything when it cannot be reached: the turn then fails."""

    async def catalogue(self, shop_id: str) -> Sequence[Product]: ...

    async def zones(self, shop_id: str) -> Sequence[Zone]: ...

    async def shop(self, shop_id: str) -> ShopFacts: ...

    async def place(self, request: OrderRequest) -> PlaceResult: ...

    async def latest(self, conversation_id: str, number: str | None = None) -> LatestOrder | None: ...

    async def cancel(self, shop_id: str, order_id: str) -> bool: ...

    async def ask_to_pay(self, conversation_id: str, turn_id: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Shelf:
    """A shop as one turn sees it."""

    shop: ShopFacts
    index: Index
    zones: tuple[Zone, ...]


class Services:
    """The ledger behind a short cache and a time limit. One per process."""

    def __init__(self, ledger: Ledger, now: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._now = now
        self._shelves: dict[str, tuple[float, tuple[Product, ...], Shelf]] = {}

    async def shelf(self, shop_id: str) -> Shelf:
        """The shop's shelf, at most ``FRESH`` seconds old; the index is rebuilt only when a product changed."""
        held = self._shelves.get(shop_id)
        if held is not None and self._now() - held[0] < FRESH:
            return held[2]
        products, zones, shop = await _bounded(
            asyncio.gather(
                self._ledger.catalogue(shop_id), self._ledger.zones(shop_id), self._ledger.shop(shop_id)
            )
        )
        same = held is not None and held[1] == tuple(products)
        searched = held[2].index if held is not None and same else index(products)
        shelf = Shelf(shop, searched, tuple(zones))
        self._shelves[shop_id] = (self._now(), tuple(products), shelf)
        return shelf

    async def place(self, request: OrderRequest) -> PlaceResult:
        """Place the order; the stock it took is seen by the next turn."""
        self._shelves.pop(request.shop_id, None)
        return await _bounded(self._ledger.place(request))

    async def latest(self, conversation_id: str, number: str | None = None) -> LatestOrder | None:
        """The conversation's last order, or its order of that number."""
        return await _bounded(self._ledger.latest(conversation_id, number))

    async def cancel(self, shop_id: str, order_id: str) -> bool:
        """Cancel an order; False when it is on its way already. The stock it gives back is seen by the next turn."""
        self._shelves.pop(shop_id, None)
        return await _bounded(self._ledger.cancel(shop_id, order_id))

    async def ask_to_pay(self, conversation_id: str, turn_id: str) -> str | None:
        """Have the last order's payment link put (again); its number, or None where nothing is to be paid by link."""
        return await _bounded(self._ledger.ask_to_pay(conversation_id, turn_id))


async def _bounded(work: Awaitable[T]) -> T:
    return await asyncio.wait_for(work, PATIENCE)


_current: list[Services] = []


def use(services: Services) -> None:
    """Set the process's services: rasa-sdk makes the actions itself, so they cannot be handed over."""
    _current[:] = [services]


def current() -> Services:
    """The process's services. Raises RuntimeError before ``use``."""
    if not _current:
        raise RuntimeError("services.use() was not called")
    return _current[0]
