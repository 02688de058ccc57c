"""The tables. Amounts are whole FCFA; what must never be, a CHECK refuses.

Customers, conversations and messages are written by the projector only, orders and stock by ``orders`` only: an order
may be there before the projector has written its customer, so there is no foreign key between the two.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.ledger.columns import Base, Serial

# Re-exported: whoever loads the models has all tables.
from bot.ledger.outage_models import AlertRow as AlertRow
from bot.ledger.outage_models import CallListRow as CallListRow
from bot.ledger.outage_models import ConsentRow as ConsentRow
from bot.ledger.outage_models import Detour as Detour
from bot.ledger.outage_models import Incident as Incident
from bot.ledger.outage_models import ReachOut as ReachOut


class Shop(Base):
    """A shop. ``settings`` is shop.yml without its secrets."""

    __tablename__ = "shops"

    id: Mapped[str] = mapped_column(primary_key=True)
    settings: Mapped[dict[str, Any]]
    files_hash: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class FieldChange(Base):
    """A field that console or REST changed: it wins over the files. ``kind``: shop, product, zone."""

    __tablename__ = "shop_fields_changed"

    shop_id: Mapped[str] = mapped_column(ForeignKey("shops.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(primary_key=True)
    """Product id or commune; empty for the shop itself."""
    field: Mapped[str] = mapped_column(primary_key=True)
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class Product(Base):
    """A row of products.csv. ``options``: [[name, [value, ...]], ...]; ``stock`` null is not counted."""

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("price_xof >= 0", name="price"),
        CheckConstraint("stock IS NULL OR stock >= 0", name="stock"),
    )

    shop_id: Mapped[str] = mapped_column(ForeignKey("shops.id"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    """Place in the file, so that a catalogue reads as the vendor wrote it."""
    name: Mapped[str]
    category: Mapped[str]
    description: Mapped[str]
    aliases: Mapped[list[str]]
    price_xof: Mapped[int] = mapped_column(BigInteger)
    options: Mapped[list[Any]]
    stock: Mapped[int | None]
    active: Mapped[bool]
    version: Mapped[int]
    """Raised by every change but those of stock: the ETag."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Zone(Base):
    """A row of zones.csv."""

    __tablename__ = "zones"
    __table_args__ = (CheckConstraint("fee_xof >= 0", name="fee"),)

    shop_id: Mapped[str] = mapped_column(ForeignKey("shops.id"), primary_key=True)
    commune: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    aliases: Mapped[list[str]]
    fee_xof: Mapped[int] = mapped_column(BigInteger)
    eta_text: Mapped[str]
    active: Mapped[bool]
    version: Mapped[int]


