"""A stand-in for Wave's checkout API and for the page on pay.wave.com (https://docs.wave.com/checkout).

The forms are those of the published documentation as far as it could be read; how often a webhook is repeated, and the
words of errors, are not published.
"""

from __future__ import annotations

import asyncio
import hmac
import json as jsonlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import html, json, redirect

from bot.simulator.accounts import WaveBusiness
from bot.simulator.faults import Faults
from bot.simulator.journeys import Tasks
from bot.simulator.phones import World
from bot.simulator.webhooks import WebhookSender

LIFETIME = 30 * 60
"""Seconds a session stays open."""
_STYLE = (
    "body{font:16px/1.5 sans-serif;text-align:center;padding:2em 1em;background:#1dc8ff;color:#06283d}"
    "main{background:#fff;border-radius:16px;padding:1.5em;max-width:22em;margin:auto}"
    "button{font:inherit;display:block;width:100%;padding:.8em;margin:.6em 0;border:0;border-radius:10px;cursor:pointer}"
    ".pay{background:#1463ff;color:#fff;font-weight:bold}"
)


@dataclass(slots=True)
class Checkout:
    """One session."""

    id: str
    business: WaveBusiness
    amount: str
    reference: str | None
    success_url: str
    error_url: str
    created: float
    status: str = "open"
    payment: str = "processing"
    completed: float | None = None
    error: dict[str, str] | None = None


