"""The trail of what people did in the console. Append only, and never a shopper's words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from bot.ledger.console_models import AuditRow
from bot.ledger.engine import Ledger
from bot.ledger.times import utc_now


@dataclass(frozen=True, slots=True)
class Deed:
    """One line of the trail."""

    n: int
    who: str
    action: str
    object: str
    detail: dict[str, Any]
    at: datetime


class LedgerAudit:
    """Trails of all shops. May raise Unavailable."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime] = utc_now) -> None:
        self._ledger = ledger
        self._now = now

    async def add(
        self, shop_id: str, user_id: str | None, who: str, action: str, object_: str = "", **detail: Any
    ) -> None:
        """Write one line. ``detail``: short facts, no personal words."""
        row = {
            "shop_id": shop_id,
            "user_id": user_id,
            "who": who,
            "action": action,
            "object": object_,
            "detail": detail,
            "at": self._now(),
        }
        async with self._ledger.writing() as connection:
            await connection.execute(insert(AuditRow).values(row))

    async def latest(self, shop_id: str, before: int | None = None, limit: int = 50) -> Sequence[Deed]:
        """Newest first, those older than number ``before``."""
        query = select(AuditRow.__table__).where(AuditRow.shop_id == shop_id)
        if before is not None:
            query = query.where(AuditRow.n < before)
        async with self._ledger.reading() as connection:
            found = await connection.execute(query.order_by(AuditRow.n.desc()).limit(limit))
            return [Deed(row.n, row.who, row.action, row.object, row.detail, row.at) for row in found]
