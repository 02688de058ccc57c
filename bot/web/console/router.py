"""Mounts the table of pages: session, right, form token, answer."""

from __future__ import annotations

from urllib.parse import unquote, urlencode

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import redirect

from bot.storage.sessions import Session
from bot.web.console import assets, guard, rendering, signing_in
from bot.web.console.page import Page
from bot.web.console.parts import Console
from bot.web.console.rights import may
from bot.web.console.table import PAGES
from bot.web.console.visit import Visit
from bot.web.gateway import Gateway, in_time
from bot.web.ledger_port import BadCursor

SECONDS = 10.0
PREFIX = "/console"


def routes(gateway: Gateway, console: Console) -> Blueprint:
    """Every page and action of the console."""
    blueprint = Blueprint("console", url_prefix=PREFIX)
    blueprint.add_route(assets.serve, "/static/<name:str>", methods=["GET", "HEAD"])
    signing_in.mount(blueprint, gateway, console)
    for page in PAGES:
        _mount(blueprint, gateway, console, page)
    return blueprint


def _mount(blueprint: Blueprint, gateway: Gateway, console: Console, page: Page) -> None:
    async def handle(request: Request, **parameters: str) -> HTTPResponse:
        entered = await enter(gateway, console, request)
        if entered is None:
            return ask_to_sign_in(request)
        visit, _ = entered
        visit.parameters = {name: unquote(value) for name, value in parameters.items()}
        if page.method == "POST" and not _ours(visit):
            return rendering.problem(request, 403)
        if not may(visit.user.role, page.right):
            return rendering.problem(request, 403)
        try:
            if page.endless:
                return await page.handler(visit)
            return await in_time(page.handler(visit), SECONDS)
        except BadCursor:
            return rendering.problem(request, 404)

    blueprint.add_route(handle, page.path or "/", methods=[page.method], name=page.name, strict_slashes=False)


async def enter(gateway: Gateway, console: Console, request: Request) -> tuple[Visit, Session] | None:
    """Who it is, by the cookie; None when nobody is signed in. Raises Unavailable."""
    word = request.cookies.get(signing_in.COOKIE) or ""
    session = await in_time(console.sessions.find(word, gateway.clock.now()))
    if session is None:
        return None
    user = await in_time(console.users.get(session.user_id))
    if user is None or user.epoch != session.epoch:
        return None
    await console.users.seen(user)
    return Visit(gateway, console, request, user, session, word), session


def ask_to_sign_in(request: Request) -> HTTPResponse:
    """A page goes to the sign-in; whoever asks by script is told so, since it would not show a form."""
    scripted = (
        request.headers.get("hx-request") == "true" or request.headers.get("accept") == "text/event-stream"
    )
    if scripted:
        return HTTPResponse("", 401, {"Cache-Control": "no-store"})
    if request.method != "GET":
        return redirect(f"{PREFIX}/login", status=303)
    after = request.path + (f"?{request.query_string}" if request.query_string else "")
    return redirect(f"{PREFIX}/login?{urlencode({'next': after})}", status=303)


def _ours(visit: Visit) -> bool:
    return guard.from_our_page(visit.request, visit.gateway.public_url) and guard.unmasks_to(
        visit.form("csrf", 64), visit.session.csrf
    )
