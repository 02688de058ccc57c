"""One picture a product, small enough for a slow line. Kept in the ledger, so that every process and every backup has it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from bot.ledger.columns import Base
from bot.ledger.engine import Ledger
from bot.ledger.statements import upsert

MOST_BYTES = 200_000
_KINDS = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"))


class ProductPhoto(Base):
    """The picture itself."""

    __tablename__ = "product_photos"

    shop_id: Mapped[str] = mapped_column(ForeignKey("shops.id"), primary_key=True)
    product_id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    """Of the body: part of its address, so that a new picture has a new one."""
    content_type: Mapped[str]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    updated_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture to be shown."""

    content_type: str
    body: bytes


def kind_of(body: bytes) -> str | None:
    """JPEG, PNG or WebP by its first bytes: what a browser claims is not believed."""
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _KINDS if body.startswith(magic)), None)


async def put(ledger: Ledger, shop_id: str, product_id: str, body: bytes, now: datetime) -> bool:
    """Keep it instead of the one before; False for what is no picture or too large. Raises Unavailable."""
    kind = kind_of(body)
    if kind is None or len(body) > MOST_BYTES:
        return False
    row = {
        "shop_id": shop_id,
        "product_id": product_id,
        "digest": hashlib.sha256(body).hexdigest()[:16],
        "content_type": kind,
        "body": body,
        "updated_at": now,
    }
    async with ledger.writing() as connection:
        await connection.execute(upsert(connection, ProductPhoto, ("shop_id", "product_id")).values(row))
    return True


async def drop(ledger: Ledger, shop_id: str, product_id: str) -> None:
    """Raises Unavailable."""
    mine = (ProductPhoto.shop_id == shop_id, ProductPhoto.product_id == product_id)
    async with ledger.writing() as connection:
        await connection.execute(delete(ProductPhoto).where(*mine))


async def digests(ledger: Ledger, shop_id: str) -> dict[str, str]:
    """Product -> digest, for products that have a picture. Raises Unavailable."""
    query = select(ProductPhoto.product_id, ProductPhoto.digest).where(ProductPhoto.shop_id == shop_id)
    async with ledger.reading() as connection:
        return {row.product_id: row.digest for row in await connection.execute(query)}


async def find(ledger: Ledger, shop_id: str, product_id: str, digest: str) -> Photo | None:
    """The picture at an address. Raises Unavailable."""
    query = select(ProductPhoto.content_type, ProductPhoto.body).where(
        ProductPhoto.shop_id == shop_id, ProductPhoto.product_id == product_id, ProductPhoto.digest == digest
    )
    async with ledger.reading() as connection:
        row = (await connection.execute(query)).first()
    return None if row is None else Photo(row.content_type, row.body)
