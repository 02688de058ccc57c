"""What a payment provider tells of a session, written down once: the order paid, or what is wrong with it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.orders import OrderStatus, PaymentStatus
from bot.core.payments import (
    A_PERSON,
    PROVIDERS,
    CheckoutStatus,
    Session,
    SessionState,
    Settled,
    Trouble,
    mismatch,
)
from bot.ledger.console_models import PaymentRow
from bot.ledger.engine import Ledger
from bot.ledger.order_changes import Changed, OrderChange, change_within
from bot.ledger.payment_models import CheckoutRow
from bot.ledger.times import utc_now

SOURCE = "provider"
"""``PaymentRow.source``: the provider's signed word, or its own record."""


class LedgerSettling:
    """``ports.Settling``. Raises Unavailable."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime] = utc_now) -> None:
        self._ledger = ledger
        self._now = now

    async def settle(self, shop: str, provider: str, session: Session) -> Settled:
        """One transaction for checkout, order, payment and event. Told again it changes nothing.

        Money that does not fit (another amount, an order paid before or cancelled) is noted for the vendor.
        """

        async def work(connection: AsyncConnection) -> Settled:
            # By its id, or by our reference where the answer that named the id was lost.
            known = select(CheckoutRow.__table__).where(
                CheckoutRow.shop_id == shop,
                CheckoutRow.provider == provider,
                or_(
                    CheckoutRow.session_id == session.id,
                    CheckoutRow.session_id.is_(None) & (CheckoutRow.id == session.reference),
                ),
            )
            row = (await connection.execute(known.with_for_update())).first()
            if row is None:
                return Settled.UNKNOWN
            if session.state is SessionState.EXPIRED and row.status == CheckoutStatus.OPEN:
                await _note(connection, row.id, status=CheckoutStatus.CLOSED.value, due_at=None)
            if session.state is not SessionState.PAID:
                return Settled.UNPAID
            if row.status == CheckoutStatus.PAID:
                return Settled.REPEATED
            wrong = mismatch(row.amount_xof, session)
            if wrong is not None:
                # Open, also where the answer that gave the link is still under way: nobody is to ask for another.
                await _note(
                    connection,
                    row.id,
                    status=CheckoutStatus.OPEN.value,
                    session_id=session.id,
                    trouble=wrong.value,
                    **self._for_a_person(),
                )
                return Settled.MISMATCH
            return await self._paid(connection, row, session)

        return await self._ledger.write(work)

    def _for_a_person(self) -> dict[str, Any]:
        """Due at once. The lane takes it once, however often it is told."""
        return {"tell": A_PERSON, "due_at": self._now()}

    async def _paid(self, connection: AsyncConnection, row: Any, session: Session) -> Settled:
        at = self._now()
        change = OrderChange(payment=PaymentStatus.PAID)
        outcome = await change_within(connection, row.shop_id, row.order_id, change, at)
        fresh = isinstance(outcome, Changed) and outcome.fresh
        trouble: Trouble | None = None if fresh else Trouble.PAID_BEFORE
        if isinstance(outcome, Changed) and outcome.order["status"] == OrderStatus.CANCELLED:
            trouble = Trouble.CANCELLED
        await _note(
            connection,
            row.id,
            status=CheckoutStatus.PAID.value,
            session_id=session.id,
            trouble=trouble.value if trouble else None,
            **(self._for_a_person() if trouble is Trouble.CANCELLED else {"tell": None, "due_at": None}),
        )
        if fresh:
            payment = {
                "id": f"pay_{secrets.token_hex(8)}",
                "shop_id": row.shop_id,
                "order_id": row.order_id,
                "status": PaymentStatus.PAID.value,
                "means": row.provider,
                "amount_xof": row.amount_xof,
                "source": SOURCE,
                "who": PROVIDERS[row.provider],
                "at": at,
            }
            await connection.execute(insert(PaymentRow).values(payment))
        return Settled.PAID


async def _note(connection: AsyncConnection, checkout_id: str, **values: Any) -> None:
    await connection.execute(update(CheckoutRow).where(CheckoutRow.id == checkout_id).values(**values))
