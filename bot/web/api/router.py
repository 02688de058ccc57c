"""Mounts the table of operations: key, rate, scope, query, body, handler, answer, in this order."""

from __future__ import annotations

import re
from urllib.parse import unquote

from sanic import Blueprint, HTTPResponse, Request

from bot.core.masking import masked, sees_phones
from bot.ports import Unavailable
from bot.storage.limits import Quota
from bot.web.api import etags
from bot.web.api.once import once
from bot.web.api.operations import JSON, STREAM, Call, Operation, Result, invalid, queried
from bot.web.api.table import OPERATIONS, PREFIX
from bot.web.encoding import dumps
from bot.web.gateway import Gateway, in_time
from bot.web.ledger_port import BadCursor, Key
from bot.web.problems import Problem

LEDGER_SECONDS = 10.0
STRANGERS_PER_MINUTE = 60
"""Requests without a valid key, an address: guessing is slowed, nobody else's quota is touched."""
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="relais"'}


def routes(gateway: Gateway) -> Blueprint:
    """Every operation of the table as a route."""
    api = Blueprint("api", url_prefix=PREFIX)
    for operation in OPERATIONS:
        _mount(api, gateway, operation)
    return api


def _mount(api: Blueprint, gateway: Gateway, operation: Operation) -> None:
    async def handle(request: Request, **parameters: str) -> HTTPResponse | None:
        key = await _authorised(gateway, request, operation.scope)
        _known_query(operation, request)
        await _read_body(operation, request)
        decoded = {name: unquote(value) for name, value in parameters.items()}
        if any("\x00" in value for value in decoded.values()):
            raise Problem("not-found")
        call = Call(gateway, key, decoded, request)
        try:
            if operation.media == STREAM:
                await operation.handler(call)
                return None
            work = once(operation, call) if operation.idempotent else operation.handler(call)
            return _answer(operation, call, await in_time(work, operation.seconds))
        except BadCursor:
            raise invalid(
                "cursor", "not_a_cursor", "give back a next_cursor of this list, unchanged"
            ) from None

    uri = re.sub(r"{(\w+)}", r"<\1:str>", operation.path)
    # As a stream: the body is read after the key and its rate, not before.
    api.add_route(handle, uri, methods=[operation.method], name=operation.id, stream=True)


def _answer(operation: Operation, call: Call, result: Result) -> HTTPResponse:
    headers = dict(result.headers)
    if result.body is None:
        content_type = headers.pop("Content-Type", None) or (operation.media if result.text else None)
        return HTTPResponse(result.text, result.status, headers, content_type=content_type)
    body = result.body
    if operation.etag and result.status < 300:
        headers["ETag"] = etags.tag_of(body)
        if operation.method == "GET" and etags.unchanged(
            call.request.headers.get("if-none-match"), headers["ETag"]
        ):
            return HTTPResponse(None, 304, headers)
    if not sees_phones(call.key.scopes):
        body = masked(body)
    if operation.unsealed is not None:
        body = {**body, **operation.unsealed(call, body)}
    return HTTPResponse(dumps(body), result.status, headers, content_type=JSON)


async def _authorised(gateway: Gateway, request: Request, scope: str) -> Key:
    scheme, _, word = request.headers.get("authorization", "").partition(" ")
    key = None
    if scheme.lower() == "bearer" and word.strip() and word.isascii():
        key = await in_time(gateway.keys.verify(word.strip()), LEDGER_SECONDS)
    if key is None:
        await _count(gateway, request, f"stranger:{request.ip}", STRANGERS_PER_MINUTE, shown=False)
        raise Problem("unauthorized", headers=CHALLENGE)
    await _count(gateway, request, f"key:{key.id}", key.rate_per_minute, shown=True)
    if scope not in key.scopes:
        raise Problem("forbidden", f"This key was made without the scope {scope}.")
    return key


async def _count(gateway: Gateway, request: Request, name: str, per_minute: int, *, shown: bool) -> None:
    """Count one request. Without the store nobody is limited: reading goes on when Redis does not."""
    if gateway.limits is None:
        return
    try:
        quota = await gateway.limits.hit(name, per_minute)
    except Unavailable:
        return
    if shown:
        request.ctx.more_headers = rate_headers(per_minute, quota)
    if quota.exceeded:
        raise Problem("too-many-requests", headers={"Retry-After": str(quota.seconds)})


def rate_headers(per_minute: int, quota: Quota) -> dict[str, str]:
    """The IETF draft's headers: quota, what is left, and in how many seconds it is whole again."""
    return {
        "RateLimit-Policy": f'"default";q={per_minute};w=60',
        "RateLimit": f'"default";r={quota.left};t={quota.seconds}',
    }


def _known_query(operation: Operation, request: Request) -> None:
    """A misspelt filter must not silently show everything."""
    for name in {name for name, _ in queried(request)}:
        if name not in operation.parameters:
            raise invalid("", "unknown_parameter", "a query parameter that is not known here")


async def _read_body(operation: Operation, request: Request) -> None:
    assert request.stream is not None
    request.stream.request_max_size = operation.most_bytes
    await request.receive_body()  # type: ignore[no-untyped-call]
    if not operation.takes_body:
        return
    given = request.headers.get("content-type", operation.takes).partition(";")[0].strip().lower()
    if given != operation.takes:
        raise Problem("unsupported-media-type", f"Send Content-Type: {operation.takes}.")
