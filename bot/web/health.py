"""Is it alive, is it ready, how busy: ``/healthz``, ``/readyz``, ``/metrics``."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from sanic import Blueprint, HTTPResponse, Request

from bot.metrics import Metrics
from bot.ports import Unavailable
from bot.web.encoding import json_answer, rfc3339
from bot.web.gateway import Gateway

FACTS_SECONDS = 2.0

log = logging.getLogger("relais.web.health")


def routes(gateway: Gateway, metrics: Metrics) -> Blueprint:
    """Health addresses; no key is needed and nothing of a shop is shown."""
    health = Blueprint("health")

    # The same for as long as this process lives: whoever looks again sees that it was started anew.
    life = {"status": "ok", "started_at": rfc3339(gateway.clock.now())}

    async def healthz(request: Request) -> HTTPResponse:
        return json_answer(life)

    async def readyz(request: Request) -> HTTPResponse:
        """200 once the model answers and the store can be written; 503 before."""
        model, facts = await asyncio.gather(_model(gateway), _facts(gateway))
        ready = model and facts.get("redis", "ok") == "ok" and facts.get("ledger", "ok") == "ok"
        body = {"ready": ready, **facts, "model": "ready" if model else "not_ready"}
        return json_answer(body, 200 if ready else 503, None if ready else {"Retry-After": "2"})

    async def numbers(request: Request) -> HTTPResponse:
        body = metrics.text() if gateway.numbers is None else await gateway.numbers()
        return HTTPResponse(body, headers={"Content-Type": metrics.content_type})

    health.add_route(healthz, "/healthz", methods=["GET", "HEAD"])
    health.add_route(readyz, "/readyz", methods=["GET", "HEAD"])
    health.add_route(numbers, "/metrics", methods=["GET"], name="metrics")
    return health


async def _model(gateway: Gateway) -> bool:
    try:
        async with asyncio.timeout(FACTS_SECONDS):
            return await gateway.dialogue_ready()
    except (Unavailable, TimeoutError, OSError) as error:
        log.info("readyz.model", extra={"error": type(error).__name__})
        return False


async def _facts(gateway: Gateway) -> dict[str, Any]:
    try:
        async with asyncio.timeout(FACTS_SECONDS):
            return dict(await gateway.facts())
    except (Unavailable, TimeoutError, OSError) as error:
        # A fact that cannot be had must not hide that the server is alive.
        log.info("readyz.facts", extra={"error": type(error).__name__})
        return {"redis": "unknown", "durability": "unknown", "ledger": "unknown"}
