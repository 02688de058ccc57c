"""Prices and fee of an order made by program are the ledger's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.addresses import ChannelName
from bot.core.basket import Basket, Checkout
from bot.core.orders import OrderRequest, Placed, Rejected
from bot.ledger.catalogue import LedgerCatalogue
from bot.ledger.engine import Ledger
from bot.ledger.orders import LedgerOrders
from bot.ledger.pricing import Wanted, priced
from tests.ledger.samples import SHOP, open_shop

TO_YOP = Checkout("Aya", "+2250700000001", "yop", landmark="carrefour", payment="cash")
ROBE = Wanted("robe", 2, {"taille": "L"})


@pytest.fixture
async def catalogue(ledger: Ledger, tmp_path: Path) -> AsyncIterator[LedgerCatalogue]:
    await open_shop(ledger, tmp_path / "shops")
    yield LedgerCatalogue(ledger)


async def test_a_priced_basket_can_be_placed(ledger: Ledger, catalogue: LedgerCatalogue) -> None:
    basket = await priced(catalogue, SHOP, "api-1", [ROBE, Wanted("sac", 1, {})], TO_YOP)

    assert isinstance(basket, Basket)
    assert (basket.total_xof, basket.checkout.commune, basket.lines[0].options) == (
        36_000,
        "Yopougon",
        (("taille", "L"),),
    )
    request = OrderRequest(SHOP, "lane-1", "customer-1", ChannelName.WEB, basket, "api-1")
    assert isinstance(await LedgerOrders(ledger).place(request), Placed)


@pytest.mark.parametrize(
    ("lines", "checkout", "reason"),
    [
        ([replace(ROBE, product_id="x")], TO_YOP, "unknown_product"),
        ([replace(ROBE, options={})], TO_YOP, "incomplete"),
        ([replace(ROBE, options={"taille": "XXL"})], TO_YOP, "incomplete"),
        ([ROBE], replace(TO_YOP, commune="Paris"), "unknown_commune"),
        ([ROBE], replace(TO_YOP, commune=None), "unknown_commune"),
    ],
)
async def test_what_the_shop_does_not_offer_is_rejected(
    catalogue: LedgerCatalogue, lines: list[Wanted], checkout: Checkout, reason: str
) -> None:
    assert await priced(catalogue, SHOP, "api-1", lines, checkout) == Rejected(reason)
