"""Orders: the board, one order, its next step, its payment, the day sheet for the riders, the figures of the day."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sanic import HTTPResponse

from bot.core.orders import PAYMENTS, OrderStatus, PaymentStatus, may_become, payment_may_become
from bot.ledger.checkouts import LedgerCheckouts
from bot.ledger.order_board import LedgerOrderBoard
from bot.ledger.order_changes import Changed, OrderChange, change_order
from bot.ledger.views import Json
from bot.web.console import words
from bot.web.console.page import Page
from bot.web.console.rights import Right
from bot.web.console.visit import Visit
from bot.web.problems import Problem

CLOSED_DAYS = 7
FOLDERS = ("confirmed", "packed", "out_for_delivery", "delivered", "cancelled")


async def board(visit: Visit) -> HTTPResponse:
    shop = await visit.shop_facts()
    begin, end = _today(visit, shop.timezone)
    orders = LedgerOrderBoard(visit.console.ledger)
    folder = visit.query("etat")
    return visit.page(
        "orders.html",
        shop=shop,
        now=visit.now,
        folder=folder if folder in FOLDERS else "confirmed",
        columns=await orders.board(visit.shop, begin - timedelta(days=CLOSED_DAYS)),
        figures=await orders.figures(visit.shop, begin, end),
        low=await orders.low_stock(visit.shop),
        day=begin,
        steps=steps,
        moment=datetime.fromisoformat,
    )


async def one(visit: Visit) -> HTTPResponse:
    orders, order = LedgerOrderBoard(visit.console.ledger), await _order(visit)
    return visit.page(
        "order.html",
        shop=await visit.shop_facts(),
        now=visit.now,
        order=order,
        steps=steps(order),
        payments=await orders.payments(visit.shop, order["id"]),
        checkouts=await LedgerCheckouts(visit.console.ledger).of_order(visit.shop, order["id"]),
        may_pay=payment_may_become(PaymentStatus(order["payment"]["status"]), PaymentStatus.PAID)
        and order["payment"]["status"] != "paid",
        may_give_back=order["payment"]["status"] == "paid",
        moment=datetime.fromisoformat,
    )


async def status(visit: Visit) -> HTTPResponse:
    """One step on. The shopper is told by the feed, on whatever road is open."""
    order_id, wanted = visit.parameters["order_id"], visit.form("status", 30)
    if wanted not in set(OrderStatus):
        return _back(visit, "bad-value")
    done = await change_order(
        visit.console.ledger, visit.shop, order_id, OrderChange(status=OrderStatus(wanted))
    )
    if done is None:
        raise Problem("not-found")
    if not isinstance(done, Changed):
        return _back(visit, "status-wrong")
    if done.fresh:
        await visit.note("order.status", done.order["number"], status=wanted)
    return _back(visit, "status" if done.fresh else "status-same")


async def payment(visit: Visit) -> HTTPResponse:
    """Paid or given back: who says so, by which means, seen where. A picture of a transfer is no payment."""
    order_id, wanted = visit.parameters["order_id"], visit.form("status", 20)
    means, source = visit.form("means", 20), visit.form("source", 20)
    if wanted not in ("paid", "refunded") or means not in PAYMENTS or source not in words.SOURCES:
        return _back(visit, "bad-value")
    done = await change_order(
        visit.console.ledger, visit.shop, order_id, OrderChange(payment=PaymentStatus(wanted))
    )
    if done is None:
        raise Problem("not-found")
    if not isinstance(done, Changed):
        return _back(visit, "status-wrong")
    if done.fresh:
        board_ = LedgerOrderBoard(visit.console.ledger)
        await board_.note_payment(visit.shop, done.order, wanted, means, source, visit.user.name)
        await visit.note("order.payment", done.order["number"], status=wanted, means=means, source=source)
    return _back(visit, "paid" if done.fresh else "status-same")


async def sheet(visit: Visit) -> HTTPResponse:
    """What goes out, by commune, to print for the riders."""
    shop = await visit.shop_facts()
    communes = await LedgerOrderBoard(visit.console.ledger).sheet(visit.shop)
    return visit.page(
        "sheet.html", shop=shop, now=visit.now, communes=communes, day=_today(visit, shop.timezone)[0]
    )


def steps(order: Json) -> list[str]:
    """What the order may become next, the likely one first."""
    now = OrderStatus(order["status"])
    return [new.value for new in OrderStatus if new is not now and may_become(now, new)]


async def _order(visit: Visit) -> Json:
    found = await LedgerOrderBoard(visit.console.ledger).get(visit.shop, visit.parameters["order_id"])
    if found is None:
        raise Problem("not-found")
    return found


def _back(visit: Visit, said: str) -> HTTPResponse:
    folder = visit.form("etat", 20)
    if folder in FOLDERS:
        return visit.go("/orders", said, etat=folder)
    return visit.go(f"/orders/{visit.parameters['order_id']}", said)


def _today(visit: Visit, zone: str) -> tuple[datetime, datetime]:
    """The day that was asked for, or today, in the shop's own time."""
    here = ZoneInfo(zone)
    try:
        day = date.fromisoformat(visit.query("jour", 10))
    except ValueError:
        day = datetime.fromtimestamp(visit.now, here).date()
    begin = datetime.combine(day, datetime.min.time(), here)
    return begin, begin + timedelta(days=1)


PAGES = (
    Page("GET", "/orders", Right.READ, board),
    Page("GET", "/orders/sheet", Right.READ, sheet),
    Page("GET", "/orders/<order_id:str>", Right.READ, one),
    Page("POST", "/orders/<order_id:str>/status", Right.ORDERS, status),
    Page("POST", "/orders/<order_id:str>/payment", Right.ORDERS, payment),
)
