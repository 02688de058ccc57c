"""One's own account: language, password, devices, leaving."""

from __future__ import annotations

from sanic import HTTPResponse

from bot.ledger.passwords import weakness
from bot.web.console import signing_in
from bot.web.console.page import Page
from bot.web.console.rights import Right
from bot.web.console.visit import Visit


async def page(visit: Visit) -> HTTPResponse:
    return visit.page("account.html", shop=await visit.shop_facts())


async def language(visit: Visit) -> HTTPResponse:
    chosen = visit.form("language", 2)
    if chosen not in ("fr", "en"):
        return visit.go("/account", "bad-value")
    await visit.console.users.set_language(visit.user.id, chosen)
    return visit.go("/account", "saved")


async def password(visit: Visit) -> HTTPResponse:
    """A new password needs the old one; other devices are signed out, this one stays."""
    found = await visit.console.users.by_login(visit.user.login)
    fields = visit.request.get_form(keep_blank_values=True)
    old = (fields.get("old") if fields else None) or ""
    new = (fields.get("new") if fields else None) or ""
    tries = await visit.console.throttle.count("login", visit.user.login, signing_in.WINDOW)
    kept = found[1] if found is not None else None
    if tries > signing_in.MOST_BY_LOGIN or not await visit.console.passwords.verify(kept, old):
        return visit.go("/account", "wrong-password")
    if weakness(new, visit.user.login) is not None:
        return visit.go("/account", "weak-password")
    await visit.console.throttle.forget("login", visit.user.login)
    await visit.console.users.set_password(visit.user.id, await visit.console.passwords.hash(new))
    await visit.note("account.password")
    return await _again(visit, "saved")


async def sign_out(visit: Visit) -> HTTPResponse:
    await visit.console.sessions.end(visit.word)
    await visit.note("account.signed_out")
    answer = visit.go("/login")
    answer.headers["Clear-Site-Data"] = '"storage"'
    answer.delete_cookie(signing_in.COOKIE, path="/console")
    return answer


async def sign_out_everywhere(visit: Visit) -> HTTPResponse:
    await visit.console.users.sign_out_everywhere(visit.user.id)
    await visit.note("account.signed_out_everywhere")
    return await _again(visit, "out-everywhere")


async def _again(visit: Visit, said: str) -> HTTPResponse:
    """This device goes on in a session of the new epoch."""
    user = await visit.console.users.get(visit.user.id)
    answer = visit.go("/account", said)
    if user is not None:
        await visit.console.sessions.end(visit.word)
        word, _ = await visit.console.sessions.begin(user.id, user.epoch, visit.now)
        signing_in.give(answer, word, visit.gateway.public_url)
    return answer


PAGES = (
    Page("GET", "/account", Right.OWN, page),
    Page("POST", "/account/language", Right.OWN, language),
    Page("POST", "/account/password", Right.OWN, password),
    Page("POST", "/account/sign-out", Right.OWN, sign_out),
    Page("POST", "/account/sign-out-everywhere", Right.OWN, sign_out_everywhere),
)
