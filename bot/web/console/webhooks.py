"""Where events are sent: the shop's webhooks with their deliveries. What REST does, by the same functions; owners only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sanic import HTTPResponse

from bot.hooks import signing
from bot.ledger import subscriptions
from bot.ledger.subscriptions import NewSubscription, TooMany
from bot.ledger.times import instant
from bot.web.api.event_kinds import KINDS, TYPES
from bot.web.console.page import Page
from bot.web.console.rights import Right
from bot.web.console.visit import Visit
from bot.web.ledger_port import Window
from bot.web.problems import Problem

DELIVERIES = 30


async def page(visit: Visit) -> HTTPResponse:
    found = await visit.gateway.reads.webhooks(visit.shop, Window(limit=subscriptions.MOST))
    return visit.page(
        "webhooks.html",
        shop=await visit.shop_facts(),
        now=visit.now,
        hooks=found.items,
        full=len(found.items) >= subscriptions.MOST,
        kinds=KINDS,
    )


async def create(visit: Visit) -> HTTPResponse:
    """The new webhook's page, with its secret: the only time it is shown."""
    url, types = visit.form("url", 500), visit.form_all("type")
    if visit.gateway.guard.url_problem(url) is not None:
        return visit.go("/webhooks", "bad-url")
    if any(name not in TYPES for name in types):
        return visit.go("/webhooks", "bad-value")
    wanted = NewSubscription(url, types, visit.form("description", 200), visit.form("phones", 1) != "1")
    try:
        made = await visit.console.ledger.write(
            lambda connection: subscriptions.subscribe(connection, visit.shop, wanted, instant(visit.now))
        )
    except TooMany:
        return visit.go("/webhooks", "too-many-hooks")
    await visit.note("webhook.created", made["id"])
    return await _shown(visit, made, _secret(visit, made))


async def one(visit: Visit) -> HTTPResponse:
    return await _shown(visit, await _found(visit))


async def state(visit: Visit) -> HTTPResponse:
    """Disable it, or enable it again: from where it stopped, or from now."""
    hook, wanted = await _found(visit), visit.form("state", 10)
    if wanted not in ("disabled", "place", "now"):
        return _back(visit, "bad-value")
    await visit.console.ledger.write(
        lambda connection: subscriptions.change(
            connection,
            visit.shop,
            hook["id"],
            instant(visit.now),
            enabled=wanted != "disabled",
            from_now=wanted == "now",
        )
    )
    await visit.note("webhook.stopped" if wanted == "disabled" else "webhook.resumed", hook["id"])
    return _back(visit, "saved")


async def rotate(visit: Visit) -> HTTPResponse:
    made = await visit.console.ledger.write(
        lambda connection: subscriptions.rotate(
            connection, visit.shop, visit.parameters["webhook_id"], instant(visit.now)
        )
    )
    if made is None:
        raise Problem("not-found")
    await visit.note("webhook.rotated", made["id"])
    return await _shown(visit, made, _secret(visit, made))


async def resend(visit: Visit) -> HTTPResponse:
    """One event again, under the same id; a receiver that keeps ids drops it."""
    hook, event = await _found(visit), visit.form("event", 200)
    async with visit.console.ledger.writing() as connection:
        number = await subscriptions.event_number(connection, visit.shop, event)
        if number is None:
            raise Problem("not-found")
        try:
            await subscriptions.replay(
                connection, visit.shop, hook["id"], number - 1, number, instant(visit.now)
            )
        except TooMany:
            return _back(visit, "too-many-resends")
    await visit.note("webhook.resent", hook["id"], event=event)
    return _back(visit, "resent" if hook["status"] == "enabled" else "resent-later")


async def remove(visit: Visit) -> HTTPResponse:
    webhook_id = visit.parameters["webhook_id"]
    if not await visit.console.ledger.write(
        lambda connection: subscriptions.remove(connection, visit.shop, webhook_id)
    ):
        raise Problem("not-found")
    await visit.note("webhook.removed", webhook_id)
    return visit.go("/webhooks", "removed")


async def _found(visit: Visit) -> dict[str, Any]:
    async with visit.console.ledger.reading() as connection:
        row = await subscriptions.get(connection, visit.shop, visit.parameters["webhook_id"])
    if row is None:
        raise Problem("not-found")
    return subscriptions.show(row)


async def _shown(visit: Visit, hook: dict[str, Any], secret: str = "") -> HTTPResponse:
    cursor = visit.query("suite", 300) or None
    log = await visit.gateway.reads.deliveries(visit.shop, hook["id"], Window(DELIVERIES, cursor))
    return visit.page(
        "webhook.html",
        shop=await visit.shop_facts(),
        now=visit.now,
        hook=hook,
        secret=secret,
        log=log.items,
        more=log.next_cursor,
        moment=datetime.fromisoformat,
    )


def _secret(visit: Visit, hook: dict[str, Any]) -> str:
    """Derived, and stored nowhere."""
    return signing.shown(signing.secret_of(visit.gateway.secret, hook["id"], hook["secret_version"]))


def _back(visit: Visit, said: str) -> HTTPResponse:
    return visit.go(f"/webhooks/{visit.parameters['webhook_id']}", said)


_AT = "/webhooks/<webhook_id:str>"
PAGES = (
    Page("GET", "/webhooks", Right.SETTINGS, page),
    Page("POST", "/webhooks", Right.SETTINGS, create),
    Page("GET", _AT, Right.SETTINGS, one),
    Page("POST", f"{_AT}/state", Right.SETTINGS, state),
    Page("POST", f"{_AT}/rotate", Right.SETTINGS, rotate),
    Page("POST", f"{_AT}/resend", Right.SETTINGS, resend),
    Page("POST", f"{_AT}/remove", Right.SETTINGS, remove),
)