class WaveApi:
    """Serves the Wave accounts of all shops; the key says whose."""

    def __init__(
        self, world: World, faults: Faults, sender: WebhookSender, tasks: Tasks, public_url: str, own_url: str
    ) -> None:
        self.world, self.faults, self.sender, self.tasks = world, faults, sender, tasks
        self.public_url, self.own_url = public_url, own_url
        self.sessions: dict[str, Checkout] = {}
        self._by_key: dict[tuple[str, str], tuple[str, str]] = {}
        """(shop, idempotency key) -> (body, session id)"""

    def blueprint(self) -> Blueprint:
        """The routes."""
        routes = Blueprint("wave")
        routes.add_route(self.create, "/v1/checkout/sessions", methods=["POST"], name="create")
        routes.add_route(self.fetch, "/v1/checkout/sessions/<id_:str>", methods=["GET"], name="fetch")
        routes.add_route(self.page, "/wave/c/<id_:str>", methods=["GET"], name="page")
        routes.add_route(self.act, "/wave/c/<id_:str>", methods=["POST"], name="act")
        return routes

    async def _refused(self, request: Request) -> HTTPResponse | WaveBusiness:
        """Whose key it is, unless the API is out of order."""
        _, _, key = request.headers.get("authorization", "").partition(" ")
        shops = [shop.wave for shop in self.world.shops.values() if shop.wave is not None]
        business = next((one for one in shops if hmac.compare_digest(one.api_key.encode(), key.encode())), None)
        if business is None:
            return _error(401, "invalid-auth", "the API key is not known")
        if (slow := self.faults.struck("wave", "slow", business.shop_id)) is not None:
            await asyncio.sleep(float(slow["seconds"]))
        if self.faults.struck("wave", "down", business.shop_id) is not None:
            return _error(503, "service-unavailable", "try again later")
        return business

    async def create(self, request: Request) -> HTTPResponse:
        """`POST /v1/checkout/sessions`."""
        business = await self._refused(request)
        if isinstance(business, HTTPResponse):
            return business
        body: Any = request.load_json() if request.body else None
        problem = _problem(body)
        if problem is not None:
            return _error(422, "request-validation-error", problem)
        key = (business.shop_id, request.headers.get("idempotency-key", ""))
        same = jsonlib.dumps(body, sort_keys=True)
        if key[1] and key in self._by_key:
            before, id_ = self._by_key[key]
            if before != same:
                return _error(409, "idempotency-mismatch", "the key was used with another body")
            return json(self._shown(self.sessions[id_]))
        found = Checkout(
            id=f"cos-{self.world.ids.opaque(16).lower()}",
            business=business,
            amount=body["amount"],
            reference=body.get("client_reference"),
            success_url=body["success_url"],
            error_url=body["error_url"],
            created=self.world.clock.now(),
        )
        self.sessions[found.id] = found
        self._by_key[key] = (same, found.id)
        return json(self._shown(found))

    async def fetch(self, request: Request, id_: str) -> HTTPResponse:
        """`GET /v1/checkout/sessions/<id>`."""
        business = await self._refused(request)
        if isinstance(business, HTTPResponse):
            return business
        found = self._alive(id_)
        if found is None or found.business != business:
            return _error(404, "checkout-session-not-found", "no such session")
        return json(self._shown(found))

    async def page(self, _: Request, id_: str) -> HTTPResponse:
        """What the shopper's phone shows."""
        found = self._alive(id_)
        if found is None:
            return html(_page("Lien inconnu", "<p>Ce lien de paiement n'existe pas.</p>"), status=404)
        if found.status != "open":
            words = "Ce paiement est fait." if found.status == "complete" else "Ce lien a expiré."
            return html(_page("Wave", f"<p>{words}</p>"))
        form = (
            f"<p>{escape(found.business.name)} vous demande</p><h1>{int(found.amount):,} F</h1>".replace(",", " ")
            + '<form method="post"><button class="pay" name="act" value="pay">Payer</button>'
            '<button name="act" value="refuse">Refuser</button></form><p><small>Simulateur : aucun argent ne part.</small></p>'
        )
        return html(_page("Payer avec Wave", form))

    async def act(self, request: Request, id_: str) -> HTTPResponse:
        """A thumb on one of the two buttons; pressed again it changes nothing."""
        found = self._alive(id_)
        if found is None:
            return html(_page("Lien inconnu", ""), status=404)
        pays = request.form.get("act") == "pay" if request.form else False
        if found.status == "open":
            if pays:
                found.status, found.payment, found.completed = "complete", "succeeded", self.world.clock.now()
                found.error = None
                self._tell(found, "checkout.session.completed")
            else:
                found.payment = "cancelled"
                found.error = {"code": "payer-cancelled", "message": "the payer declined"}
                self._tell(found, "checkout.session.payment_failed")
        target = found.success_url if found.status == "complete" else found.error_url
        return redirect(target.removeprefix(self.public_url), status=303)

    def _alive(self, id_: str) -> Checkout | None:
        found = self.sessions.get(id_)
        if found is not None and found.status == "open" and self.world.clock.now() > found.created + LIFETIME:
            found.status, found.payment = "expired", "cancelled"
        return found

    def _tell(self, found: Checkout, kind: str) -> None:
        shop = found.business.shop_id
        if self.faults.struck("wave", "lost_callbacks", shop) is not None:
            return
        data = self._shown(found)
        if (wrong := self.faults.struck("wave", "wrong_amount", shop)) is not None:
            data["amount"] = str(wrong["amount"])
        body = jsonlib.dumps({"id": f"EV_{self.world.ids.opaque(12)}", "type": kind, "data": data}).encode()
        url = f"{self.public_url}/webhooks/payments/wave/{shop}"
        times = 3 if self.faults.struck("wave", "thrice", shop) is not None else 1
        for _ in range(times):
            self.tasks.start(self._send(url, found.business.webhook_secret, body))

    async def _send(self, url: str, secret: str, body: bytes) -> None:
        await self.sender.wave(url, secret, body)

    def _shown(self, found: Checkout) -> dict[str, Any]:
        return {
            "id": found.id,
            "amount": found.amount,
            "business_name": found.business.name,
            "checkout_status": found.status,
            "client_reference": found.reference,
            "currency": "XOF",
            "error_url": found.error_url,
            "last_payment_error": found.error,
            "payment_status": found.payment,
            "success_url": found.success_url,
            "transaction_id": f"T_{found.id[4:].upper()}" if found.completed else None,
            "wave_launch_url": f"{self.own_url}/wave/c/{found.id}",
            "when_completed": _time(found.completed),
            "when_created": _time(found.created),
            "when_expires": _time(found.created + LIFETIME),
        }


def _problem(body: Any) -> str | None:
    if not isinstance(body, dict):
        return "a JSON object is needed"
    if not re.fullmatch(r"[1-9][0-9]{0,9}", str(body.get("amount", ""))) or not isinstance(body["amount"], str):
        return "amount: a string of whole francs"
    if body.get("currency") != "XOF":
        return "currency: XOF"
    for name in ("success_url", "error_url"):
        # The real one takes https only; a demo on this machine has none.
        if not re.match(r"https?://", str(body.get(name, ""))):
            return f"{name}: an address"
    return None


def _error(status: int, code: str, message: str) -> HTTPResponse:
    return json({"code": code, "message": message}, status=status)


def _page(title: str, inside: str) -> str:
    return (
        f"<!doctype html><html lang=fr><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{title}</title><style>{_STYLE}</style><body><main>{inside}</main></body></html>"
    )


def _time(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
