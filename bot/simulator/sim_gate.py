"""The API of SMS Gateway for Android: a vendor's SIM as a queue over HTTP (https://docs.sms-gate.app/integration/api/).

Its messages travel with Twilio's SMS on the same phones and under the same ``sms`` switches; only Twilio's own outage
does not touch them, and the country's does.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from collections.abc import Callable, Coroutine
from typing import Any

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import json

from bot.simulator.accounts import Sender
from bot.simulator.faults import Faults
from bot.simulator.journeys import Carrier
from bot.simulator.phones import TwilioMessage, World
from bot.simulator.segments import count_segments
from bot.simulator.sim_events import DEVICE, reason

BASE = "/3rdparty/v1"
ID_LIMIT = 36
STATES = {"queued": "Pending", "sent": "Sent", "delivered": "Delivered", "failed": "Failed", "undelivered": "Failed"}

Handler = Callable[..., Coroutine[Any, Any, HTTPResponse]]


class SimGate:
    """Serves every SIM of the demo; the user name says whose."""

    def __init__(self, world: World, faults: Faults, carrier: Carrier, public_url: str) -> None:
        self.world = world
        self.faults = faults
        self.carrier = carrier
        self.webhooks: dict[str, dict[str, str]] = {
            user: {"sms:delivered": f"{public_url}/webhooks/sms/{sender.shop_id}"}
            for user, sender in world.sims.items()
        }
        """User name -> event -> address."""

    def blueprint(self) -> Blueprint:
        """The routes."""
        routes = Blueprint("sim-gate", url_prefix=BASE)
        table: tuple[tuple[str, str, Handler], ...] = (
            ("POST", "/messages", self.create),
            ("GET", "/messages/<id_:str>", self.fetch),
            ("POST", "/webhooks", self.register),
            ("GET", "/webhooks", self.registered),
        )
        for method, path, handler in table:
            routes.add_route(self._known(handler), path, methods=[method], name=handler.__name__)
        routes.add_route(self.health, "/health", methods=["GET"], name="health")
        return routes

    def _known(self, handler: Handler) -> Handler:
        async def known(request: Request, **path: str) -> HTTPResponse:
            sender = self._sender(request)
            if sender is None:
                return json({"message": "Unauthorized"}, status=401)
            return await handler(request, sender, **path)

        return known

    def _sender(self, request: Request) -> Sender | None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        sender = self.world.sims.get(user) if scheme == "Basic" else None
        good = sender is not None and hmac.compare_digest(sender.auth_token.encode(), password.encode())
        return sender if good else None

    async def health(self, _: Request) -> HTTPResponse:
        """`GET /health`."""
        return json({"status": "pass", "version": "1", "releaseId": 1, "checks": {}})

    async def create(self, request: Request, sender: Sender) -> HTTPResponse:
        """`POST /messages`: 202, and the phone comes for it. The same id twice is 409."""
        body: Any = request.load_json() if request.body else None
        problem = _problem(body)
        if problem is not None:
            return json({"message": problem}, status=400)
        number = body["phoneNumbers"][0]
        id_ = str(body.get("id") or self.world.ids.opaque(21))
        if id_ in self.world.messages:
            return json({"message": "duplicate id"}, status=409)
        person = self.world.person_at(number)
        where = (sender.shop_id, person.id if person is not None else None)
        if self.faults.struck("sms", "reject_now", *where) is not None:
            return json({"message": "internal error"}, status=500)
        if self.faults.struck("sms", "throttle", *where) is not None:
            return json({"message": "too many requests"}, status=429)
        text = body["textMessage"]["text"]
        message = TwilioMessage(
            sid=id_, account_sid=sender.account_sid, shop_id=sender.shop_id, channel="sms",
            direction="outbound-api", sender=sender.address, to=number, body=text, status="queued",
            created=self.world.clock.now(), person_id=person.id if person is not None else None,
            num_segments=count_segments(text), status_callback=self._events_to(sender),
            validity=float(body.get("ttl") or 36_000),
        )
        if (hangs := self.faults.struck("sms", "timeout", *where)) is not None:
            if hangs["deliver"]:
                self.carrier.accept(message)
            await self.world.switches.until(lambda: not self.faults.is_on("sms", "timeout", *where))
            if not hangs["deliver"]:
                return json({"message": "internal error"}, status=500)
            return json(self._state(message), status=202)
        if (slow := self.faults.struck("sms", "slow", *where)) is not None:
            await asyncio.sleep(float(slow["seconds"]))
        self.carrier.accept(message)
        return json(self._state(message), status=202)

    async def fetch(self, _: Request, sender: Sender, id_: str) -> HTTPResponse:
        """`GET /messages/<id>`."""
        message = self.world.messages.get(id_)
        if message is None or message.account_sid != sender.account_sid or message.inbound:
            return json({"message": "not found"}, status=404)
        return json(self._state(message))

    async def register(self, request: Request, sender: Sender) -> HTTPResponse:
        """`POST /webhooks`: one address an event; the same id again replaces it."""
        body: Any = request.load_json() if request.body else None
        if not isinstance(body, dict) or not all(isinstance(body.get(name), str) for name in ("url", "event")):
            return json({"message": "url and event are needed"}, status=400)
        self.webhooks.setdefault(sender.account_sid, {})[body["event"]] = body["url"]
        return json({"id": body.get("id") or self.world.ids.opaque(21), **body}, status=201)

    async def registered(self, _: Request, sender: Sender) -> HTTPResponse:
        """`GET /webhooks`."""
        known = self.webhooks.get(sender.account_sid, {})
        return json([{"id": f"relais-{event}", "event": event, "url": url} for event, url in known.items()])

    def _events_to(self, sender: Sender) -> str | None:
        known = self.webhooks.get(sender.account_sid, {})
        return known.get("sms:delivered") or known.get("sms:sent")

    def _state(self, message: TwilioMessage) -> dict[str, Any]:
        state = STATES.get(message.status, "Pending")
        recipient: dict[str, Any] = {"phoneNumber": message.to, "state": state}
        if state == "Failed":
            recipient["error"] = reason(message)
        return {
            "id": message.sid, "deviceId": DEVICE, "state": state, "isHashed": False, "isEncrypted": False,
            "recipients": [recipient], "states": {},
        }


def _problem(body: Any) -> str | None:
    """What is wrong with a request to send, or None."""
    if not isinstance(body, dict):
        return "a JSON object is needed"
    text = body.get("textMessage")
    if not isinstance(text, dict) or not isinstance(text.get("text"), str) or not text["text"]:
        return "textMessage.text is needed"
    numbers = body.get("phoneNumbers")
    if not isinstance(numbers, list) or len(numbers) != 1 or not isinstance(numbers[0], str):
        return "one phone number is needed"
    id_ = body.get("id")
    if id_ is not None and not (isinstance(id_, str) and len(id_) <= ID_LIMIT):
        return f"id: at most {ID_LIMIT} characters"
    ttl = body.get("ttl")
    if ttl is not None and not (isinstance(ttl, int) and ttl > 0):
        return "ttl: seconds, more than 0"
    return None
