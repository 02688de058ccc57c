"""The tables of what integrators do: answers kept for repeats, and webhooks that go out."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from bot.ledger.columns import Base, Serial


class KeptAnswer(Base):
    """What a POST with an Idempotency-Key was answered. ``status`` null: claimed, its effect is elsewhere."""

    __tablename__ = "kept_answers"
    __table_args__ = (Index(None, "created_at"),)

    api_key_id: Mapped[str] = mapped_column(primary_key=True)
    idem_key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    status: Mapped[int | None]
    body: Mapped[str | None]
    content_type: Mapped[str | None]
    customer_id: Mapped[str | None] = mapped_column(index=True)
    """Whom the answer tells of, for erasing."""
    conversation_id: Mapped[str | None] = mapped_column(index=True)
    created_at: Mapped[datetime]


class Subscription(Base):
    """A webhook. Its secrets are derived from ``RELAIS_SECRET``, its id and ``secret_version``; none is stored."""

    __tablename__ = "webhooks"
    __table_args__ = (
        CheckConstraint("status IN ('enabled', 'disabled')", name="status"),
        Index(None, "shop_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[str] = mapped_column(ForeignKey("shops.id"))
    url: Mapped[str]
    types: Mapped[list[str]]
    """Empty: all."""
    description: Mapped[str]
    masked: Mapped[bool]
    """Made by a key that may not see phone numbers: neither may its receiver."""
    status: Mapped[str]
    disabled_reason: Mapped[str | None]
    """``by_hand``, ``failing``, ``gone``."""
    seq: Mapped[int] = mapped_column(BigInteger)
    """Last event that was taken, or needed no taking."""
    attempts: Mapped[int]
    """Failed ones of the event that comes next."""
    failing_since: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    """Not before; None for at once."""
    secret_version: Mapped[int]
    old_secret_until: Mapped[datetime | None]
    """Until then the version before signs as well."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Replay(Base):
    """A stretch of the feed to be sent again, in order, beside what is new. Gone when it is done."""

    __tablename__ = "webhook_replays"

    id: Mapped[str] = mapped_column(primary_key=True)
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"), index=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    """Last event of it that is done with."""
    until_seq: Mapped[int] = mapped_column(BigInteger)
    attempts: Mapped[int]
    failing_since: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class DeliveryRow(Base):
    """One attempt: what was sent when, and what came of it. No body is kept, neither theirs nor ours."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (Index(None, "webhook_id", "n"), Index(None, "at"))

    n: Mapped[int] = mapped_column(Serial, primary_key=True)
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    shop_id: Mapped[str]
    event_id: Mapped[str]
    event_seq: Mapped[int] = mapped_column(BigInteger)
    event_type: Mapped[str]
    attempt: Mapped[int]
    replayed: Mapped[bool]
    status: Mapped[int | None]
    """HTTP status, None when there was none."""
    error: Mapped[str | None]
    """A word: ``timeout``, ``refused_address``, ``connect``, ``tls``, ``protocol``."""
    milliseconds: Mapped[int]
    at: Mapped[datetime]
