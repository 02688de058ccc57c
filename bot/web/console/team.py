"""The team and the API keys of a shop: owners only. Links and keys are shown once, on the page that made them."""

from __future__ import annotations

from sanic import HTTPResponse

from bot.ledger.keys import SCOPES, LedgerKeys, UnknownScope
from bot.ledger.times import instant
from bot.ledger.users import LINK_HOURS, LastOwner, LoginTaken, Role
from bot.web.console.page import Page
from bot.web.console.rights import Right
from bot.web.console.visit import Visit
from bot.web.problems import Problem


async def page(visit: Visit) -> HTTPResponse:
    return await _page(visit)


async def _page(visit: Visit, **once: str) -> HTTPResponse:
    return visit.page(
        "team.html",
        shop=await visit.shop_facts(),
        now=visit.now,
        people=await visit.console.users.of_shop(visit.shop),
        keys=[
            key
            for key in await LedgerKeys(visit.console.ledger).listed(visit.shop)
            if not key.ended(instant(visit.now))
        ],
        scopes=SCOPES,
        hours=LINK_HOURS,
        link=once.get("link", ""),
        linked=once.get("linked", ""),
        key=once.get("key", ""),
    )


async def create(visit: Visit) -> HTTPResponse:
    """A new person, and the link with which they choose a password."""
    login, role = visit.form("login", 80), visit.form("role", 10)
    if role not in set(Role) or not login:
        return visit.go("/team", "bad-value")
    try:
        made = await visit.console.users.create(
            visit.shop, login, visit.form("name", 80), Role(role), language=visit.user.language
        )
    except LoginTaken:
        return visit.go("/team", "login-taken")
    await visit.note("team.created", made.login, role=role)
    return await _linked(visit, made.id, made.login)


async def link(visit: Visit) -> HTTPResponse:
    """A new link for somebody who forgot the password."""
    for user in await visit.console.users.of_shop(visit.shop):
        if user.id == visit.parameters["user_id"]:
            await visit.note("team.link", user.login)
            return await _linked(visit, user.id, user.login)
    raise Problem("not-found")


async def _linked(visit: Visit, user_id: str, login: str) -> HTTPResponse:
    token = await visit.console.users.password_link(user_id)
    return await _page(visit, link=f"{visit.gateway.public_url}/console/password/{token}", linked=login)


async def role(visit: Visit) -> HTTPResponse:
    wanted = visit.form("role", 10)
    if wanted not in set(Role):
        return visit.go("/team", "bad-value")
    try:
        done = await visit.console.users.set_role(visit.shop, visit.parameters["user_id"], Role(wanted))
    except LastOwner:
        return visit.go("/team", "last-owner")
    return await _changed(visit, "team.role", done, role=wanted)


async def remove(visit: Visit) -> HTTPResponse:
    try:
        done = await visit.console.users.disable(visit.shop, visit.parameters["user_id"])
    except LastOwner:
        return visit.go("/team", "last-owner")
    return await _changed(visit, "team.removed", done)


async def _changed(visit: Visit, action: str, done: bool, **detail: str) -> HTTPResponse:
    if not done:
        raise Problem("not-found")
    await visit.note(action, visit.parameters["user_id"], **detail)
    return visit.go("/team", "saved")


async def create_key(visit: Visit) -> HTTPResponse:
    name, scopes = visit.form("name", 60), tuple(visit.form_all("scope"))
    if not name:
        return visit.go("/team", "bad-value")
    try:
        key = await LedgerKeys(visit.console.ledger).create(
            visit.shop, name, scopes, live=not visit.console.simulator
        )
    except UnknownScope:
        return visit.go("/team", "bad-value")
    await visit.note("key.created", name)
    return await _page(visit, key=key)


async def revoke_key(visit: Visit) -> HTTPResponse:
    if not await LedgerKeys(visit.console.ledger).revoke(visit.shop, visit.parameters["key_id"]):
        raise Problem("not-found")
    await visit.note("key.revoked", visit.parameters["key_id"])
    return visit.go("/team", "removed")


PAGES = (
    Page("GET", "/team", Right.SETTINGS, page),
    Page("POST", "/team", Right.SETTINGS, create),
    Page("POST", "/team/keys", Right.SETTINGS, create_key),
    Page("POST", "/team/keys/<key_id:str>/revoke", Right.SETTINGS, revoke_key),
    Page("POST", "/team/<user_id:str>/link", Right.SETTINGS, link),
    Page("POST", "/team/<user_id:str>/role", Right.SETTINGS, role),
    Page("POST", "/team/<user_id:str>/remove", Right.SETTINGS, remove),
)
