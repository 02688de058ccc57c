"""``/c/<token>`` and ``/s/<shop>``: GET shows, POST says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import redirect

from bot.core.addresses import ShopId
from bot.core.conversations import Conversation
from bot.core.money import francs
from bot.core.shops import Shop
from bot.ports import Unavailable
from bot.web.chat import limits, liveness, pages, posting
from bot.web.chat.access import find, known_shop
from bot.web.chat.shown import build, since
from bot.web.gateway import Gateway
from bot.web.ledger_port import HeardWords

LEDGER_SECONDS = 0.5
"""The shopper's own words come from the ledger; a slow one must not hold the page."""

log = logging.getLogger("relais.web.chat")


def routes(gateway: Gateway) -> Blueprint:
    """The light page's routes."""
    chat = Blueprint("chat")

    @chat.get("/c/<token:str>")
    async def show(request: Request, token: str) -> HTTPResponse:
        found = await _find(gateway, token)
        if isinstance(found, HTTPResponse):
            return found
        conversation, shop = found
        # A link's preview has no cookie of ours: its fetch changes nothing.
        if liveness.has_posted(gateway, token, request.cookies.get(liveness.COOKIE)):
            await liveness.seen(gateway, conversation)
        shown = build(conversation, await _heard(gateway, conversation), gateway.tokens, shop.phone)
        path = f"/c/{token}"
        return pages.conversation(
            shown,
            shop,
            path,
            form=posting.one_time_id(),
            frame=f"{path}/vue?n={conversation.serial}",
            waiting=request.args.get("attente") == "1" and bool(conversation.unanswered),
        )

    @chat.post("/c/<token:str>")
    async def say(request: Request, token: str) -> HTTPResponse:
        found = await _find(gateway, token)
        if isinstance(found, HTTPResponse):
            return found
        conversation, _ = found
        if (wait := await limits.may_say(gateway, conversation.id)) is not None:
            return wait
        form = request.get_form(keep_blank_values=True)
        text, choice = (form.get("text") or "", form.get("choice")) if form else ("", None)
        received = posting.message(gateway, conversation, text, choice, form.get("form") if form else None)
        answered = True
        if received is not None:
            try:
                answered = await posting.send(gateway, conversation, received)
            except Unavailable:
                return pages.unavailable()
        # ``attente`` makes the page look again by itself while the answer is on its way.
        to_page = redirect(f"/c/{token}" if answered else f"/c/{token}?attente=1", status=303)
        to_page.add_cookie(
            liveness.COOKIE,
            liveness.cookie(gateway, token),
            path=f"/c/{token}",
            httponly=True,
            secure=gateway.public_url.startswith("https://"),
            samesite="Strict",
            max_age=7200,
        )
        return to_page

    @chat.get("/c/<token:str>/vue")
    async def look(request: Request, token: str) -> HTTPResponse:
        """The little frame: looks every 15 s, says when there is something new, loses no word being typed."""
        found = await _find(gateway, token)
        if isinstance(found, HTTPResponse):
            return found
        conversation, _ = found
        if liveness.came_back(gateway, token, request.args.get("vu") or ""):
            await liveness.seen(gateway, conversation)
        had = request.args.get("n") or ""
        serial = had if had.isascii() and had.isdigit() and len(had) < 12 else "0"
        path = f"/c/{token}"
        return pages.html(
            "frame.html",
            headers=pages.FRAME_HEADERS,
            path=path,
            next=f"{path}/vue?n={serial}&vu={liveness.stamp(gateway, token)}",
            news=conversation.serial > int(serial),
        )

    @chat.get("/s/<shop:str>")
    async def shop_page(request: Request, shop: str) -> HTTPResponse:
        known = await _shop(gateway, shop)
        if isinstance(known, HTTPResponse):
            return known
        tagline, hours, categories = await _window(gateway, known)
        return pages.start(known, tagline, hours, categories, path=f"/s/{known.id}")

    @chat.post("/s/<shop:str>")
    async def begin(request: Request, shop: str) -> HTTPResponse:
        known = await _shop(gateway, shop)
        if isinstance(known, HTTPResponse):
            return known
        if (wait := await limits.may_begin(gateway, request, known.id)) is not None:
            return wait
        try:
            token = await posting.begin(gateway, known.id)
        except Unavailable:
            return pages.unavailable()
        return pages.unavailable() if token is None else redirect(f"/c/{token}", status=303)

    return chat


async def _find(gateway: Gateway, token: str) -> tuple[Conversation, Shop] | HTTPResponse:
    try:
        return await find(gateway, token) or pages.not_found()
    except Unavailable:
        return pages.unavailable()


async def _shop(gateway: Gateway, shop: str) -> Shop | HTTPResponse:
    try:
        return await known_shop(gateway, shop) or pages.not_found()
    except Unavailable:
        return pages.unavailable()


async def _heard(gateway: Gateway, conversation: Conversation) -> Sequence[HeardWords]:
    """The shopper's own words on the page; without the ledger the page shows the rest."""
    try:
        async with asyncio.timeout(LEDGER_SECONDS):
            return await gateway.reads.heard(conversation.shop_id, conversation.id, since(conversation))
    except (Unavailable, TimeoutError):
        log.warning("chat.without_ledger")
        return []


async def _window(gateway: Gateway, shop: Shop) -> tuple[str, str, list[tuple[str, list[tuple[str, str]]]]]:
    """Tagline, opening hours and what is sold, by category; without the ledger the shop's name and phone remain."""
    try:
        async with asyncio.timeout(2 * LEDGER_SECONDS):
            face = await gateway.reads.shop_window(ShopId(shop.id))
    except (Unavailable, TimeoutError):
        log.warning("chat.without_ledger")
        return "", "", []
    categories: dict[str, list[tuple[str, str]]] = {}
    for product in face.products:
        price = "épuisé" if product.sold_out else francs(product.price_xof)
        categories.setdefault(product.category, []).append((product.name, price))
    return face.tagline, face.opening_hours, list(categories.items())
