"""Webhooks: where events are sent, what became of each attempt, and sending again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.core.masking import sees_phones
from bot.hooks import signing
from bot.ledger import subscriptions
from bot.ledger.subscriptions import NewSubscription, TooMany
from bot.ledger.times import utc_now
from bot.web.api import hook_models as models
from bot.web.api.event_kinds import TYPES
from bot.web.api.operations import Call, Effect, Operation, Result, invalid, listing, one
from bot.web.problems import Problem


def _secret(call: Call, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Derived anew, so that it is stored nowhere, also not with an answer kept for a repeat."""
    if "id" not in body:
        return {}
    secret = signing.secret_of(call.gateway.secret, body["id"], body["secret_version"])
    return {"secret": signing.shown(secret)}


def _good_url(call: Call, url: str) -> str:
    problem = call.gateway.guard.url_problem(url)
    if problem is not None:
        raise invalid("url", "not_allowed", problem)
    return url


def _good_types(types: list[str]) -> list[str]:
    for number, name in enumerate(types):
        if name not in TYPES:
            raise invalid(f"types.{number}", "unknown_type", f"known are {', '.join(TYPES)}")
    return list(dict.fromkeys(types))


def _too_many() -> Problem:
    return Problem("wrong-state", f"A shop has at most {subscriptions.MOST} webhooks. Delete one first.")


async def create(call: Call) -> Result:
    body = call.body(models.NewWebhook)
    wanted = NewSubscription(
        url=_good_url(call, body.url),
        types=_good_types(body.types),
        description=body.description,
        masked=not sees_phones(call.key.scopes),
    )
    try:
        made = await subscriptions.subscribe(call.transaction, call.shop, wanted, utc_now())
    except TooMany:
        raise _too_many() from None
    return Result(made, 201)


async def list_(call: Call) -> Result:
    return listing(await call.gateway.reads.webhooks(call.shop, call.window()))


async def get(call: Call) -> Result:
    async with call.gateway.ledger.reading() as connection:
        row = await subscriptions.get(connection, call.shop, call.parameters["webhook_id"])
    return one(None if row is None else subscriptions.show(row))


async def change(call: Call) -> Result:
    body, now = call.body(models.WebhookPatch), utc_now()
    url = None if body.url is None else _good_url(call, body.url)
    types = None if body.types is None else _good_types(body.types)
    return one(
        await call.gateway.ledger.write(
            lambda connection: subscriptions.change(
                connection,
                call.shop,
                call.parameters["webhook_id"],
                now,
                url=url,
                types=types,
                description=body.description,
                enabled=None if body.status is None else body.status == "enabled",
                from_now=body.resume == "now",
            )
        )
    )


async def delete(call: Call) -> Result:
    gone = await call.gateway.ledger.write(
        lambda connection: subscriptions.remove(connection, call.shop, call.parameters["webhook_id"])
    )
    if not gone:
        raise Problem("not-found")
    return Result(None, 204)


async def rotate(call: Call) -> Result:
    return one(
        await subscriptions.rotate(call.transaction, call.shop, call.parameters["webhook_id"], utc_now())
    )


async def deliveries(call: Call) -> Result:
    window = call.window()
    await get(call)
    return listing(await call.gateway.reads.deliveries(call.shop, call.parameters["webhook_id"], window))


async def replay(call: Call) -> Result:
    body = call.body(models.NewReplay)
    if body.until <= body.after:
        raise invalid("until", "out_of_range", "must be greater than after")
    return await _again(call, body.after, body.until)


async def redeliver(call: Call) -> Result:
    number = await subscriptions.event_number(call.transaction, call.shop, call.parameters["event_id"])
    if number is None:
        raise Problem("not-found")
    return await _again(call, number - 1, number)


async def _again(call: Call, after: int, until: int) -> Result:
    try:
        made = await subscriptions.replay(
            call.transaction, call.shop, call.parameters["webhook_id"], after, until, utc_now()
        )
    except TooMany:
        said = f"At most {subscriptions.MOST_REPLAYS} stretches wait to be sent again."
        raise Problem("wrong-state", said) from None
    if made is None:
        raise Problem("not-found")
    return Result(made, 202)


_EXAMPLE = {
    "url": "https://example.com/relais",
    "types": ["order.placed", "order.updated"],
    "description": "compta",
}

OPERATIONS = (
    Operation(
        "GET", "/webhooks", "webhooks:read", "List webhooks, newest first", list_, models.Webhook, many=True
    ),
    Operation(
        "POST",
        "/webhooks",
        "webhooks:write",
        "Subscribe to events",
        create,
        models.WebhookWithSecret,
        body=models.NewWebhook,
        example=_EXAMPLE,
        success=201,
        statuses=(409,),
        effect=Effect.INSIDE,
        unsealed=_secret,
        description="Events from now on are sent there, signed as Standard Webhooks, in order, each at least once. The "
        "next is sent when one was answered 2xx within 15 s; else the same one comes again for 3 days. The secret "
        "is shown here only.",
    ),
    Operation("GET", "/webhooks/{webhook_id}", "webhooks:read", "Get a webhook", get, models.Webhook),
    Operation(
        "PATCH",
        "/webhooks/{webhook_id}",
        "webhooks:write",
        "Change, disable or enable a webhook",
        change,
        models.Webhook,
        body=models.WebhookPatch,
        example={"status": "enabled", "resume": "place"},
    ),
    Operation(
        "DELETE",
        "/webhooks/{webhook_id}",
        "webhooks:write",
        "Delete a webhook with its log",
        delete,
        None,
        success=204,
    ),
    Operation(
        "POST",
        "/webhooks/{webhook_id}/rotate",
        "webhooks:write",
        "Make a new secret; the old one signs beside it for 24 h",
        rotate,
        models.WebhookWithSecret,
        effect=Effect.INSIDE,
        unsealed=_secret,
    ),
    Operation(
        "GET",
        "/webhooks/{webhook_id}/deliveries",
        "webhooks:read",
        "List attempts, newest first; kept for 30 days",
        deliveries,
        models.Delivery,
        many=True,
    ),
    Operation(
        "POST",
        "/webhooks/{webhook_id}/replay",
        "webhooks:write",
        "Send a stretch of the feed again, in order",
        replay,
        models.Replay,
        body=models.NewReplay,
        example={"after": 4700, "until": 4711},
        success=202,
        statuses=(409,),
        effect=Effect.INSIDE,
    ),
    Operation(
        "POST",
        "/webhooks/{webhook_id}/events/{event_id}/redeliver",
        "webhooks:write",
        "Send one event again, under the same webhook-id",
        redeliver,
        models.Replay,
        success=202,
        statuses=(409,),
        effect=Effect.INSIDE,
    ),
)
