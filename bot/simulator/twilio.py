"""Twilio's REST API on the wire: accounts, messages, media and content.

https://www.twilio.com/docs/messaging/api/message-resource
"""

from __future__ import annotations

import asyncio
import binascii
import hmac
from base64 import b64decode
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs, urlencode

from sanic import Blueprint, Request
from sanic.exceptions import BadRequest
from sanic.response import HTTPResponse, empty, json, raw

from bot.simulator.content import Templates
from bot.simulator.faults import Faults
from bot.simulator.journeys import Carrier
from bot.simulator.phones import TwilioMessage, World
from bot.simulator.twilio_errors import TwilioError
from bot.simulator.twilio_resource import VERSION, matches, resource, rfc2822
from bot.simulator.twilio_send import new_message

Handler = Callable[..., Coroutine[Any, Any, HTTPResponse]]

#: One grey pixel: what a media address answers, whatever the shopper "photographed".
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da63f4ff0f00"
    "030201e53f1b0e0000000049454e44ae426082"
)


class TwilioApi:
    """The handlers; one object so that they share the world without globals."""

    def __init__(self, world: World, faults: Faults, carrier: Carrier, templates: Templates) -> None:
        self.world = world
        self.faults = faults
        self.carrier = carrier
        self.templates = templates

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("twilio")
        base = f"/{VERSION}/Accounts/<account_sid:str>"
        content = "/v1/Content/<sid:str>"
        table: tuple[tuple[str, str, Handler], ...] = (
            ("GET", f"/{VERSION}/Accounts/<name:[^/]+\\.json>", self.account),
            ("POST", f"{base}/Messages.json", self.create),
            ("GET", f"{base}/Messages.json", self.list),
            ("GET", f"{base}/Messages/<name:[^/]+\\.json>", self.fetch),
            ("DELETE", f"{base}/Messages/<name:[^/]+\\.json>", self.delete),
            ("GET", f"{base}/Messages/<sid:str>/Media.json", self.media_list),
            ("GET", f"{base}/Messages/<sid:str>/Media/<media:str>", self.media),
            ("POST", "/v1/Content", self.content_create),
            ("GET", "/v1/Content", self.content_list),
            ("GET", content, self.content_fetch),
            ("DELETE", content, self.content_delete),
            ("POST", f"{content}/ApprovalRequests/whatsapp", self.approve),
            ("GET", f"{content}/ApprovalRequests", self.approval),
        )
        for method, path, handler in table:
            routes.add_route(self._gated(handler), path, methods=[method], name=handler.__name__)
        routes.exception(TwilioError)(self.refused)
        return routes

    def _gated(self, handler: Handler) -> Handler:
        async def gated(request: Request, **path: str) -> HTTPResponse:
            stopped = await self.gate(request)
            return stopped if stopped is not None else await handler(request, **path)

        return gated

    async def refused(self, request: Request, error: TwilioError) -> HTTPResponse:
        """Answer an error in Twilio's own shape."""
        headers = {"Twilio-Request-Id": self.world.ids.sid("RQ")}
        if error.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
        return json(error.body(), status=error.status, headers=headers)

    async def gate(self, request: Request) -> HTTPResponse | None:
        """Stop every call while all of Twilio is down."""
        down = self.faults.struck("twilio", "down")
        if down is None:
            return None
        if down["how"] == "drop":
            drop(request)
        elif down["how"] == "hang":
            await self.world.switches.until(lambda: not self.faults.is_on("twilio", "down"))
        # What Twilio's front end answers when nothing is behind it is a page, not JSON.
        return HTTPResponse("<html><body><h1>503 Service Unavailable</h1></body></html>", status=503,
                            content_type="text/html")

    # --- accounts ---------------------------------------------------------------------------------

    async def account(self, request: Request, name: str) -> HTTPResponse:
        """`GET /2010-04-01/Accounts/<sid>.json`."""
        sid = self._authenticated(request, name.removesuffix(".json"))
        when = rfc2822(self.world.clock.now() - 86_400)
        uri = f"/{VERSION}/Accounts/{sid}"
        shop = self.world.shops[self.world.account(sid)[0].shop_id]
        return json({
            "sid": sid, "friendly_name": shop.name, "status": "active", "type": "Full",
            "auth_token": self.world.account(sid)[0].auth_token, "owner_account_sid": sid,
            "date_created": when, "date_updated": when, "uri": f"{uri}.json",
            "subresource_uris": {"messages": f"{uri}/Messages.json"},
        })

    # --- messages ---------------------------------------------------------------------------------

    async def create(self, request: Request, account_sid: str) -> HTTPResponse:
        """`POST Messages.json`: 201 with the resource, and the journey starts."""
        self._authenticated(request, account_sid)
        message = new_message(self.world, self.templates, account_sid, _form(request))
        where = (message.shop_id, message.person_id)
        if (now := self.faults.struck(message.channel, "reject_now", *where)) is not None:
            raise TwilioError(int(now["status"]), int(now["code"]))
        if self.faults.struck(message.channel, "throttle", *where) is not None:
            raise TwilioError(429, 20429)
        if (hangs := self.faults.struck(message.channel, "timeout", *where)) is not None:
            if hangs["deliver"]:
                self.carrier.accept(message)
            await self.world.switches.until(lambda: not self.faults.is_on(message.channel, "timeout", *where))
            if not hangs["deliver"]:
                raise TwilioError(500, 20500)
            return json(resource(message), status=201)
        if (slow := self.faults.struck(message.channel, "slow", *where)) is not None:
            await asyncio.sleep(float(slow["seconds"]))
        self.carrier.accept(message)
        answer = resource(message)
        return json(answer, status=201)

    async def list(self, request: Request, account_sid: str) -> HTTPResponse:
        """`GET Messages.json`: newest first, filtered, in pages."""
        self._authenticated(request, account_sid)
        query = {name: values[-1] for name, values in
                 parse_qs(request.query_string, keep_blank_values=True).items()}
        size = max(1, min(int(query.get("PageSize") or 50), 1000))
        page = int(query.get("Page") or 0)
        after = query.get("PageToken", "").removeprefix("PA")
        found: list[TwilioMessage] = []
        started, more = not after, False
        for message in reversed(self.world.messages.values()):
            if message.account_sid != account_sid or message.hidden or not matches(message, query):
                continue
            if not started:
                started = message.sid == after
                continue
            if len(found) == size:
                more = True
                break
            found.append(message)
        base = f"/{VERSION}/Accounts/{account_sid}/Messages.json"
        kept = {name: value for name, value in query.items() if name not in {"PageSize", "Page", "PageToken"}}

        def uri(number: int, token: str = "") -> str:
            parts: dict[str, str | int] = {**kept, "PageSize": size, "Page": number}
            return f"{base}?{urlencode(parts | ({'PageToken': token} if token else {}))}"

        return json({
            "first_page_uri": uri(0), "uri": uri(page, query.get("PageToken", "")),
            "next_page_uri": uri(page + 1, f"PA{found[-1].sid}") if more else None,
            "previous_page_uri": uri(page - 1) if page == 1 else None,
            "page": page, "page_size": size, "start": page * size,
            "end": page * size + max(0, len(found) - 1),
            "messages": [resource(message) for message in found],
        })

    async def fetch(self, request: Request, account_sid: str, name: str) -> HTTPResponse:
        """`GET Messages/<sid>.json`."""
        self._authenticated(request, account_sid)
        return json(resource(self._message(account_sid, name.removesuffix(".json"))))

    async def delete(self, request: Request, account_sid: str, name: str) -> HTTPResponse:
        """`DELETE Messages/<sid>.json`: gone from the record; the phone keeps what it showed."""
        self._authenticated(request, account_sid)
        message = self._message(account_sid, name.removesuffix(".json"))
        if message.status in {"queued", "sending"}:
            raise TwilioError(409, 20009, "Cannot delete this resource before it is complete")
        message.deleted = True
        return empty()

    async def media_list(self, request: Request, account_sid: str, sid: str) -> HTTPResponse:
        """`GET Messages/<sid>/Media.json`."""
        self._authenticated(request, account_sid)
        message = self._message(account_sid, sid)
        base = f"/{VERSION}/Accounts/{account_sid}/Messages/{sid}/Media"
        when = rfc2822(message.created)
        items = [{"sid": f"ME{sid[2:-1]}{i}", "account_sid": account_sid, "parent_sid": sid,
                  "content_type": kind, "date_created": when, "date_updated": when,
                  "uri": f"{base}/ME{sid[2:-1]}{i}.json"} for i, (_, kind) in enumerate(message.media)]
        return json({"media_list": items, "uri": f"{base}.json", "first_page_uri": f"{base}.json",
                     "next_page_uri": None, "previous_page_uri": None, "page": 0, "page_size": 50,
                     "start": 0, "end": max(0, len(items) - 1)})

    async def media(self, request: Request, account_sid: str, sid: str, media: str) -> HTTPResponse:
        """The file itself, always the same picture; open to whoever knows the address, as at Twilio."""
        self._message(account_sid, sid)
        return raw(PIXEL, content_type="image/png")

    # --- content ----------------------------------------------------------------------------------

    async def content_create(self, request: Request) -> HTTPResponse:
        """`POST /v1/Content`."""
        account_sid = self._authenticated(request)
        template = self.templates.create(account_sid, _json(request), self.world.clock.now())
        return json(template.resource(), status=201)

    async def content_list(self, request: Request) -> HTTPResponse:
        """`GET /v1/Content`, one page."""
        contents = self.templates.of_account(self._authenticated(request))[:1000]
        url = "https://content.twilio.com/v1/Content?PageSize=1000&Page=0"
        return json({"contents": [t.resource() for t in contents],
                     "meta": {"key": "contents", "page": 0, "page_size": 1000, "url": url,
                              "first_page_url": url, "next_page_url": None, "previous_page_url": None}})

    async def content_fetch(self, request: Request, sid: str) -> HTTPResponse:
        """`GET /v1/Content/<sid>`."""
        return json(self.templates.get(self._authenticated(request), sid).resource())

    async def content_delete(self, request: Request, sid: str) -> HTTPResponse:
        """`DELETE /v1/Content/<sid>`."""
        self.templates.delete(self._authenticated(request), sid)
        return empty()

    async def approve(self, request: Request, sid: str) -> HTTPResponse:
        """`POST /v1/Content/<sid>/ApprovalRequests/whatsapp`."""
        return json(self.templates.approve(self._authenticated(request), sid, _json(request)), status=201)

    async def approval(self, request: Request, sid: str) -> HTTPResponse:
        """`GET /v1/Content/<sid>/ApprovalRequests`."""
        template = self.templates.get(self._authenticated(request), sid)
        return json({"sid": sid, "account_sid": template.account_sid,
                     "whatsapp": template.approval or {"status": "unsubmitted"},
                     "url": f"https://content.twilio.com/v1/Content/{sid}/ApprovalRequests"})

    # --- who asks ---------------------------------------------------------------------------------

    def _authenticated(self, request: Request, account_sid: str | None = None) -> str:
        """Return the account that signed in by HTTP Basic; raises TwilioError 401."""
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            user, _, password = b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            user, password = "", ""
        senders = self.world.account(user)
        good = bool(senders) and hmac.compare_digest(senders[0].auth_token.encode(), password.encode())
        if scheme.lower() != "basic" or not good or account_sid not in (None, user):
            raise TwilioError(401, 20003)
        return user

    def _message(self, account_sid: str, sid: str) -> TwilioMessage:
        message = self.world.messages.get(sid)
        if message is None or message.account_sid != account_sid or message.hidden:
            uri = f"/{VERSION}/Accounts/{account_sid}/Messages/{sid}.json"
            raise TwilioError(404, 20404, f"The requested resource {uri} was not found")
        return message


def drop(request: Request) -> None:
    """Cut the connection without an answer."""
    if isinstance(request.transport, asyncio.Transport):
        request.transport.abort()


def _form(request: Request) -> dict[str, list[str]]:
    try:
        return parse_qs(request.body.decode(), keep_blank_values=True)
    except UnicodeDecodeError as error:
        raise BadRequest("the form is not UTF-8") from error


def _json(request: Request) -> object:
    try:
        body: object = request.json
    except BadRequest as error:
        raise TwilioError(400, 20001, "Invalid request body") from error
    return body
