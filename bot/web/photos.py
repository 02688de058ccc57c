"""Pictures of products at public addresses that never change: what a shop shows, anybody may see."""

from __future__ import annotations

import re
from urllib.parse import quote

from sanic import Blueprint, HTTPResponse, Request

from bot.ledger import product_photos
from bot.ports import Unavailable
from bot.web.gateway import Gateway, in_time

HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
_DIGEST = re.compile(r"[0-9a-f]{16}")


def path_of(shop: str, product: str, digest: str) -> str:
    """Below the public address."""
    return f"/photos/{quote(shop)}/{quote(product)}/{digest}"


def routes(gateway: Gateway) -> Blueprint:
    blueprint = Blueprint("photos")

    @blueprint.get("/photos/<shop:str>/<product:str>/<digest:str>")
    async def show(_: Request, shop: str, product: str, digest: str) -> HTTPResponse:
        if not _DIGEST.fullmatch(digest):
            return HTTPResponse(status=404)
        try:
            found = await in_time(product_photos.find(gateway.ledger, shop, product, digest))
        except Unavailable:
            return HTTPResponse(status=503, headers={"Cache-Control": "no-store"})
        if found is None:
            return HTTPResponse(status=404)
        return HTTPResponse(found.body, headers=HEADERS, content_type=found.content_type)

    return blueprint
