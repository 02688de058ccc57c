"""What a stranger may ask of the light page in a minute. Nobody is known here, so addresses and links are counted.

Generous, because in an outage a whole town comes in behind one mobile operator's address.
"""

from __future__ import annotations

from sanic import HTTPResponse, Request

from bot.ports import Unavailable
from bot.web.chat import pages
from bot.web.gateway import Gateway
from bot.web.requests import caller

BEGUN_BY_ADDRESS = 60
BEGUN_IN_SHOP = 600
"""New conversations; each is a record for ever."""
SAID_ON_PAGE = 60
"""More than is answered (``core.flood``), less than fills the store."""


async def may_begin(gateway: Gateway, request: Request, shop: str) -> HTTPResponse | None:
    """None, or the page that says to wait."""
    own = await _over(gateway, f"begin:{caller(request)}", BEGUN_BY_ADDRESS)
    return own or await _over(gateway, f"begin-in:{shop}", BEGUN_IN_SHOP)


async def may_say(gateway: Gateway, lane: str) -> HTTPResponse | None:
    """None, or the page that says to wait."""
    return await _over(gateway, f"page:{lane}", SAID_ON_PAGE)


async def _over(gateway: Gateway, name: str, per_minute: int) -> HTTPResponse | None:
    """Without the store nothing is counted, and nothing can be said either: what follows answers 503."""
    if gateway.limits is None:
        return None
    try:
        quota = await gateway.limits.hit(name, per_minute)
    except Unavailable:
        return None
    return pages.too_many(quota.seconds) if quota.exceeded else None
