"""Prices and fee of an order made by program are the ledger's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.addresses import ChannelName
from bot.core.basket import Basket, Checkout
from bot.core.orders import OrderRequest, Placed
from bot.ledger.engine import Ledger
from bot.ledger.orders import LedgerOrders
from bot.ledger.pricing import Refusal, Wanted, priced
from tests.ledger.samples import SHOP, open_shop

TO_YOP = Checkout("Aya", "+2250700000001", "yop", landmark="carrefour", payment="cash")
ROBE = Wanted("robe", 2, {"taille": "L"})


@pytest.fixture
async def shop(ledger: Ledger, tmp_path: Path) -> AsyncIterator[Ledger]:
    await open_shop(ledger, tmp_path / "shops")
    yield ledger


async def price(ledger: Ledger, lines: list[Wanted], checkout: Checkout) -> Basket | Refusal:
    async with ledger.reading() as connection:
        return await priced(connection, SHOP, "api-1", lines, checkout)


async def test_a_priced_basket_can_be_placed(shop: Ledger) -> None:
    basket = await price(shop, [ROBE, Wanted("sac", 1, {})], TO_YOP)

    assert isinstance(basket, Basket)
    assert (basket.total_xof, basket.checkout.commune, basket.lines[0].options) == (
        36_000,
        "Yopougon",
        (("taille", "L"),),
    )
    request = OrderRequest(SHOP, "lane-1", "customer-1", ChannelName.WEB, basket, "api-1")
    assert isinstance(await LedgerOrders(shop).place(request), Placed)


@pytest.mark.parametrize(
    ("lines", "checkout", "refusal"),
    [
        ([replace(ROBE, product_id="x")], TO_YOP, Refusal("unknown_product", 0)),
        ([Wanted("sac", 1, {}), replace(ROBE, options={})], TO_YOP, Refusal("wrong_options", 1)),
        ([replace(ROBE, options={"taille": "XXL"})], TO_YOP, Refusal("wrong_options", 0)),
        ([ROBE], replace(TO_YOP, commune="Paris"), Refusal("unknown_commune")),
        ([ROBE], replace(TO_YOP, commune=None), Refusal("unknown_commune")),
    ],
)
async def test_what_the_shop_does_not_offer_is_rejected(
    shop: Ledger, lines: list[Wanted], checkout: Checkout, refusal: Refusal
) -> None:
    assert await price(shop, lines, checkout) == refusal
