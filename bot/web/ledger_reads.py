"""``Reads`` on the ledger: each query within one shop, each page by an immutable key."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.types import TypeDecorator

from bot.core.catalogue import Product
from bot.ledger import subscriptions, views
from bot.ledger.catalogue import product_of
from bot.ledger.engine import Ledger
from bot.ledger.integrators import DeliveryRow, Subscription
from bot.ledger.models import (
    AddressRow,
    CallListRow,
    ConversationRow,
    Customer,
    Incident,
    MessageRow,
    OrderLine,
    OrderRow,
    Shop,
    Zone,
)
from bot.ledger.models import Product as ProductRow
from bot.web.ledger_port import (
    BadCursor,
    ConversationFilter,
    HeardWords,
    Json,
    Listing,
    OrderFilter,
    ProductFilter,
    ShopFace,
    Window,
)

ALL_ORDERS, ALL_CONVERSATIONS, ALL_PRODUCTS = OrderFilter(), ConversationFilter(), ProductFilter()


class LedgerReads:
    """Queries of REST and of the light page."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    # --- one page of anything -------------------------------------------------------------------------------

    async def _rows(self, query: Select[Any]) -> Sequence[Any]:
        async with self._ledger.reading() as connection:
            return list((await connection.execute(query)).all())

    async def _page(
        self, kind: str, table: Any, columns: Sequence[str], shop: str, window: Window, show: Callable[[Any], Json],
        *, newest_first: bool = True, where: Sequence[Any] = (),
    ) -> Listing:  # fmt: skip
        """Rows after the cursor, by ``columns``: the last one is unique within a shop."""
        keys = [getattr(table, name) for name in columns]
        query = select(*table.__table__.columns).where(table.shop_id == shop, *where)
        if window.cursor is not None:
            query = query.where(
                _after(keys, _read_cursor(kind, window.cursor, [_type_of(key) for key in keys]), newest_first)
            )
        order = [key.desc() if newest_first else key.asc() for key in keys]
        rows = await self._rows(query.order_by(*order).limit(window.limit + 1))
        more = len(rows) > window.limit
        shown = rows[: window.limit]
        cursor = _cursor(kind, [getattr(shown[-1], name) for name in columns]) if more else None
        return Listing([show(row) for row in shown], cursor)

    async def _one(self, table: Any, shop: str, column: str, value: str) -> Any | None:
        query = select(*table.__table__.columns).where(table.shop_id == shop, getattr(table, column) == value)
        rows = await self._rows(query)
        return rows[0] if rows else None

    # --- the light page -------------------------------------------------------------------------------------

    async def heard(self, shop: str, conversation_id: str, since: float) -> Sequence[HeardWords]:
        query = (
            select(*MessageRow.__table__.columns)
            .where(
                MessageRow.shop_id == shop,
                MessageRow.conversation_id == conversation_id,
                MessageRow.direction == "in",
                MessageRow.created_at >= datetime.fromtimestamp(since, UTC),
            )
            .order_by(MessageRow.serial.desc())
            .limit(50)
        )
        rows = await self._rows(query)
        return [HeardWords(row.id, row.text, row.created_at.timestamp()) for row in reversed(rows)]

    async def shop_window(self, shop: str) -> ShopFace:
        found = await self._rows(select(Shop.settings).where(Shop.id == shop))
        settings = found[0].settings if found else {}
        query = (
            select(*ProductRow.__table__.columns)
            .where(ProductRow.shop_id == shop, ProductRow.active.is_(True))
            .order_by(ProductRow.position)
        )
        products = [product_of(row) for row in await self._rows(query)]
        return ShopFace(str(settings.get("tagline", "")), str(settings.get("opening_hours", "")), products)

    # --- REST -----------------------------------------------------------------------------------------------

    async def orders(self, shop: str, window: Window, wanted: OrderFilter = ALL_ORDERS) -> Listing:
        page = await self._page(
            f"orders:{wanted}", OrderRow, ("created_at", "id"), shop, window, lambda row: {"row": row},
            where=_order_filter(wanted),
        )  # fmt: skip
        rows = [item["row"] for item in page.items]
        lines = await self._lines([row.id for row in rows])
        return Listing([views.order(row, lines.get(row.id, [])) for row in rows], page.next_cursor)

    async def order(self, shop: str, order_id: str) -> Json | None:
        row = await self._one(OrderRow, shop, "id", order_id)
        if row is None:
            return None
        return views.order(row, (await self._lines([row.id])).get(row.id, []))

    async def _lines(self, orders: Sequence[str]) -> dict[str, list[Any]]:
        query = (
            select(*OrderLine.__table__.columns)
            .where(OrderLine.order_id.in_(orders))
            .order_by(OrderLine.order_id, OrderLine.ordinal)
        )
        found: dict[str, list[Any]] = {}
        for row in await self._rows(query) if orders else ():
            found.setdefault(row.order_id, []).append(row)
        return found

    async def _people(self, shop: str, ids: Sequence[str]) -> dict[str, views.Json]:
        if not ids:
            return {}
        rows = await self._rows(
            select(*Customer.__table__.columns).where(Customer.shop_id == shop, Customer.id.in_(ids))
        )
        book = await self._rows(
            select(*AddressRow.__table__.columns)
            .where(AddressRow.shop_id == shop, AddressRow.customer_id.in_(ids))
            .order_by(AddressRow.ordinal)
        )
        return {row.id: views.customer(row, [a for a in book if a.customer_id == row.id]) for row in rows}

    async def conversations(
        self, shop: str, window: Window, wanted: ConversationFilter = ALL_CONVERSATIONS
    ) -> Listing:
        where = _equal(ConversationRow, status=wanted.status, channel=wanted.channel)
        if wanted.address is not None:
            where.append(ConversationRow.customer_id.in_(_owners(shop, wanted.address)))
        page = await self._page(
            f"conversations:{wanted}", ConversationRow, ("created_at", "id"), shop, window, lambda row: {"row": row},
            where=where,
        )  # fmt: skip
        rows = [item["row"] for item in page.items]
        people = await self._people(shop, [row.customer_id for row in rows])
        shown = [
            views.conversation(row, people[row.customer_id]) for row in rows if row.customer_id in people
        ]
        return Listing(shown, page.next_cursor)

    async def conversation(self, shop: str, conversation_id: str) -> Json | None:
        row = await self._one(ConversationRow, shop, "id", conversation_id)
        if row is None:
            return None
        people = await self._people(shop, [row.customer_id])
        return views.conversation(row, people[row.customer_id]) if row.customer_id in people else None

    async def messages(self, shop: str, conversation_id: str, window: Window) -> Listing:
        return await self._page(
            f"messages:{conversation_id}", MessageRow, ("serial", "id"), shop, window, views.message,
            newest_first=False, where=[MessageRow.conversation_id == conversation_id],
        )  # fmt: skip

    async def customers(self, shop: str, window: Window, address: str | None) -> Listing:
        where = [Customer.erased_at.is_(None)]
        if address is not None:
            where.append(Customer.id.in_(_owners(shop, address)))
        page = await self._page(
            f"customers:{address}", Customer, ("created_at", "id"), shop, window, lambda row: {"id": row.id},
            where=where,
        )  # fmt: skip
        people = await self._people(shop, [str(item["id"]) for item in page.items])
        return Listing([people[str(item["id"])] for item in page.items], page.next_cursor)

    async def customer(self, shop: str, customer_id: str) -> Json | None:
        row = await self._one(Customer, shop, "id", customer_id)
        if row is None or row.erased_at is not None:
            return None
        return (await self._people(shop, [customer_id])).get(customer_id)

    async def products(self, shop: str, window: Window, wanted: ProductFilter = ALL_PRODUCTS) -> Listing:
        where = _equal(ProductRow, category=wanted.category, active=wanted.active)
        if wanted.text is not None:
            where.append(_text(wanted.text, ProductRow.id, ProductRow.name, ProductRow.description))
        return await self._page(
            f"products:{wanted}", ProductRow, ("created_at", "id"), shop, window, views.product, where=where
        )

    async def all_products(self, shop: str) -> Sequence[Product]:
        """Everything in the catalogue, sold or not, in its order."""
        query = select(*ProductRow.__table__.columns).where(ProductRow.shop_id == shop)
        rows = await self._rows(query.order_by(ProductRow.position, ProductRow.id))
        return [product_of(row) for row in rows]

    async def product(self, shop: str, product_id: str) -> Json | None:
        row = await self._one(ProductRow, shop, "id", product_id)
        return None if row is None else views.product(row)

    async def zones(self, shop: str, window: Window) -> Listing:
        return await self._page(
            "zones", Zone, ("position", "commune"), shop, window, views.zone, newest_first=False
        )

    async def zone(self, shop: str, commune: str) -> Json | None:
        row = await self._one(Zone, shop, "commune", commune)
        return None if row is None else views.zone(row)

    async def webhooks(self, shop: str, window: Window) -> Listing:
        return await self._page(
            "webhooks", Subscription, ("created_at", "id"), shop, window, subscriptions.show
        )

    async def deliveries(self, shop: str, webhook_id: str, window: Window) -> Listing:
        return await self._page(
            f"deliveries:{webhook_id}", DeliveryRow, ("n",), shop, window, subscriptions.show_delivery,
            where=[DeliveryRow.webhook_id == webhook_id],
        )  # fmt: skip

    async def incidents(self, shop: str, window: Window) -> Listing:
        return await self._page("incidents", Incident, ("began_at", "id"), shop, window, views.incident)

    async def call_list(self, shop: str, window: Window) -> Listing:
        return await self._page(
            "call_list", CallListRow, ("since", "conversation_id"), shop, window, views.call
        )


