"""One basket, one order, and never more pieces than there are, on both databases and under rivals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.core.basket import Checkout
from bot.core.orders import OrderStatus, PaymentStatus, Placed, Rejected, SoldOut
from bot.ledger.engine import Ledger
from bot.ledger.models import OrderLine, OrderRow, OutboxRow, StockMovement
from bot.ledger.order_changes import Changed, OrderChange, Stale, WrongState, change_order
from bot.ledger.orders import LedgerOrders, number_prefix, place_order
from bot.ledger.times import utc_now
from tests.ledger.samples import COCODY, FOULARD, ROBE, SAC, SHOP, open_shop, request, stock_of


@pytest.fixture
async def shop(ledger: Ledger, tmp_path: Path) -> AsyncIterator[Ledger]:
    await open_shop(ledger, tmp_path / "shops")
    yield ledger


async def rows(ledger: Ledger, table: Any) -> int:
    async with ledger.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(table)) or 0


async def told(ledger: Ledger, type_: str) -> list[dict[str, Any]]:
    """Data of the events of one type."""
    async with ledger.reading() as connection:
        query = select(OutboxRow.data).where(OutboxRow.type == type_).order_by(OutboxRow.n)
        return list(await connection.scalars(query))


CANCEL = OrderChange(status=OrderStatus.CANCELLED)


async def test_an_order_takes_number_stock_lines_and_event_at_once(shop: Ledger) -> None:
    placed = await LedgerOrders(shop).place(request("b1", replace(FOULARD, quantity=2), ROBE, SAC))

    assert isinstance(placed, Placed)
    assert (placed.number, placed.total_xof, placed.first) == ("CT-1001", 28_000, True)
    assert [await stock_of(shop, name) for name in ("foulard", "robe", "sac")] == [8, 2, None]
    assert await rows(shop, OrderLine) == 3
    async with shop.reading() as connection:
        event = (
            await connection.execute(select(OutboxRow.__table__).where(OutboxRow.type == "order.placed"))
        ).one()
    assert event.data["lines"][1]["options"] == {"taille": "M"}
    assert (event.data["delivery"]["commune"], event.data["payment"]["status"]) == ("Cocody", "unpaid")


async def test_a_second_call_returns_the_first_order_and_changes_nothing(shop: Ledger) -> None:
    orders = LedgerOrders(shop)
    first = await orders.place(request("b1"))
    again = await orders.place(request("b1", ROBE, turn_id="SM2"))

    assert isinstance(first, Placed)
    assert again == replace(first, first=False)
    assert (await stock_of(shop, "robe"), await rows(shop, OrderRow), await rows(shop, OutboxRow)) == (
        3,
        1,
        1,
    )


async def test_a_hundred_double_confirmations_give_a_hundred_orders(shop: Ledger, rival: Ledger) -> None:
    orders, others = LedgerOrders(shop), LedgerOrders(rival)
    for number in range(100):
        wanted = (
            request(f"b{number}", SAC, replace(FOULARD, quantity=1))
            if number < 10
            else request(f"b{number}", SAC)
        )
        both = await asyncio.gather(orders.place(wanted), others.place(wanted))
        assert sorted(placed.first for placed in both if isinstance(placed, Placed)) == [False, True]

    assert (await rows(shop, OrderRow), await rows(shop, OrderLine)) == (100, 110)
    assert len(await told(shop, "order.placed")) == 100
    assert (await stock_of(shop, "foulard"), await rows(shop, StockMovement)) == (0, 12)


async def test_the_last_piece_is_sold_once(shop: Ledger, rival: Ledger) -> None:
    orders = LedgerOrders(shop)
    await orders.place(request("first", replace(ROBE, quantity=2)))

    results = await asyncio.gather(
        *(LedgerOrders(ledger).place(request(f"b{n}", ROBE)) for n, ledger in enumerate([shop, rival] * 3))
    )

    assert sum(isinstance(result, Placed) for result in results) == 1
    assert sum(result == SoldOut((("robe", 0),)) for result in results) == 5
    assert (await stock_of(shop, "robe"), await rows(shop, OrderRow)) == (0, 2)


async def test_sold_out_names_every_line_and_writes_nothing(shop: Ledger) -> None:
    wanted = request("b1", replace(FOULARD, quantity=11), replace(ROBE, quantity=4), SAC)

    assert await LedgerOrders(shop).place(wanted) == SoldOut((("foulard", 10), ("robe", 3)))
    assert [await rows(shop, table) for table in (OrderRow, OrderLine, OutboxRow)] == [0, 0, 0]
    assert await stock_of(shop, "foulard") == 10


async def test_two_options_of_one_product_share_its_stock(shop: Ledger) -> None:
    small = replace(ROBE, options=(("taille", "S"),), quantity=2)

    assert await LedgerOrders(shop).place(request("b1", replace(ROBE, quantity=2), small)) == SoldOut(
        (("robe", 3),)
    )


async def test_a_sold_out_basket_can_be_placed_smaller(shop: Ledger) -> None:
    orders = LedgerOrders(shop)
    await orders.place(request("b1", replace(ROBE, quantity=4)))
    placed = await orders.place(request("b1", replace(ROBE, quantity=3)))

    assert isinstance(placed, Placed)
    assert (placed.number, placed.first) == ("CT-1001", True)


async def test_orders_in_opposite_order_do_not_wait_for_each_other(shop: Ledger) -> None:
    orders = LedgerOrders(shop)
    results = await asyncio.gather(
        *(
            orders.place(request(f"b{n}", *((FOULARD, ROBE, SAC) if n % 2 else (SAC, ROBE, FOULARD))))
            for n in range(3)
        )
    )

    assert all(isinstance(result, Placed) for result in results)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (request("b1", replace(FOULARD, product_id="inconnu")), "unknown_product"),
        (request("b1", shop_id="autre-boutique"), "unknown_product"),
        (request("b1", checkout=replace(COCODY, commune="Paris")), "unknown_commune"),
        (request("b1", checkout=replace(COCODY, fee_xof=500)), "unknown_commune"),
        (request("b1", checkout=Checkout()), "unknown_commune"),
        (request("b1", checkout=replace(COCODY, phone=None)), "incomplete"),
        (request("b1", checkout=replace(COCODY, payment="orange_money")), "incomplete"),
        (request("b1", replace(ROBE, options=())), "incomplete"),
        (request("b1", replace(ROBE, options=(("taille", "XXL"),))), "incomplete"),
    ],
)
async def test_what_cannot_be_delivered_is_rejected_and_leaves_nothing(
    shop: Ledger, changed: Any, reason: str
) -> None:
    assert await LedgerOrders(shop).place(changed) == Rejected(reason)
    assert (await rows(shop, OrderRow), await stock_of(shop, "foulard")) == (0, 10)


async def test_a_closed_or_empty_basket_is_rejected(shop: Ledger) -> None:
    orders, open_ = LedgerOrders(shop), request("b1")

    assert await orders.place(replace(open_, basket=replace(open_.basket, closed=True))) == Rejected("closed")
    assert await orders.place(replace(open_, basket=replace(open_.basket, lines=()))) == Rejected(
        "empty_basket"
    )


async def test_numbers_have_no_gaps_after_refusals(shop: Ledger) -> None:
    orders = LedgerOrders(shop)
    await orders.place(request("b1"))
    await orders.place(request("b2", replace(FOULARD, quantity=500)))
    last = await orders.place(request("b3"))

    assert isinstance(last, Placed)
    assert last.number == "CT-1002"


async def test_cancelling_gives_the_stock_back_once(shop: Ledger) -> None:
    placed = await LedgerOrders(shop).place(request("b1", ROBE, FOULARD))
    assert isinstance(placed, Placed)

    first = await change_order(shop, SHOP, placed.order_id, CANCEL)
    again = await change_order(shop, SHOP, placed.order_id, CANCEL)

    assert isinstance(first, Changed) and isinstance(again, Changed)
    assert (first.fresh, again.fresh, again.order["status"]) == (True, False, "cancelled")
    assert (await stock_of(shop, "robe"), await stock_of(shop, "foulard")) == (3, 10)


async def test_rivals_who_cancel_give_the_stock_back_once(shop: Ledger, rival: Ledger) -> None:
    placed = await LedgerOrders(shop).place(request("b1", ROBE))
    assert isinstance(placed, Placed)

    done = await asyncio.gather(
        *(change_order(ledger, SHOP, placed.order_id, CANCEL) for ledger in (shop, rival) * 5)
    )

    assert [isinstance(one, Changed) and one.fresh for one in done].count(True) == 1
    assert (await stock_of(shop, "robe"), len(await told(shop, "order.updated"))) == (3, 1)


async def test_a_delivered_order_cannot_be_cancelled(shop: Ledger) -> None:
    placed = await LedgerOrders(shop).place(request("b1"))
    assert isinstance(placed, Placed)
    await change_order(shop, SHOP, placed.order_id, OrderChange(OrderStatus.DELIVERED))

    refused = await change_order(shop, SHOP, placed.order_id, CANCEL)
    assert refused == WrongState(OrderStatus.DELIVERED, PaymentStatus.UNPAID)


@pytest.mark.parametrize(
    ("steps", "good"),
    [
        (("paid",), True),
        (("pending", "unpaid", "paid", "refunded"), True),
        (("paid", "unpaid"), False),
        (("refunded",), False),
        (("paid", "refunded", "paid"), False),
    ],
)
async def test_what_is_paid_is_only_given_back(shop: Ledger, steps: tuple[str, ...], good: bool) -> None:
    placed = await LedgerOrders(shop).place(request("b1"))
    assert isinstance(placed, Placed)
    done = [
        await change_order(shop, SHOP, placed.order_id, OrderChange(payment=PaymentStatus(step)))
        for step in steps
    ]
    assert isinstance(done[-1], Changed) is good


async def test_a_change_tells_what_was_before_in_the_same_transaction(shop: Ledger) -> None:
    placed = await LedgerOrders(shop).place(request("b1"))
    assert isinstance(placed, Placed)
    both = OrderChange(OrderStatus.PACKED, PaymentStatus.PAID)
    await change_order(shop, SHOP, placed.order_id, both)
    await change_order(shop, SHOP, placed.order_id, both)

    (event,) = await told(shop, "order.updated")
    assert (event["status"], event["previous_status"]) == ("packed", "confirmed")
    assert (event["payment"]["status"], event["previous_payment_status"]) == ("paid", "unpaid")


async def test_a_change_to_an_order_that_is_not_as_expected_writes_nothing(shop: Ledger) -> None:
    placed = await LedgerOrders(shop).place(request("b1"))
    assert isinstance(placed, Placed)

    assert await change_order(shop, SHOP, placed.order_id, CANCEL, expected=lambda order: False) == Stale()
    assert await told(shop, "order.updated") == []


async def test_an_order_of_another_shop_is_unknown(shop: Ledger) -> None:
    placed = await LedgerOrders(shop).place(request("b1"))
    assert isinstance(placed, Placed)

    assert await change_order(shop, "autre-boutique", placed.order_id, CANCEL) is None


async def test_the_feed_is_told_once_that_a_stock_is_low(shop: Ledger) -> None:
    orders = LedgerOrders(shop)
    for number, pieces in enumerate((6, 2, 1)):
        await orders.place(request(f"b{number}", replace(FOULARD, quantity=pieces)))

    assert await told(shop, "stock.low") == [{"product_id": "foulard", "name": "Foulard wax", "stock": 2}]


async def test_the_latest_order_of_a_conversation(shop: Ledger) -> None:
    orders = LedgerOrders(shop)
    await orders.place(request("b1"))
    second = await orders.place(request("b2"))
    found = await orders.latest_for("lane-1")

    assert isinstance(second, Placed) and found is not None
    assert (found.number, found.status) == (second.number, OrderStatus.CONFIRMED)
    assert (found.basket.lines, found.basket.checkout) == (request("b2").basket.lines, request("b2").basket.checkout)
    assert await orders.latest_for("lane-2") is None


async def test_an_order_is_found_by_its_number_in_its_own_conversation_only(shop: Ledger) -> None:
    orders = LedgerOrders(shop)
    first, _ = await orders.place(request("b1")), await orders.place(request("b2"))
    assert isinstance(first, Placed)
    found = await orders.latest_for("lane-1", first.number)

    assert found is not None and found.id == first.order_id
    assert await orders.latest_for("lane-2", first.number) is None


async def test_where_an_order_was_confirmed_is_kept(shop: Ledger) -> None:
    await shop.write(lambda connection: place_order(connection, request("b1"), utc_now(), confirmed_on="api"))

    async with shop.reading() as connection:
        assert await connection.scalar(select(OrderRow.channel)) == "api"


@pytest.mark.parametrize(
    ("shop_id", "prefix"),
    [("awa-mode", "AM"), ("coton-doux", "CD"), ("zoe-accessoires", "ZA"), ("kita", "KI")],
)
def test_numbers_begin_with_the_shops_letters(shop_id: str, prefix: str) -> None:
    assert number_prefix(shop_id) == prefix
