"""Pictures of products at public addresses that never change: what a shop shows, anybody may see."""

from __future__ import annotations

import re

from sanic import Blueprint, HTTPResponse, Request

from bot.ledger import product_photos
from bot.ports import Unavailable
from bot.web.api import etags
from bot.web.gateway import Gateway, in_time

HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
AT = "/photos/<shop:str>/<product:str>/<digest:str>"
_DIGEST = re.compile(r"[0-9a-f]{16}")


def routes(gateway: Gateway) -> Blueprint:
    blueprint = Blueprint("photos")

    @blueprint.get(AT)
    @blueprint.head(AT, name="head")
    async def show(request: Request, shop: str, product: str, digest: str) -> HTTPResponse:
        if not _DIGEST.fullmatch(digest):
            return HTTPResponse(status=404)
        headers = {**HEADERS, "ETag": f'"{digest}"'}
        try:
            found = await in_time(product_photos.find(gateway.ledger, shop, product, digest))
        except Unavailable:
            return HTTPResponse(status=503, headers={"Cache-Control": "no-store"})
        if found is None:
            return HTTPResponse(status=404)
        if etags.unchanged(request.headers.get("if-none-match"), headers["ETag"]):
            return HTTPResponse(status=304, headers=headers)
        return HTTPResponse(found.body, headers=headers, content_type=found.content_type)

    return blueprint
