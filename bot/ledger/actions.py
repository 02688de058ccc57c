"""The ledger as the dialogue's actions see it (``actions.services.Ledger``)."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from actions.services import LatestOrder, Payment, ShopFacts
from bot import settings
from bot.core.catalogue import Product, Zone
from bot.core.orders import CANCELLABLE, OrderRequest, OrderStatus, PlaceResult
from bot.ledger.catalogue import LedgerCatalogue
from bot.ledger.checkouts import LedgerCheckouts
from bot.ledger.engine import Ledger, open_ledger
from bot.ledger.order_changes import Changed, OrderChange, change_order
from bot.ledger.orders import LedgerOrders
from bot.ledger.shops import LedgerShops, week


class ActionsLedger:
    """Reads the catalogue, places orders."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._catalogue = LedgerCatalogue(ledger)
        self._orders = LedgerOrders(ledger)
        self._shops = LedgerShops(ledger, {})

    async def catalogue(self, shop_id: str) -> Sequence[Product]:
        """What is sold. Raises Unavailable."""
        return await self._catalogue.catalogue(shop_id)

    async def zones(self, shop_id: str) -> Sequence[Zone]:
        """Where the shop delivers. Raises Unavailable."""
        return await self._catalogue.zones(shop_id)

    async def shop(self, shop_id: str) -> ShopFacts:
        """What a shopper may be told. Raises LookupError for an unknown shop, and Unavailable."""
        found = await self._shops.settings(shop_id)
        if found is None:
            raise LookupError("unknown shop")
        return ShopFacts(
            id=shop_id,
            name=found["name"],
            phone=found["phone"],
            hours=found["opening_hours"],
            week=week(found),
            timezone=found["timezone"],
            payments={name: Payment(**payment) for name, payment in found["payments"].items()},
            minimum_order_xof=found["minimum_order_xof"],
        )

    async def place(self, request: OrderRequest) -> PlaceResult:
        """Place the order once. Raises Unavailable."""
        return await self._orders.place(request)

    async def latest(self, conversation_id: str, number: str | None = None) -> LatestOrder | None:
        """The conversation's last order, or that of a number. Raises Unavailable."""
        found = await self._orders.latest_for(conversation_id, number)
        if found is None:
            return None
        return LatestOrder(found.id, found.number, found.status, found.total_xof, found.basket)

    async def cancel(self, shop_id: str, order_id: str) -> bool:
        """Cancel an order that is not out yet; its stock comes back once. False: it is too late. Raises Unavailable."""
        outcome = await change_order(
            self._ledger,
            shop_id,
            order_id,
            OrderChange(status=OrderStatus.CANCELLED),
            expected=lambda order: OrderStatus(order["status"]) in CANCELLABLE,
            by_shopper=True,
        )
        return isinstance(outcome, Changed)

    async def ask_to_pay(self, conversation_id: str, turn_id: str) -> str | None:
        """Have the last order's payment link put (again), once a turn. Raises Unavailable."""
        return await LedgerCheckouts(self._ledger).ask(conversation_id, turn_id, time.time())


def ledger_from_environment() -> ActionsLedger:
    """The ledger named in the environment of a process that the supervisor started. Raises SettingsError."""
    return ActionsLedger(open_ledger(settings.of_child(os.environ).database_url))
