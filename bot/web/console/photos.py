"""The picture of a product: putting it there and taking it away. The script makes a phone's picture small before it leaves."""

from __future__ import annotations

from urllib.parse import quote

from sanic import HTTPResponse

from bot.ledger import photo_changes
from bot.ledger.times import instant
from bot.web.console.catalogue import product_in
from bot.web.console.page import Page
from bot.web.console.rights import Right
from bot.web.console.visit import Visit


async def put(visit: Visit) -> HTTPResponse:
    """Raises a 404 problem."""
    product, files = await product_in(visit), visit.request.files
    file = files.get("photo") if files else None
    body: bytes = file.body if file is not None else b""
    kept = await photo_changes.put(
        visit.console.ledger, visit.shop, product.id, body, visit.user.login, instant(visit.now)
    )
    if not kept:
        return _back(product.id, visit, "bad-photo")
    await visit.note("catalogue.photo", product.id)
    return _back(product.id, visit, "saved")


async def drop(visit: Visit) -> HTTPResponse:
    """Raises a 404 problem."""
    product = await product_in(visit)
    await photo_changes.drop(visit.console.ledger, visit.shop, product.id, visit.user.login, instant(visit.now))
    await visit.note("catalogue.photo", product.id)
    return _back(product.id, visit, "removed")


def _back(product_id: str, visit: Visit, said: str) -> HTTPResponse:
    return visit.go(f"/catalogue/products/{quote(product_id)}", said)


_AT = "/catalogue/products/<product_id:str>/photo"
PAGES = (
    Page("POST", _AT, Right.CATALOGUE, put),
    Page("POST", f"{_AT}/drop", Right.CATALOGUE, drop),
)
