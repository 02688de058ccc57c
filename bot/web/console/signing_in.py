"""Coming in: sign-in, and choosing a password by link. The only pages that need no session."""

from __future__ import annotations

import asyncio

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import redirect

from bot.ledger.passwords import LEAST, outdated, weakness
from bot.ledger.users import KnownUser, as_login
from bot.storage.sessions import IDLE_SECONDS
from bot.web.console import guard, known_browser, rendering
from bot.web.console.parts import Console
from bot.web.gateway import Gateway, in_time
from bot.web.requests import caller

COOKIE = "relais_console"
WINDOW = 15 * 60
MOST_BY_LOGIN, MOST_BY_ADDRESS = 10, 40
SECONDS = 10.0


def mount(blueprint: Blueprint, gateway: Gateway, console: Console) -> None:
    """Add the routes."""

    async def form(request: Request) -> HTTPResponse:
        return _form(request, console, after=request.args.get("next") or "")

    async def sign_in(request: Request) -> HTTPResponse:
        return await in_time(_sign_in(request, gateway, console), SECONDS)

    async def choose(request: Request, token: str) -> HTTPResponse:
        user = await in_time(console.users.of_link(token))
        return _choose(request, user, "" if user else "gone")

    async def chosen(request: Request, token: str) -> HTTPResponse:
        return await in_time(_chosen(request, gateway, console, token), SECONDS)

    blueprint.add_route(form, "/login", methods=["GET"], name="login")
    blueprint.add_route(sign_in, "/login", methods=["POST"], name="sign_in")
    blueprint.add_route(choose, "/password/<token:str>", methods=["GET"], name="choose")
    blueprint.add_route(chosen, "/password/<token:str>", methods=["POST"], name="chosen")


async def _sign_in(request: Request, gateway: Gateway, console: Console) -> HTTPResponse:
    if not guard.from_our_page(request, gateway.public_url):
        return rendering.problem(request, 403)
    fields = request.get_form(keep_blank_values=True)
    login = as_login((fields.get("login") if fields else None) or "")
    password = (fields.get("password") if fields else None) or ""
    after = (fields.get("next") if fields else None) or ""
    # Counted before it is looked at, so that many at once cannot slip through.
    known = known_browser.of(request, login, gateway.secret)
    tried = ("browser", known) if known is not None else ("login", login)
    by_login, by_address = await asyncio.gather(
        console.throttle.count(*tried, WINDOW),
        console.throttle.count("address", caller(request), WINDOW),
    )
    if by_login > MOST_BY_LOGIN or by_address > MOST_BY_ADDRESS:
        return _form(request, console, "slow", login, after, status=429)
    found = await console.users.by_login(login)
    user, kept = found if found is not None else (None, None)
    if not await console.passwords.verify(kept, password) or user is None:
        return _form(request, console, "wrong", login, after, status=401)
    await console.throttle.forget(*tried)
    if kept is not None and outdated(kept):
        await console.users.rehashed(user.id, await console.passwords.hash(password))
    return await _welcome(gateway, console, user, after)


async def _chosen(request: Request, gateway: Gateway, console: Console, token: str) -> HTTPResponse:
    if not guard.from_our_page(request, gateway.public_url):
        return rendering.problem(request, 403)
    user = await console.users.of_link(token)
    if user is None:
        return _choose(request, None, "gone")
    fields = request.get_form(keep_blank_values=True)
    password = (fields.get("password") if fields else None) or ""
    weak = weakness(password, user.login)
    if weak is not None:
        return _choose(request, user, weak, status=422)
    used = await console.users.use_link(token, await console.passwords.hash(password))
    if used is None:
        return _choose(request, None, "gone")
    await console.audit.add(used.shop_id, used.id, used.name, "account.password")
    return await _welcome(gateway, console, used, "")


async def _welcome(gateway: Gateway, console: Console, user: KnownUser, after: str) -> HTTPResponse:
    word, _ = await console.sessions.begin(user.id, user.epoch, gateway.clock.now())
    await console.audit.add(user.shop_id, user.id, user.name, "account.signed_in")
    answer = redirect(_inside(after), status=303)
    give(answer, word, gateway.public_url)
    known_browser.remember(answer, user.login, gateway.secret, gateway.public_url.startswith("https://"))
    return answer


def give(answer: HTTPResponse, word: str, public_url: str) -> None:
    """Put the session's word into the browser."""
    answer.add_cookie(
        COOKIE,
        word,
        path="/console",
        httponly=True,
        secure=public_url.startswith("https://"),
        # Lax, not Strict: a link in an alert must open for who is signed in. What changes something is checked twice.
        samesite="Lax",
        max_age=IDLE_SECONDS,
    )


def _inside(after: str) -> str:
    """Where to go on: a page of the console, nothing that a stranger's link could name."""
    plain = after.isascii() and after.isprintable() and "\\" not in after
    return (
        after if plain and after.startswith("/console/") and "//" not in after else "/console/conversations"
    )


def _form(
    request: Request, console: Console, wrong: str = "", login: str = "", after: str = "", status: int = 200
) -> HTTPResponse:
    return rendering.answer(
        request,
        "login.html",
        status,
        language="fr",
        wrong=wrong,
        login=login,
        after=_inside(after) if after else "",
        simulator=console.simulator,
    )


def _choose(request: Request, user: KnownUser | None, wrong: str, status: int = 200) -> HTTPResponse:
    if user is None:
        status = 404
    return rendering.answer(
        request,
        "choose_password.html",
        status,
        language=user.language if user else "fr",
        user=user,
        wrong=wrong,
        least=LEAST,
    )
