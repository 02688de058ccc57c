"""API keys: shown once, stored as a digest, checked without a word about why one is refused."""

from __future__ import annotations

import hashlib
import secrets
import string
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select, update

from bot.ledger.engine import Ledger
from bot.ledger.models import ApiKey
from bot.ledger.times import utc_now

_ALPHABET = string.digits + string.ascii_letters
LENGTH = 32
RESOURCES = (
    "orders", "conversations", "customers", "products", "zones", "channels", "incidents", "webhooks", "events",
)  # fmt: skip
SCOPES = tuple(f"{resource}:{right}" for resource in RESOURCES for right in ("read", "write"))
SEEN_EVERY = timedelta(minutes=1)


class UnknownScope(ValueError):
    """A scope that no operation asks for."""


@dataclass(frozen=True, slots=True)
class VerifiedKey:
    """A good key: one shop, some scopes."""

    id: str
    shop_id: str
    scopes: frozenset[str]


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

    async def create(
        self,
        shop_id: str,
        name: str,
        scopes: tuple[str, ...] = (),
        *,
        live: bool,
        expires_at: datetime | None = None,
    ) -> str:
        """Make a key (no scope given: all) and return it, the only time it is seen. Raises UnknownScope."""
        wrong = sorted(set(scopes) - set(SCOPES))
        if wrong:
            raise UnknownScope(f"unknown scope {', '.join(wrong)}; known are {', '.join(SCOPES)}")
        key = make(live)
        row = {
            "id": f"key_{secrets.token_hex(8)}",
            "shop_id": shop_id,
            "name": name,
            "digest": _digest(key),
            "prefix": key[:16],
            "last4": key[-4:],
            "scopes": list(scopes or SCOPES),
            "created_at": utc_now(),
            "expires_at": expires_at,
        }
        async with self._ledger.writing() as connection:
            await connection.execute(insert(ApiKey).values(**row))
        return key

    async def verify(self, key: str) -> VerifiedKey | None:
        """The key's shop and scopes; None when it is unknown, revoked or expired. Raises Unavailable."""
        if not well_formed(key):
            return None
        async with self._ledger.reading() as connection:
            query = select(*ApiKey.__table__.columns).where(ApiKey.digest == _digest(key))
            row = (await connection.execute(query)).one_or_none()
        now = utc_now()
        if (
            row is None
            or row.revoked_at is not None
            or (row.expires_at is not None and row.expires_at <= now)
        ):
            return None
        if row.last_used_at is None or now - row.last_used_at >= SEEN_EVERY:
            async with self._ledger.writing() as connection:
                await connection.execute(update(ApiKey).where(ApiKey.id == row.id).values(last_used_at=now))
        return VerifiedKey(row.id, row.shop_id, frozenset(row.scopes))
