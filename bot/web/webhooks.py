"""Webhooks in: who is it for, is it authentic, is it durable; then 200. Nothing is understood or answered here.

This is the hot path (1,000 a second): no ledger, no pydantic, one round trip to the store.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from time import perf_counter

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import PayloadTooLarge

from bot.channels.webhooks import Forbidden, Ignored, Malformed, Parsed, WebhookRequest
from bot.core.addresses import ShopId
from bot.core.messages import Item
from bot.metrics import Metrics
from bot.ports import Unavailable
from bot.web.doors import Hook
from bot.web.gateway import Gateway, in_time

MAX_BODY = 256 * 1024
"""Bytes. Also the server's own limit: it stops reading there."""
ACKNOWLEDGE_AT_ONCE = 32
"""Telegram callback acknowledgements in flight; more are left out, the tap's spinner then ends by itself."""

log = logging.getLogger("relais.web.webhooks")

_PLAIN = "text/plain; charset=utf-8"


def routes(gateway: Gateway, metrics: Metrics) -> Blueprint:
    """The four webhook addresses."""
    hooks = Blueprint("webhooks", url_prefix="/webhooks")
    acknowledging: set[asyncio.Task[None]] = set()

    def add(hook: Hook) -> None:
        seconds, accepted = metrics.seconds.labels(hook.value), metrics.accepted.labels(hook.value)

        # stream=True: the shop is checked before a body is read, and a large one is not read to its end.
        async def handle(request: Request, shop: str) -> HTTPResponse:
            began = perf_counter()
            answer = await _take(gateway, metrics, hook, shop, request, acknowledging)
            seconds.observe(perf_counter() - began)
            if answer.status == 200:
                accepted.inc()
            return answer

        hooks.add_route(
            handle, f"/{hook.value}/<shop:str>", methods=["POST"], name=hook.name.lower(), stream=True
        )

    for hook in Hook:
        add(hook)
    return hooks


async def _take(
    gateway: Gateway,
    metrics: Metrics,
    hook: Hook,
    shop: str,
    request: Request,
    acknowledging: set[asyncio.Task[None]],
) -> HTTPResponse:
    def refuse(
        status: int, reason: str, headers: dict[str, str] | None = None, detail: str = ""
    ) -> HTTPResponse:
        metrics.refused.labels(hook.value, reason).inc()
        log.warning(
            "webhook.refused", extra={"hook": hook.value, "shop": shop, "reason": reason, "detail": detail}
        )
        return HTTPResponse(f"{reason}\n", status=status, headers=headers, content_type=_PLAIN)

    if not gateway.doors.has(shop):
        # Not the name: a stranger's words do not belong into the log.
        metrics.refused.labels(hook.value, "unknown_shop").inc()
        return HTTPResponse("unknown_shop\n", status=404, content_type=_PLAIN)
    body = await body_of(request)
    if body is None:
        return refuse(413, "too_large", {"Connection": "close"})
    arrived = WebhookRequest(path_of(request), headers_of(request), body, ShopId(shop), gateway.clock.now())
    items: tuple[Item, ...] = ()
    callback_id: str | None = None
    kept: Awaitable[None] | None = None
    match gateway.doors.read(hook, arrived):
        case None:
            return refuse(404, "no_such_channel")
        case Forbidden(reason):
            return refuse(403, "forbidden", detail=reason)
        case Malformed(reason):
            return refuse(400, "malformed", detail=reason)
        case Ignored(kind):
            metrics.surprises.labels(hook.value).inc()
            log.info("webhook.surprise", extra={"hook": hook.value, "shop": shop, "kind": kind})
            if gateway.keep_raw is not None:
                kept = gateway.keep_raw(shop, hook.value, kind, body)
        case Parsed(items, callback_id):
            pass
    try:
        if kept is not None:
            await in_time(kept)
        for item in items:
            put = await gateway.receive(shop, item)
            if put is not None and not put.fresh:
                metrics.repeats.labels(hook.value).inc()
    except Unavailable:
        return refuse(503, "not_durable", {"Retry-After": "1"})
    if callback_id is not None:
        _acknowledge(gateway, shop, callback_id, acknowledging)
    if hook is Hook.TELEGRAM:
        return HTTPResponse(b"", status=200, content_type=_PLAIN)
    # Twilio would send the words of a text/plain answer to the shopper.
    return HTTPResponse(b"<Response/>", status=200, content_type="text/xml")


async def body_of(request: Request) -> bytes | None:
    """The whole body of a handler with ``stream=True``; None past ``MAX_BODY``."""
    # Sanic lifts the limit for streaming handlers; reading stops at the first byte beyond it.
    assert request.stream is not None
    request.stream.request_max_size = MAX_BODY
    try:
        await request.receive_body()  # type: ignore[no-untyped-call]
    except PayloadTooLarge:
        return None
    return request.body or b""


def path_of(request: Request) -> str:
    """Path and query exactly as they were sent: the signature covers these bytes."""
    return request.raw_url.decode("ascii", "replace")


def headers_of(request: Request) -> dict[str, str]:
    """By lower-case name. Nothing a provider signs with is outside ASCII; such values would only break comparisons."""
    return {name: value if value.isascii() else "" for name, value in request.headers.items()}


def _acknowledge(gateway: Gateway, shop: str, callback_id: str, running: set[asyncio.Task[None]]) -> None:
    """Take the waiting sign off the tapped button, in the background."""
    if gateway.acknowledge is None or len(running) >= ACKNOWLEDGE_AT_ONCE:
        return
    task = asyncio.create_task(_quietly(gateway.acknowledge(shop, callback_id)))
    running.add(task)
    task.add_done_callback(lambda done: _acknowledged(done, running))


async def _quietly(work: Awaitable[object]) -> None:
    await work


def _acknowledged(done: asyncio.Task[None], running: set[asyncio.Task[None]]) -> None:
    running.discard(done)
    if not done.cancelled() and done.exception() is not None:
        log.warning("webhook.not_acknowledged", extra={"error": type(done.exception()).__name__})
