"""Mounts the table of operations: key, scope, handler, answer."""

from __future__ import annotations

import re
from urllib.parse import unquote

from sanic import Blueprint, HTTPResponse, Request

from bot.web.api.operations import Call, Operation, invalid
from bot.web.api.table import OPERATIONS, PREFIX
from bot.web.encoding import json_answer
from bot.web.gateway import Gateway, in_time
from bot.web.ledger_port import BadCursor, Key
from bot.web.problems import Problem

LEDGER_SECONDS = 10.0
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="relais"'}


def routes(gateway: Gateway) -> Blueprint:
    """Every operation of the table as a route."""
    api = Blueprint("api", url_prefix=PREFIX)
    for operation in OPERATIONS:
        _mount(api, gateway, operation)
    return api


def _mount(api: Blueprint, gateway: Gateway, operation: Operation) -> None:
    async def handle(request: Request, **parameters: str) -> HTTPResponse:
        key = await _authorised(gateway, request, operation.scope)
        decoded = {name: unquote(value) for name, value in parameters.items()}
        try:
            result = await in_time(operation.handler(Call(gateway, key, decoded, request)), LEDGER_SECONDS)
        except BadCursor:
            raise invalid(
                "cursor", "not_a_cursor", "give back a next_cursor of this list, unchanged"
            ) from None
        return json_answer(result.body, result.status)

    uri = re.sub(r"{(\w+)}", r"<\1:str>", operation.path)
    api.add_route(handle, uri, methods=[operation.method], name=operation.id)


async def _authorised(gateway: Gateway, request: Request, scope: str) -> Key:
    scheme, _, word = request.headers.get("authorization", "").partition(" ")
    key = None
    if scheme.lower() == "bearer" and word.strip() and word.isascii():
        key = await in_time(gateway.keys.verify(word.strip()), LEDGER_SECONDS)
    if key is None:
        raise Problem("unauthorized", headers=CHALLENGE)
    if scope not in key.scopes:
        raise Problem("forbidden", f"This key was made without the scope {scope}.")
    return key
