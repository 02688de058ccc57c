"""Callbacks of payment providers, and the page to which their own page leads afterwards.

A callback is written down in the ledger before it gets its 200; what is authentic and does not fit is kept raw and shown.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from sanic import Blueprint, HTTPResponse, Request

from bot import payments
from bot.channels.webhooks import Forbidden, Ignored, Malformed, WebhookRequest
from bot.core.addresses import ShopId
from bot.core.payments import PROVIDERS, Session, Settled
from bot.metrics import Metrics
from bot.payments import PaymentAccount
from bot.ports import Settling, Unavailable
from bot.web.chat import pages
from bot.web.gateway import Gateway, in_time
from bot.web.webhooks import body_of, headers_of, path_of

log = logging.getLogger("relais.web.payments")

_PLAIN = "text/plain; charset=utf-8"
_KEPT = frozenset({Settled.UNKNOWN, Settled.MISMATCH})


@dataclass(frozen=True, slots=True)
class PaymentDoors:
    """Shops' payment accounts by method, and where their word is written down."""

    accounts: Mapping[ShopId, Mapping[str, PaymentAccount]]
    settling: Settling


def routes(gateway: Gateway, metrics: Metrics) -> Blueprint:
    """``POST /webhooks/payments/<provider>/<shop>`` and ``GET /pay/<shop>/<outcome>``."""
    hooks = Blueprint("payments")

    async def take(request: Request, provider: str, shop: str) -> HTTPResponse:
        return await _take(gateway, metrics, provider, shop, request)

    async def back(request: Request, shop: str, outcome: str) -> HTTPResponse:
        return await _back(gateway, shop, outcome)

    hooks.add_route(
        take, "/webhooks/payments/<provider:str>/<shop:str>", methods=["POST"], name="callback", stream=True
    )
    hooks.add_route(back, "/pay/<shop:str>/<outcome:str>", methods=["GET"], name="back")
    return hooks


async def _take(
    gateway: Gateway, metrics: Metrics, provider: str, shop: str, request: Request
) -> HTTPResponse:
    hook = f"payments-{provider}" if provider in PROVIDERS else "payments"

    def refuse(status: int, reason: str, headers: dict[str, str] | None = None, detail: str = "") -> HTTPResponse:
        metrics.refused.labels(hook, reason).inc()
        log.warning("payment.refused", extra={"hook": hook, "reason": reason, "detail": detail})
        return HTTPResponse(f"{reason}\n", status=status, headers=headers, content_type=_PLAIN)

    doors = gateway.payments
    account = doors.accounts.get(ShopId(shop), {}).get(provider) if doors is not None else None
    if doors is None or account is None:
        return refuse(404, "no_such_account")
    body = await body_of(request)
    if body is None:
        return refuse(413, "too_large", {"Connection": "close"})
    arrived = WebhookRequest(path_of(request), headers_of(request), body, ShopId(shop), gateway.clock.now())
    surprise: str | None = None
    try:
        match payments.read(account, arrived):
            case Forbidden(reason):
                return refuse(403, "forbidden", detail=reason)
            case Malformed(reason):
                return refuse(400, "malformed", detail=reason)
            case Ignored(kind):
                surprise = kind
            case Session() as session:
                settled = await in_time(doors.settling.settle(shop, provider, session))
                log.info("payment.told", extra={"hook": hook, "shop": shop, "settled": settled.value})
                if settled is Settled.REPEATED:
                    metrics.repeats.labels(hook).inc()
                surprise = f"payment {settled.value}" if settled in _KEPT else None
        if surprise is not None:
            metrics.surprises.labels(hook).inc()
            if gateway.keep_raw is not None:
                await in_time(gateway.keep_raw(shop, hook, surprise, body))
    except Unavailable:
        return refuse(503, "not_durable", {"Retry-After": "1"})
    metrics.accepted.labels(hook).inc()
    return HTTPResponse(b"", status=200, content_type=_PLAIN)


_BACK: Mapping[str, tuple[str, str]] = {
    "merci": (
        "Merci",
        "Dès que le paiement nous est confirmé, vous recevez un message dans votre conversation. Vous pouvez y retourner.",
    ),
    "echec": (
        "Paiement interrompu",
        "Rien n'est payé, votre commande reste enregistrée. Écrivez « je veux payer » dans votre conversation.",
    ),
}


async def _back(gateway: Gateway, shop: str, outcome: str) -> HTTPResponse:
    """What stands here changes and proves nothing: anybody can open it."""
    if outcome not in _BACK or not gateway.doors.has(shop):
        return pages.not_found()
    return pages.notice(200, *_BACK[outcome])


