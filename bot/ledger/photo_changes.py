"""A vendor puts a product's picture there or takes it away: from then on it is the ledger's, and the shop's files leave it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete

from bot.ledger.catalogue import mark
from bot.ledger.engine import Ledger
from bot.ledger.pictures import made_fit
from bot.ledger.product_photos import FIELD, ProductPhoto, keep


async def put(ledger: Ledger, shop_id: str, product_id: str, body: bytes, by: str, now: datetime) -> bool:
    """Keep a picture instead of the one before; False for what is none. ``by``: who. Raises Unavailable."""
    fit = await made_fit(body)
    if fit is None:
        return False
    async with ledger.writing() as connection:
        await keep(connection, shop_id, product_id, fit, now)
        await mark(connection, shop_id, "product", [(product_id, FIELD)], by, now)
    return True


async def drop(ledger: Ledger, shop_id: str, product_id: str, by: str, now: datetime) -> None:
    """Take it away. Raises Unavailable."""
    mine = (ProductPhoto.shop_id == shop_id, ProductPhoto.product_id == product_id)
    async with ledger.writing() as connection:
        await connection.execute(delete(ProductPhoto).where(*mine))
        await mark(connection, shop_id, "product", [(product_id, FIELD)], by, now)
