"""Answers kept for requests that come twice: claimed first, in the transaction of the effect.

A rival with the same key waits on the row, and reads the answer once it is there; after a rollback the row is free
again. So there is no state "in progress" and nothing is left behind by a crash.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ledger.integrators import KeptAnswer
from bot.ledger.statements import insert_if_new

KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept. ``status`` None: claimed by an effect outside the ledger that has not ended (or died)."""

    fingerprint: str
    status: int | None
    body: str | None
    content_type: str | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A request's place: whose key, which Idempotency-Key, and what it asks (a digest)."""

    api_key_id: str
    idem_key: str
    fingerprint: str


async def claim(connection: AsyncConnection, wanted: Claim, now: datetime) -> Kept | None:
    """Claim the place; what is kept there if it was taken within 24 h. Waits for a rival's transaction."""
    same = (KeptAnswer.api_key_id == wanted.api_key_id, KeptAnswer.idem_key == wanted.idem_key)
    await connection.execute(delete(KeptAnswer).where(*same, KeptAnswer.created_at < now - KEPT_FOR))
    row = {
        "api_key_id": wanted.api_key_id,
        "idem_key": wanted.idem_key,
        "fingerprint": wanted.fingerprint,
        "created_at": now,
    }
    statement = insert_if_new(connection, KeptAnswer, "api_key_id", "idem_key").values(row)
    if (await connection.execute(statement.returning(KeptAnswer.idem_key))).first() is not None:
        return None
    columns = (KeptAnswer.fingerprint, KeptAnswer.status, KeptAnswer.body, KeptAnswer.content_type)
    found = (await connection.execute(select(*columns).where(*same))).one()
    return Kept(found.fingerprint, found.status, found.body, found.content_type)


async def keep(
    connection: AsyncConnection,
    claimed: Claim,
    status: int,
    body: str | None,
    content_type: str | None,
    *,
    customer_id: str | None,
    conversation_id: str | None,
) -> None:
    """Write the answer to a claim. The ids say whom it tells of."""
    await connection.execute(
        update(KeptAnswer)
        .where(KeptAnswer.api_key_id == claimed.api_key_id, KeptAnswer.idem_key == claimed.idem_key)
        .values(
            status=status,
            body=body,
            content_type=content_type,
            customer_id=customer_id,
            conversation_id=conversation_id,
        )
    )


async def give_up(connection: AsyncConnection, claimed: Claim) -> None:
    """Free a claim whose effect did not happen."""
    await connection.execute(
        delete(KeptAnswer).where(
            KeptAnswer.api_key_id == claimed.api_key_id,
            KeptAnswer.idem_key == claimed.idem_key,
            KeptAnswer.status.is_(None),
        )
    )


async def forget(connection: AsyncConnection, now: datetime) -> int:
    """Remove what is older than 24 h; how many."""
    gone = await connection.execute(delete(KeptAnswer).where(KeptAnswer.created_at < now - KEPT_FOR))
    return gone.rowcount
