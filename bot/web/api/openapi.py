"""The OpenAPI 3.1 document, made from the table of operations and the models; nothing in it is written twice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bot.web import problems
from bot.web.api import models
from bot.web.api.event_kinds import EXAMPLE, KINDS, Erased, Event, EventKind
from bot.web.api.operations import DEFAULT_LIMIT, JSON, MAX_LIMIT, Operation
from bot.web.api.table import OPERATIONS, PREFIX

VERSION = "1.1.0"
"""Raised with every change of the interface; see docs/api-changelog.md."""
_REF = "#/components/schemas/"
_TITLES = {200: "Done", 201: "Created", 202: "Taken in", 204: "Done", 304: "Not modified"}
_STRING = {"schema": {"type": "string"}}

Named = Mapping[type[BaseModel], dict[str, Any]]


def document() -> dict[str, Any]:
    """The whole document."""
    shapes: dict[str, type[BaseModel]] = {"Problem": models.ProblemShape}
    used = [shape for operation in OPERATIONS for shape in (operation.answer, operation.body)]
    for shape in (*used, Event, Erased, *(kind.data for kind in KINDS)):
        if shape is not None:
            shapes[shape.__name__] = shape
    references, definitions = models_json_schema(
        [(shape, _mode(shape)) for shape in shapes.values()], ref_template=_REF + "{model}"
    )
    named: Named = {shape: references[(shape, _mode(shape))] for shape in shapes.values()}
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(PREFIX + operation.path, {})[operation.method.lower()] = _operation(operation, named)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Relais",
            "version": VERSION,
            "description": "Orders, conversations and channels of one shop. Amounts are whole FCFA, times RFC 3339 "
            "in UTC. Answers may gain fields and enumerations may gain words at any time; ignore those you do not know.",
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(tag_of(operation) for operation in OPERATIONS)],
        "paths": paths,
        "webhooks": {kind.name: {"post": _webhook(kind, named)} for kind in KINDS},
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "A shop's key"}},
        },
    }


def _mode(shape: type[BaseModel]) -> Any:
    return "validation" if issubclass(shape, models.Body) else "serialization"


def tag_of(operation: Operation) -> str:
    """The resource an operation belongs to."""
    return operation.path.split("/")[1].partition(".")[0]


def _operation(operation: Operation, named: Named) -> dict[str, Any]:
    scope = f"Scope: `{operation.scope}`."
    shown: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [tag_of(operation)],
        "summary": operation.summary,
        "description": f"{operation.description}\n\n{scope}" if operation.description else scope,
        "security": [{"key": []}],
        "parameters": _parameters(operation),
        "responses": {str(status): _response(operation, status, named) for status in operation.all_statuses},
    }
    if operation.takes_body:
        content: dict[str, Any] = {
            "schema": named[operation.body] if operation.body is not None else {}
        }
        if operation.example is not None:
            content["example"] = dict(operation.example)
        shown["requestBody"] = {"required": True, "content": {operation.takes: content}}
    return shown


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    if operation.many:
        limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
        found.append({"name": "limit", "in": "query", "schema": limit})
        said = "A next_cursor of this list with these filters"
        found.append({"name": "cursor", "in": "query", "description": said, **_STRING})
    for extra in operation.query:
        about = {"description": extra.description, "schema": dict(extra.schema), "example": extra.example}
        found.append({"name": extra.name, "in": "query", **about})
    if operation.idempotent:
        said = "A word of yours for this request, 1 to 255 visible ASCII characters: sent again within 24 h it is done once"
        schema = {"type": "string", "pattern": "^[!-~]{1,255}$"}
        found.append({"name": "Idempotency-Key", "in": "header", "description": said, "schema": schema})
    if operation.etag and operation.method == "GET":
        said = "An ETag you have: 304 if nothing changed"
        found.append({"name": "If-None-Match", "in": "header", "description": said, **_STRING})
    if operation.etag and operation.method != "GET":
        said = "Only if the object still has this ETag, else 412"
        found.append({"name": "If-Match", "in": "header", "description": said, **_STRING})
    return found


def _response(operation: Operation, status: int, named: Named) -> dict[str, Any]:
    if 200 <= status < 300:
        shown: dict[str, Any] = {"description": _TITLES[status]}
        if operation.etag:
            shown["headers"] = {"ETag": _STRING}
        schema = _success(operation, named)
        return shown if schema is None else {**shown, "content": {operation.media: {"schema": schema}}}
    if status == 304:
        return {"description": _TITLES[status]}
    number = {"description": "Seconds", "schema": {"type": "integer"}}
    headers = {
        401: {"WWW-Authenticate": _STRING},
        429: {"Retry-After": number},
        503: {"Retry-After": number},
    }.get(status)
    answer: dict[str, Any] = {
        "description": problems.kind_of(status).title,
        "content": {problems.CONTENT_TYPE: {"schema": named[models.ProblemShape]}},
    }
    return answer if headers is None else {**answer, "headers": headers}


def _success(operation: Operation, named: Named) -> dict[str, Any] | None:
    if operation.success == 204:
        return None
    if operation.media != JSON or operation.answer is None:
        return {"type": "string"}
    schema = named[operation.answer]
    if not operation.many:
        return schema
    return {
        "type": "object",
        "required": ["items", "next_cursor"],
        "properties": {
            "items": {"type": "array", "items": schema},
            "next_cursor": {"type": ["string", "null"]},
        },
    }


def _webhook(kind: EventKind, named: Named) -> dict[str, Any]:
    schema = {
        "allOf": [
            named[Event],
            {
                "properties": {
                    "type": {"const": kind.name},
                    "data": {"anyOf": [named[kind.data], named[Erased]]},
                }
            },
        ]
    }
    content: dict[str, Any] = {"schema": schema}
    if kind.name == EXAMPLE["type"]:
        content["example"] = EXAMPLE
    return {
        "operationId": "on_" + kind.name.replace(".", "_"),
        "summary": kind.meaning,
        "security": [],
        "parameters": [
            {"name": name, "in": "header", "required": True, **_STRING}
            for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
        ],
        "requestBody": {"required": True, "content": {JSON: content}},
        "responses": {"2XX": {"description": "Taken. Anything else is tried again; 410 ends the webhook."}},
    }
