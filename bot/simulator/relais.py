"""What Relais itself says, for the page's panel, and the shops' light web page as a phone's browser sees it.

Uses only what an integrator has: the public REST API with a key. The keys file may appear later.
"""

from __future__ import annotations

import asyncio
import json as jsonlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from sanic import Blueprint, Request
from sanic.response import HTTPResponse, html, json
from yarl import URL

from bot.simulator.faults import Faults
from bot.simulator.phones import Person, World
from bot.simulator.webhooks import WebhookSender

TIMEOUT = aiohttp.ClientTimeout(total=5)
#: Headers that belong to one hop, or that would stop the page from standing in a frame of ours.
_DROPPED = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding",
            "x-frame-options", "content-security-policy", "cross-origin-opener-policy",
            "cross-origin-resource-policy", "cross-origin-embedder-policy", "server", "date"}
_OFFLINE = (
    "<!doctype html><html lang=fr><meta charset=utf-8><title>Pas de connexion</title>"
    "<body style='font-family:sans-serif;text-align:center;padding:3em 1em;color:#555'>"
    "<h2>Pas de connexion Internet</h2><p>Vérifiez vos données mobiles, puis réessayez.</p></body></html>"
)


class Relais:
    """Reads the gateway for the page."""

    def __init__(
        self, world: World, faults: Faults, sender: WebhookSender, public_url: str, keys_file: Path | None
    ) -> None:
        self.world = world
        self.faults = faults
        self.sender = sender
        self.public_url = public_url
        self.keys_file = keys_file

    def blueprint(self) -> Blueprint:
        """Return the routes; `/c`, `/s` and what they load are the gateway's own, seen through a phone."""
        routes = Blueprint("relais")
        routes.add_route(self.report, "/sim/relais", name="report")
        for prefix in ("c", "s", "static", "p", "pay"):
            routes.add_route(self.browse, f"/{prefix}/<rest:path>", methods=["GET", "POST"],
                             name=f"browse_{prefix}")
        return routes

    async def report(self, request: Request) -> HTTPResponse:
        """`GET /sim/relais?shop=&person=`: channels, conversation, basket, orders; never an error page."""
        shop = str(request.args.get("shop") or "")
        person = self.world.people.get(str(request.args.get("person") or ""))
        report: dict[str, Any] = {"reachable": False, "key": False, "ready": None, "channels": [],
                                  "conversation": None, "orders": []}
        ready, channels = await asyncio.gather(
            self._get("/readyz", None), self._get("/api/v1/channels", self._key(shop))
        )
        report["reachable"] = ready[0] is not None
        report["ready"] = ready[0] == 200
        report["key"] = self._key(shop) is not None
        if channels[0] == 200 and isinstance(channels[1], dict):
            report["channels"] = channels[1].get("items", [])
        if person is not None and report["key"]:
            conversation = await self._conversation(person, shop)
            report["conversation"] = conversation
            if conversation is not None:
                report["orders"] = await self._orders(shop, str(conversation.get("id")))
                report["trail"] = await self._trail(shop, str(conversation.get("id")))
        return json(report, headers={"Cache-Control": "no-store"})

    async def _conversation(self, person: Person, shop: str) -> dict[str, Any] | None:
        """Find the person's conversation by any of their addresses, the latest one when there are several."""
        addresses = [person.whatsapp, f"tel:{person.number}", f"telegram:{person.telegram_id}"]
        answers = await asyncio.gather(*(
            self._get(f"/api/v1/conversations?address={quote(address, safe='')}", self._key(shop))
            for address in addresses
        ))
        found = [item for status, body in answers if status == 200 and isinstance(body, dict)
                 for item in body.get("items", [])]
        return max(found, key=lambda item: str(item.get("last_message_at") or ""), default=None)

    async def _orders(self, shop: str, conversation_id: str) -> list[Any]:
        status, body = await self._get("/api/v1/orders?limit=50", self._key(shop))
        items = body.get("items", []) if status == 200 and isinstance(body, dict) else []
        return [order for order in items if order.get("conversation_id") == conversation_id][:5]

    async def _trail(self, shop: str, conversation_id: str) -> list[Any]:
        """Return the last messages as Relais records them (the list is oldest first, so walk to its end)."""
        cursor, items = "", list[Any]()
        for _ in range(20):
            status, body = await self._get(
                f"/api/v1/conversations/{conversation_id}/messages?limit=100{cursor}", self._key(shop))
            if status != 200 or not isinstance(body, dict):
                break
            items = (items + body.get("items", []))[-12:]
            if not body.get("next_cursor"):
                break
            cursor = f"&cursor={quote(str(body['next_cursor']), safe='')}"
        return items

    def _key(self, shop: str) -> str | None:
        if self.keys_file is None or not self.keys_file.is_file():
            return None
        try:
            keys = jsonlib.loads(self.keys_file.read_text(encoding="utf-8"))
        except ValueError:
            # Being written this moment; the page asks again in two seconds.
            return None
        return str(keys[shop]) if isinstance(keys, dict) and shop in keys else None

    async def _get(self, path: str, key: str | None) -> tuple[int | None, Any]:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            async with self.sender.session.get(
                URL(self.public_url + path, encoded=True), headers=headers, timeout=TIMEOUT
            ) as answer:
                text = await answer.text()
                return answer.status, jsonlib.loads(text) if text[:1] in "{[" and text else None
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None, None

    # --- the light web page -----------------------------------------------------------------------

    async def browse(self, request: Request, rest: str) -> HTTPResponse | None:
        """Pass a phone's page request on to the gateway, unless the phone has no connection."""
        # The phones page notes in a cookie of its own whose phone looks; the gateway does not get to see it.
        if self._offline(str(request.cookies.get("phone") or "")):
            return html(_OFFLINE, status=503)
        url = self.public_url + request.raw_url.decode("ascii", "replace")
        headers = {"Accept": request.headers.get("accept", "*/*"), "Accept-Language": "fr",
                   "User-Agent": request.headers.get("user-agent", "phone")}
        if request.method == "POST":
            headers |= {"Content-Type": request.headers.get("content-type", ""), "Origin": self.public_url,
                        "Referer": url}
        kept = [part for part in request.headers.get("cookie", "").split("; ") if part[:6] != "phone="]
        if any(kept):
            headers["Cookie"] = "; ".join(kept)
        try:
            async with self.sender.session.request(
                request.method, URL(url, encoded=True), data=request.body or None, headers=headers,
                allow_redirects=False, timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
            ) as answer:
                passed = {name: value.removeprefix(self.public_url) if name.lower() == "location" else value
                          for name, value in answer.headers.items() if name.lower() not in _DROPPED}
                kind = passed.pop("Content-Type", "text/html")
                if answer.content_type != "text/event-stream":
                    body = await answer.read()
                    if answer.content_type == "text/html":
                        # "The whole window" is the phone's screen here, not the page the phones lie on.
                        body = body.replace(b'target="_top"', b'target="phone-web"')
                    return HTTPResponse(body, answer.status, headers=passed, content_type=kind)
                stream = await request.respond(status=answer.status, headers=passed, content_type=kind)
                async for chunk in answer.content.iter_any():
                    await stream.send(chunk)
                return None
        except (aiohttp.ClientError, TimeoutError):
            text = _OFFLINE.replace("Pas de connexion Internet", "La boutique ne répond pas")
            return html(text, status=502)

    def _offline(self, person_id: str) -> bool:
        person = self.world.people.get(person_id)
        return self.faults.is_on("country", "offline", None, person_id or None) or (
            person is not None and person.power != "on")