class Customer(Base):
    """A shopper of one shop, as the latest snapshot shows them."""

    __tablename__ = "customers"
    __table_args__ = (
        Index(None, "shop_id", "created_at", "id"),
        Index(
            "ix_customers_roads",
            "shop_id",
            "roads",
            sqlite_where=text("erased_at IS NULL"),
            postgresql_where=text("erased_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[str]
    name: Mapped[str | None]
    folded_name: Mapped[str]
    """In small letters without accents, for searching."""
    language: Mapped[str]
    roads: Mapped[int]
    """``core.readiness.Road``: how this shopper can be reached, so that readiness is a count over an index."""
    mark: Mapped[str]
    """Journal position of the entry that wrote it, in sortable form (``projector.mark_of``)."""
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]


class AddressRow(Base):
    """Which customer an address belongs to: to one at a time, the one who got it last."""

    __tablename__ = "addresses"

    shop_id: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(index=True)
    ordinal: Mapped[int]
    proved_by: Mapped[str]
    opted_out: Mapped[bool]
    added_at: Mapped[datetime]
    last_heard_at: Mapped[datetime | None]


class ConversationRow(Base):
    """A conversation. ``snapshot`` is the whole record, from which an empty lane is rebuilt; the rest is for readers."""

    __tablename__ = "conversations"
    __table_args__ = (
        Index(None, "shop_id", "created_at", "id"),
        Index("ix_conversations_urgency", "shop_id", "channel", "urgency", "id"),
        Index(
            "ix_conversations_open",
            "shop_id",
            "customer_id",
            sqlite_where=text("basket_xof > 0"),
            postgresql_where=text("basket_xof > 0"),
        ),
        Index(
            "ix_conversations_human",
            "shop_id",
            sqlite_where=text("status = 'human'"),
            postgresql_where=text("status = 'human'"),
        ),
        Index(None, "shop_id", "last_message_at", "id"),
        Index(None, "shop_id", "status", "last_message_at", "id"),
        Index(None, "shop_id", "mark"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[str]
    customer_id: Mapped[str] = mapped_column(index=True)
    status: Mapped[str]
    channel: Mapped[str]
    epoch: Mapped[int]
    awaiting: Mapped[str | None]
    basket: Mapped[dict[str, Any]]
    basket_xof: Mapped[int] = mapped_column(BigInteger)
    """Value of an order under way; 0 without one."""
    urgency: Mapped[float]
    """``core.triage.urgency``: the order in which people are told of an outage."""
    snapshot: Mapped[dict[str, Any]]
    mark: Mapped[str]
    created_at: Mapped[datetime]
    last_message_at: Mapped[datetime | None]
    waiting_since: Mapped[datetime | None]
    """Since when the shopper has waited for a person's words; null when nobody has to answer."""
    erased_at: Mapped[datetime | None]
    """What the journal tells of times before it is dropped."""


class MessageRow(Base):
    """One transcript item."""

    __tablename__ = "messages"
    __table_args__ = (
        Index(None, "conversation_id", "serial"),
        Index(
            "ix_messages_held",
            "shop_id",
            "created_at",
            sqlite_where=text("status = 'held'"),
            postgresql_where=text("status = 'held'"),
        ),
        Index(None, "shop_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[str]
    conversation_id: Mapped[str]
    serial: Mapped[int] = mapped_column(BigInteger)
    """Number within the conversation: the order of the transcript."""
    direction: Mapped[str]
    author: Mapped[str]
    channel: Mapped[str | None]
    text: Mapped[str]
    status: Mapped[str]
    late: Mapped[bool]
    superseded_by: Mapped[str | None]
    provider_id: Mapped[str | None]
    error_code: Mapped[str | None]
    reason: Mapped[str | None]
    attachments: Mapped[list[Any]]
    cost_xof: Mapped[int] = mapped_column(BigInteger)
    """What sending it cost: SMS segments at the shop's price."""
    mark: Mapped[str]
    created_at: Mapped[datetime]


class OrderRow(Base):
    """An order. ``basket_id`` is unique: that is what makes an order once."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("shop_id", "number"),
        CheckConstraint("fee_xof >= 0 AND items_total_xof >= 0", name="amounts"),
        CheckConstraint("total_xof = items_total_xof + fee_xof", name="total"),
        CheckConstraint(
            "status IN ('confirmed', 'packed', 'out_for_delivery', 'delivered', 'cancelled')", name="status"
        ),
        Index(None, "shop_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[str] = mapped_column(ForeignKey("shops.id"))
    number: Mapped[str]
    basket_id: Mapped[str] = mapped_column(unique=True)
    basket_version: Mapped[int]
    turn_id: Mapped[str]
    conversation_id: Mapped[str] = mapped_column(index=True)
    customer_id: Mapped[str] = mapped_column(index=True)
    status: Mapped[str]
    name: Mapped[str | None]
    phone: Mapped[str | None]
    commune: Mapped[str]
    landmark: Mapped[str | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    fee_xof: Mapped[int] = mapped_column(BigInteger)
    payment_method: Mapped[str]
    payment_status: Mapped[str]
    items_total_xof: Mapped[int] = mapped_column(BigInteger)
    total_xof: Mapped[int] = mapped_column(BigInteger)
    channel: Mapped[str]
    address: Mapped[str | None]
    """Where the shopper of an order made by API or console is told of it; None for orders from a conversation."""
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class OrderLine(Base):
    """A line as the shopper confirmed it: name and price stay when the product changes. ``options``: [[name, value]]."""

    __tablename__ = "order_lines"
    __table_args__ = (
        CheckConstraint("quantity > 0 AND unit_price_xof >= 0", name="amounts"),
        CheckConstraint("line_total_xof = quantity * unit_price_xof", name="total"),
    )

    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[str]
    name: Mapped[str]
    options: Mapped[list[Any]]
    quantity: Mapped[int]
    unit_price_xof: Mapped[int] = mapped_column(BigInteger)
    line_total_xof: Mapped[int] = mapped_column(BigInteger)


class OrderCounter(Base):
    """The last order number of a shop."""

    __tablename__ = "order_counters"

    shop_id: Mapped[str] = mapped_column(ForeignKey("shops.id"), primary_key=True)
    last: Mapped[int]


class StockMovement(Base):
    """Why a stock is what it is. ``reason``: order, cancelled, set."""

    __tablename__ = "stock_movements"
    __table_args__ = (Index(None, "shop_id", "product_id"),)

    n: Mapped[int] = mapped_column(Serial, primary_key=True)
    shop_id: Mapped[str]
    product_id: Mapped[str]
    order_id: Mapped[str | None] = mapped_column(index=True)
    change: Mapped[int]
    reason: Mapped[str]
    at: Mapped[datetime]


class OutboxRow(Base):
    """One event. Written without ``seq``; the numberer gives it, so that no reader sees 2 before 1."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("shop_id", "seq"),
        Index(
            "ix_outbox_unnumbered",
            "shop_id",
            "n",
            sqlite_where=text("seq IS NULL"),
            postgresql_where=text("seq IS NULL"),
        ),
    )

    n: Mapped[int] = mapped_column(Serial, primary_key=True)
    shop_id: Mapped[str]
    id: Mapped[str] = mapped_column(unique=True)
    """Derived from its cause: the same thing told twice is one event."""
    type: Mapped[str]
    data: Mapped[dict[str, Any]]
    conversation_id: Mapped[str | None] = mapped_column(index=True)
    customer_id: Mapped[str | None] = mapped_column(index=True)
    occurred_at: Mapped[datetime]
    seq: Mapped[int | None] = mapped_column(BigInteger)


class Feed(Base):
    """The last number given in a shop. Its row is the lock under which numbers are given."""

    __tablename__ = "feed"

    shop_id: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)


class FeedReader(Base):
    """How far a job of ours has read a shop's feed. ``name``: which job."""

    __tablename__ = "feed_readers"

    name: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)


class ApiKey(Base):
    """A key's digest. The key itself is shown once and stored nowhere."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[str] = mapped_column(ForeignKey("shops.id"), index=True)
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    """SHA-256, hex."""
    prefix: Mapped[str]
    last4: Mapped[str]
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    rate_per_minute: Mapped[int | None]
    """None: ``keys.RATE_PER_MINUTE``."""
    replaced_by: Mapped[str | None]
    """Id of the key that a rotation made; this one ends when the overlap does."""


class JournalOffset(Base):
    """How far a partition's journal is in the ledger."""

    __tablename__ = "journal_offsets"

    partition: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_id: Mapped[str]


class JournalReject(Base):
    """A journal entry that could not be read: kept as it came, so that nothing is lost and nothing waits on it."""

    __tablename__ = "journal_rejects"

    position: Mapped[str] = mapped_column(primary_key=True)
    entry: Mapped[bytes] = mapped_column(LargeBinary)
    reason: Mapped[str]
    at: Mapped[datetime]


class HealthChange(Base):
    """A change of state of an account or fault domain, with the evidence for it. ``key``: see ``ports.HealthBoard``."""

    __tablename__ = "health_history"
    __table_args__ = (Index(None, "key", "at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    """Position in the board's stream, in sortable form."""
    key: Mapped[str]
    old: Mapped[str]
    new: Mapped[str]
    at: Mapped[datetime]
    began_at: Mapped[datetime | None]
    """When the first message was sent that speaks for the outage."""
    evidence: Mapped[list[Any]]
    """[{at, kind, recipient, detail, weight, source}], recipients as fingerprints."""