def _owners(shop: str, address: str) -> Select[Any]:
    return select(AddressRow.customer_id).where(AddressRow.shop_id == shop, AddressRow.address == address)


def _order_filter(wanted: OrderFilter) -> list[Any]:
    where = _equal(
        OrderRow,
        status=wanted.status,
        payment_status=wanted.payment_status,
        channel=wanted.channel,
        customer_id=wanted.customer_id,
        conversation_id=wanted.conversation_id,
    )
    if wanted.created_from is not None:
        where.append(OrderRow.created_at >= wanted.created_from)
    if wanted.created_before is not None:
        where.append(OrderRow.created_at < wanted.created_before)
    if wanted.text is not None:
        where.append(_text(wanted.text, OrderRow.number, OrderRow.name, OrderRow.phone))
    return where


def _equal(table: Any, **values: Any) -> list[Any]:
    return [getattr(table, name) == value for name, value in values.items() if value is not None]


def _text(text: str, *columns: Any) -> Any:
    """Somewhere in one of the columns, small or capital."""
    return or_(*(column.icontains(text, autoescape=True) for column in columns))


def _after(keys: Sequence[Any], values: Sequence[Any], newest_first: bool) -> Any:
    """Strictly after ``values`` in the order of ``keys``, spelled out: SQLite compares row values by type."""
    clauses = []
    for place, key in enumerate(keys):
        beyond = key < values[place] if newest_first else key > values[place]
        clauses.append(and_(*(keys[i] == values[i] for i in range(place)), beyond))
    return or_(*clauses)


def _cursor(kind: str, values: Sequence[Any]) -> str:
    plain = [{"t": value.isoformat()} if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps([kind, plain]).encode()).rstrip(b"=").decode()


def _read_cursor(kind: str, cursor: str, types: Sequence[type]) -> list[Any]:
    """The key a cursor stands for. Raises BadCursor, also for a cursor of another list or one that was written by hand."""
    try:
        said, values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if said != kind:
            raise BadCursor("a cursor of another list")
        return [_typed(value, wanted) for value, wanted in zip(values, types, strict=True)]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadCursor("not a cursor of this list") from error


def _type_of(column: Any) -> type:
    """The Python type of a column's values, beneath a decorator of ours."""
    kind = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    found: type = kind.python_type
    return found


def _typed(value: Any, wanted: type) -> Any:
    """One part of a key, in its column's type. Raises ValueError, TypeError or KeyError."""
    if wanted is datetime:
        at = datetime.fromisoformat(value["t"])
        return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    match value:
        case bool():
            pass
        case int() if wanted is int and abs(value) < 2**63:
            return value
        case str() if wanted is str and "\x00" not in value:
            return value
    raise ValueError("not of the column's type")
