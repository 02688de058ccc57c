"""Tables of what happens to people in an outage: incidents, who was told, who must be called, alerts, consents."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.ledger.columns import Base


class Incident(Base):
    """One outage as one shop lived it. The counts are recounted from the tables below, never added to."""

    __tablename__ = "incidents"
    __table_args__ = (
        Index(None, "shop_id", "began_at", "id"),
        # Two holders of the job's lease at once must not make two of one outage.
        Index(
            "uq_incidents_open",
            "shop_id",
            "channel",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[str]
    channel: Mapped[str]
    fault_domain: Mapped[str]
    began_at: Mapped[datetime]
    detected_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """None while it lasts; a relapse within 30 minutes opens it again."""
    moved: Mapped[int]
    answered: Mapped[int]
    held: Mapped[int]
    lost: Mapped[int]
    duplicated: Mapped[int]
    spent_xof: Mapped[int] = mapped_column(BigInteger)
    saved_xof: Mapped[int] = mapped_column(BigInteger)
    returned: Mapped[int]
    reached: Mapped[int]
    """Shoppers written to who were owed nothing."""
    relapses: Mapped[int]
    counted_at: Mapped[datetime | None]
    evidence: Mapped[list[Any]]


class Detour(Base):
    """A conversation that moved, or a message that was held: what an incident counts. Written by the projector."""

    __tablename__ = "detours"
    __table_args__ = (Index(None, "shop_id", "at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    """Id of the event it was read from: the same thing told twice is one row."""
    shop_id: Mapped[str]
    conversation_id: Mapped[str]
    kind: Mapped[str]
    """``moved`` or ``held``."""
    old: Mapped[str | None]
    """Channel it was on."""
    new: Mapped[str | None]
    at: Mapped[datetime]


class ReachOut(Base):
    """Somebody whose lane was asked to reach out, once an incident: how far the work is."""

    __tablename__ = "reach_outs"

    incident_id: Mapped[str] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(primary_key=True)
    tier: Mapped[int]
    road: Mapped[str | None]
    """The road that was thought of; the lane decides."""
    at: Mapped[datetime]


class CallListRow(Base):
    """A shopper whom no road reaches: the vendor may call. One row a conversation, gone when a road opens."""

    __tablename__ = "call_list"
    __table_args__ = (Index(None, "shop_id", "since", "conversation_id"),)

    conversation_id: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[str]
    customer_id: Mapped[str]
    name: Mapped[str | None]
    phone: Mapped[str | None]
    basket: Mapped[str]
    value_xof: Mapped[int] = mapped_column(BigInteger)
    say: Mapped[str]
    """What the vendor may say, ready to read out."""
    reason: Mapped[str]
    since: Mapped[datetime]
    called_at: Mapped[datetime | None]
    called_by: Mapped[str | None]


class AlertRow(Base):
    """A message to a person of the shop, from the moment it is owed until it left. ``id`` is derived from its cause."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index(
            "ix_alerts_due",
            "not_before",
            sqlite_where=text("status IN ('waiting', 'sending')"),
            postgresql_where=text("status IN ('waiting', 'sending')"),
        ),
        Index(None, "shop_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[str]
    incident_id: Mapped[str | None]
    kind: Mapped[str]
    """``down``, ``up``, ``broken``, ``person``, ``test``."""
    name: Mapped[str]
    address: Mapped[str]
    role: Mapped[str]
    text: Mapped[str]
    status: Mapped[str]
    """``waiting``, ``sending``, ``sent``, ``failed``, ``expired``."""
    attempts: Mapped[int]
    not_before: Mapped[datetime]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    provider_id: Mapped[str | None]
    detail: Mapped[str | None]
    cost_xof: Mapped[int] = mapped_column(BigInteger)


class ConsentRow(Base):
    """One word on whether a shopper may be written to at an address, and how it was given. Only ever added to."""

    __tablename__ = "consents"
    __table_args__ = (Index(None, "shop_id", "customer_id", "at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[str]
    customer_id: Mapped[str]
    address: Mapped[str]
    granted: Mapped[bool]
    how: Mapped[str]
    """A proof (``core.customers.Proof``), ``start``, ``stop`` or ``unlinked``."""
    at: Mapped[datetime]
