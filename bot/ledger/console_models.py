"""Tables that only the vendor's console writes: who may enter, what people did, and what they keep beside conversations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.ledger.columns import Base, Serial


class User(Base):
    """Someone who may enter the console of one shop."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("role IN ('owner', 'staff', 'reader')", name="role"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[str] = mapped_column(ForeignKey("shops.id"), index=True)
    login: Mapped[str] = mapped_column(unique=True)
    """In small letters, over all shops."""
    name: Mapped[str]
    role: Mapped[str]
    language: Mapped[str]
    password_hash: Mapped[str | None]
    """argon2id; null until the person has chosen one by link."""
    epoch: Mapped[int]
    """Sessions of an older epoch are over: raised by sign-out everywhere, a new password, a new role."""
    demo: Mapped[bool]
    """Made for the simulator. ``make serve`` does not start while there is one."""
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    caught_up_at: Mapped[datetime | None]
    """What was said before is read; null: before the person came."""


class PasswordLink(Base):
    """A single-use link with which a person chooses a password. Only its digest is kept."""

    __tablename__ = "password_links"

    digest: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime]


class AuditRow(Base):
    """What a person did. Never changed, never with the words of a shopper."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "shop_id", "n"),)

    n: Mapped[int] = mapped_column(Serial, primary_key=True)
    shop_id: Mapped[str]
    user_id: Mapped[str | None]
    who: Mapped[str]
    action: Mapped[str]
    """``talk.said``, ``order.status``, ``team.created``, ..."""
    object: Mapped[str]
    detail: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class NoteRow(Base):
    """What staff tell each other about a conversation; no shopper sees it."""

    __tablename__ = "notes"
    __table_args__ = (Index(None, "conversation_id", "at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[str]
    conversation_id: Mapped[str]
    user_id: Mapped[str]
    who: Mapped[str]
    text: Mapped[str]
    at: Mapped[datetime]


class ReadRow(Base):
    """How far a person has read a conversation."""

    __tablename__ = "reading_places"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    conversation_id: Mapped[str] = mapped_column(primary_key=True)
    serial: Mapped[int] = mapped_column(BigInteger)
    """Number of the last message read."""


class CannedRow(Base):
    """A ready answer, found by its short code."""

    __tablename__ = "canned_answers"
    __table_args__ = (UniqueConstraint("shop_id", "code"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[str] = mapped_column(ForeignKey("shops.id"))
    code: Mapped[str]
    text: Mapped[str]


class PaymentRow(Base):
    """Who said that an order is paid, by which means, when. A correction is a new row; the newest counts."""

    __tablename__ = "payments"
    __table_args__ = (Index(None, "shop_id", "at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[str]
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), index=True)
    status: Mapped[str]
    means: Mapped[str]
    amount_xof: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str]
    """``wallet`` (seen in the shop's own account), ``rider``, ``shop`` (cash at the counter), ``provider`` (its signed word)."""
    who: Mapped[str]
    at: Mapped[datetime]
