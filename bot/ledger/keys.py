"""API keys: shown once, stored as a digest, checked without a word about why one is refused."""

from __future__ import annotations

import hashlib
import secrets
import string
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ledger.engine import Ledger
from bot.ledger.models import ApiKey
from bot.ledger.times import utc_now
from bot.ports import Unavailable

log = structlog.get_logger()

_ALPHABET = string.digits + string.ascii_letters
LENGTH = 32
RESOURCES = (
    "orders", "conversations", "customers", "products", "zones", "channels", "incidents", "webhooks", "events",
)  # fmt: skip
SCOPES = tuple(f"{resource}:{right}" for resource in RESOURCES for right in ("read", "write"))
SEEN_EVERY = timedelta(minutes=1)
RATE_PER_MINUTE = 1200
OVERLAP = timedelta(hours=24)
"""How long a rotated key goes on working beside the new one."""


class UnknownScope(ValueError):
    """A scope that no operation asks for."""


@dataclass(frozen=True, slots=True)
class VerifiedKey:
    """A good key: one shop, some scopes."""

    id: str
    shop_id: str
    scopes: frozenset[str]
    rate_per_minute: int = RATE_PER_MINUTE


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key as lists show it: never the key itself."""

    id: str
    name: str
    shown: str
    """``relais_live_abcd...wxyz``: enough to recognise it."""
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    rate_per_minute: int
    replaced_by: str | None

    def ended(self, now: datetime) -> bool:
        """Is it of no use any more?"""
        return self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= now)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, rest = divmod(number, 62)
        digits.append(_ALPHABET[rest])
    return "".join(reversed(digits))


def make(live: bool) -> str:
    """``relais_live_`` or ``relais_test_``, 32 random characters, 6 of checksum (so a scanner needs no database)."""
    word = "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))
    return f"relais_{'live' if live else 'test'}_{word}{_base62(zlib.crc32(word.encode()), 6)}"


def well_formed(key: str) -> bool:
    """Prefix, length and checksum are right: worth asking the ledger about."""
    prefix, _, word = key.rpartition("_")
    if prefix not in ("relais_live", "relais_test") or len(word) != LENGTH + 6 or not word.isascii():
        return False
    return _base62(zlib.crc32(word[:LENGTH].encode()), 6) == word[LENGTH:]


def _digest(key: str) -> str:
    # High entropy: a fast digest is enough, there is nothing to guess.
    return hashlib.sha256(key.encode()).hexdigest()


class LedgerKeys:
    """Keys in the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._noted: dict[str, datetime] = {}

    async def create(
        self,
        shop_id: str,
        name: str,
        scopes: tuple[str, ...] = (),
        *,
        live: bool,
        expires_at: datetime | None = None,
        rate_per_minute: int | None = None,
    ) -> str:
        """Make a key (no scope given: all) and return it, the only time it is seen. Raises UnknownScope."""
        key, row = self._made(shop_id, name, scopes, live, expires_at, rate_per_minute)
        async with self._ledger.writing() as connection:
            await connection.execute(insert(ApiKey).values(**row))
        return key

    def _made(
        self,
        shop_id: str,
        name: str,
        scopes: tuple[str, ...],
        live: bool,
        expires_at: datetime | None,
        rate_per_minute: int | None,
    ) -> tuple[str, dict[str, Any]]:
        wrong = sorted(set(scopes) - set(SCOPES))
        if wrong:
            raise UnknownScope(f"unknown scope {', '.join(wrong)}; known are {', '.join(SCOPES)}")
        key = make(live)
        return key, {
            "id": f"key_{secrets.token_hex(8)}",
            "shop_id": shop_id,
            "name": name,
            "digest": _digest(key),
            "prefix": key[:16],
            "last4": key[-4:],
            "scopes": list(scopes or SCOPES),
            "created_at": utc_now(),
            "expires_at": expires_at,
            "rate_per_minute": rate_per_minute,
        }

    async def listed(self, shop_id: str) -> list[KnownKey]:
        """All keys of a shop, oldest first. Raises Unavailable."""
        query = (
            select(*ApiKey.__table__.columns)
            .where(ApiKey.shop_id == shop_id)
            .order_by(ApiKey.created_at, ApiKey.id)
        )
        async with self._ledger.reading() as connection:
            return [_known(row) for row in await connection.execute(query)]

    async def rotate(self, shop_id: str, key_id: str, overlap: timedelta = OVERLAP) -> str | None:
        """A new key in place of a good one, which works on for the overlap. None: no such key. Raises Unavailable."""

        async def work(connection: AsyncConnection) -> str | None:
            query = select(*ApiKey.__table__.columns).where(ApiKey.id == key_id, ApiKey.shop_id == shop_id)
            old = (await connection.execute(query.with_for_update())).one_or_none()
            now = utc_now()
            if old is None or old.replaced_by is not None or _known(old).ended(now):
                return None
            live = old.prefix.startswith("relais_live")
            key, row = self._made(
                shop_id, old.name, tuple(old.scopes), live, old.expires_at, old.rate_per_minute
            )
            await connection.execute(insert(ApiKey).values(**row))
            ends = min(filter(None, (old.expires_at, now + overlap)))
            await connection.execute(
                update(ApiKey).where(ApiKey.id == key_id).values(expires_at=ends, replaced_by=row["id"])
            )
            return key

        return await self._ledger.write(work)

    async def revoke(self, shop_id: str, key_id: str) -> bool:
        """End a key at once. False: no such key. Done twice is the same. Raises Unavailable."""
        async with self._ledger.writing() as connection:
            done = await connection.execute(
                update(ApiKey)
                .where(ApiKey.id == key_id, ApiKey.shop_id == shop_id)
                .values(revoked_at=func.coalesce(ApiKey.revoked_at, utc_now()))
                .returning(ApiKey.id)
            )
            return done.first() is not None

    async def verify(self, key: str) -> VerifiedKey | None:
        """The key's shop and scopes; None when it is unknown, revoked or expired. Raises Unavailable."""
        if not well_formed(key):
            return None
        async with self._ledger.reading() as connection:
            query = select(*ApiKey.__table__.columns).where(ApiKey.digest == _digest(key))
            row = (await connection.execute(query)).one_or_none()
        now = utc_now()
        if row is None or _known(row).ended(now):
            return None
        if row.last_used_at is None or now - row.last_used_at >= SEEN_EVERY:
            await self._note_use(row.id, now)
        rate = row.rate_per_minute or RATE_PER_MINUTE
        return VerifiedKey(row.id, row.shop_id, frozenset(row.scopes), rate)

    async def _note_use(self, key_id: str, now: datetime) -> None:
        """At most once a while even where it fails: another's long write must not hold up, or refuse, who only reads."""
        noted = self._noted.get(key_id)
        if noted is not None and now - noted < SEEN_EVERY:
            return
        self._noted[key_id] = now
        try:
            async with self._ledger.writing() as connection:
                await connection.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=now))
        except Unavailable as error:
            log.warning("key.use_not_noted", key=key_id, detail=str(error))


def _known(row: Any) -> KnownKey:
    return KnownKey(
        id=row.id,
        name=row.name,
        shown=f"{row.prefix}...{row.last4}",
        scopes=tuple(row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        rate_per_minute=row.rate_per_minute or RATE_PER_MINUTE,
        replaced_by=row.replaced_by,
    )
