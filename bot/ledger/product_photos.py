"""One picture a product, small enough for a slow line. Kept in the ledger, so that every process and every backup has it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from sqlalchemy import ForeignKey, LargeBinary, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from bot.ledger.columns import Base
from bot.ledger.engine import Ledger
from bot.ledger.statements import upsert

CONTENT_TYPE = "image/jpeg"
FIELD = "photo"
"""Under this name a change of a picture is noted with the product's other fields."""


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


def path_of(shop_id: str, product_id: str, digest: str) -> str:
    """Below the public address."""
    return f"/photos/{quote(shop_id)}/{quote(product_id)}/{digest}"


async def keep(
    connection: AsyncConnection, shop_id: str, product_id: str, body: bytes, now: datetime
) -> None:
    """Instead of the one before. ``body``: a JPEG as ``pictures`` makes it."""
    row = {
        "shop_id": shop_id,
        "product_id": product_id,
        "digest": hashlib.sha256(body).hexdigest()[:16],
        "content_type": CONTENT_TYPE,
        "body": body,
        "updated_at": now,
    }
    await connection.execute(upsert(connection, ProductPhoto, ("shop_id", "product_id")).values(row))


async def find(ledger: Ledger, shop_id: str, product_id: str, digest: str) -> Photo | None:
    """The picture at an address. Raises Unavailable."""
    query = select(ProductPhoto.content_type, ProductPhoto.body).where(
        ProductPhoto.shop_id == shop_id, ProductPhoto.product_id == product_id, ProductPhoto.digest == digest
    )
    async with ledger.reading() as connection:
        row = (await connection.execute(query)).first()
    return None if row is None else Photo(row.content_type, row.body)
