"""Table of the links by which orders are paid."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from bot.ledger.columns import Base


class CheckoutRow(Base):
    """One link for one order (``core.payments.Checkout``). ``due_at``: when there is something to do; None: nothing."""

    __tablename__ = "checkouts"
    __table_args__ = (Index(None, "provider", "session_id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[str]
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), index=True)
    ordinal: Mapped[int]
    """Of the order, from 1."""
    provider: Mapped[str]
    amount_xof: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str]
    session_id: Mapped[str | None]
    link: Mapped[str | None]
    trouble: Mapped[str | None]
    """``core.payments.Trouble``, or why there is no link."""
    attempts: Mapped[int]
    tell: Mapped[str | None]
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
