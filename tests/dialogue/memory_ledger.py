"""The ledger as the actions see it, in memory, fed from a shop's files. Placing is once per basket, as in the real one."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from actions.services import LatestOrder, Payment, ShopFacts
from bot.core.catalogue import Product, Zone
from bot.core.orders import OrderRequest, OrderStatus, Placed, PlaceResult, Rejected, SoldOut

SHOPS = Path(__file__).parents[2] / "shops"


class MemoryLedger:
    """Products, zones and orders of the shops in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.orders: dict[str, OrderRequest] = {}
        """By basket id."""
        self.cancelled: set[str] = set()
        self.down = False
        self._stock: dict[tuple[str, str], int] = {}

    async def catalogue(self, shop_id: str) -> Sequence[Product]:
        self._check()
        return tuple(self._left(shop_id, product) for product in read_products(self._folder / shop_id))

    async def zones(self, shop_id: str) -> Sequence[Zone]:
        self._check()
        return read_zones(self._folder / shop_id)

    async def shop(self, shop_id: str) -> ShopFacts:
        self._check()
        facts = yaml.safe_load((self._folder / shop_id / "shop.yml").read_text(encoding="utf-8"))
        payments = {
            method: Payment() if given is True else Payment(given["to"], given["instructions"], "api_key" in given)
            for method, given in facts["payments"].items()
        }
        return ShopFacts(
            shop_id,
            facts["name"],
            facts["phone"],
            facts["opening_hours"],
            {day: (span[:5], span[6:]) for day, span in facts["hours"].items()},
            facts["timezone"],
            payments,
            facts["minimum_order_xof"],
        )

    async def place(self, request: OrderRequest) -> PlaceResult:
        self._check()
        basket = request.basket
        first = basket.id not in self.orders
        if first:
            products = {product.id: product for product in await self.catalogue(request.shop_id)}
            fees = {zone.commune: zone.fee_xof for zone in await self.zones(request.shop_id)}
            if not basket.lines:
                return Rejected("empty_basket")
            if basket.checkout.commune not in fees:
                return Rejected("unknown_commune")
            short = [(id_, left) for id_, left in self._after(basket.lines, products).items() if left < 0]
            if short:
                return SoldOut(tuple((id_, products[id_].stock or 0) for id_, _ in short))
            for id_, left in self._after(basket.lines, products).items():
                self._stock[request.shop_id, id_] = left
            self.orders[basket.id] = request
        number = list(self.orders).index(basket.id) + 1
        return Placed(f"order-{number}", f"R-{number:04d}", self.orders[basket.id].basket.total_xof, first)

    async def latest(self, conversation_id: str, number: str | None = None) -> LatestOrder | None:
        self._check()
        mine = [
            LatestOrder(
                f"order-{nth}",
                f"R-{nth:04d}",
                OrderStatus.CANCELLED if f"order-{nth}" in self.cancelled else OrderStatus.CONFIRMED,
                order.basket.total_xof,
                order.basket,
            )
            for nth, order in enumerate(self.orders.values(), 1)
            if order.conversation_id == conversation_id and number in (None, f"R-{nth:04d}")
        ]
        return mine[-1] if mine else None

    async def cancel(self, shop_id: str, order_id: str) -> bool:
        self._check()
        self.cancelled.add(order_id)
        return True

    async def ask_to_pay(self, conversation_id: str, turn_id: str) -> str | None:
        self._check()
        found = await self.latest(conversation_id)
        return found.number if found is not None else None

    def set_stock(self, shop_id: str, product_id: str, left: int) -> None:
        self._stock[shop_id, product_id] = left

    def _left(self, shop_id: str, product: Product) -> Product:
        pictured = (self._folder / shop_id / "photos" / f"{product.id}.jpg").exists()
        photo = f"/photos/{shop_id}/{product.id}/0123456789abcdef" if pictured else ""
        return replace(product, stock=self._stock.get((shop_id, product.id), product.stock), photo=photo)

    @staticmethod
    def _after(lines: Sequence, products: dict[str, Product]) -> dict[str, int]:  # type: ignore[type-arg]
        left: dict[str, int] = {}
        for line in lines:
            stock = products[line.product_id].stock
            if stock is not None:
                left[line.product_id] = left.get(line.product_id, stock) - line.quantity
        return left

    def _check(self) -> None:
        if self.down:
            raise ConnectionError("the ledger is down")


def read_products(folder: Path) -> tuple[Product, ...]:
    """All rows of a shop's products.csv."""
    with (folder / "products.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Product(
                id=row["product_id"],
                name=row["name"],
                category=row["category"],
                description=row["description"],
                aliases=tuple(alias for alias in row["aliases"].split("|") if alias),
                price_xof=int(row["price_xof"]),
                options=tuple(
                    (option.split("=")[0], tuple(option.split("=")[1].split("|")))
                    for option in row["options"].split(";")
                    if option
                ),
                stock=int(row["stock"]) if row["stock"] else None,
            )
            for row in csv.DictReader(file)
        )


def read_zones(folder: Path) -> tuple[Zone, ...]:
    """All rows of a shop's zones.csv."""
    with (folder / "zones.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Zone(row["commune"], tuple(row["aliases"].split("|")), int(row["fee_xof"]), row["eta_text"])
            for row in csv.DictReader(file)
        )
