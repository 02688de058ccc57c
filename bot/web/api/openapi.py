"""The OpenAPI 3.1 document, made from the table of operations and the models; nothing in it is written twice."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bot.web import problems
from bot.web.api import models
from bot.web.api.operations import DEFAULT_LIMIT, MAX_LIMIT, Operation
from bot.web.api.table import OPERATIONS, PREFIX

_REF = "#/components/schemas/"
_TITLES = {200: "Done", 201: "Created"}


def document() -> dict[str, Any]:
    """The whole document."""
    shapes: dict[str, type[BaseModel]] = {"Problem": models.ProblemShape}
    for operation in OPERATIONS:
        shapes[operation.answer.__name__] = operation.answer
        if operation.body is not None:
            shapes[operation.body.__name__] = operation.body
    references, definitions = models_json_schema(
        [(shape, _mode(shape)) for shape in shapes.values()], ref_template=_REF + "{model}"
    )
    named = {shape: references[(shape, _mode(shape))] for shape in shapes.values()}
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(PREFIX + operation.path, {})[operation.method.lower()] = _operation(operation, named)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Relais",
            "version": "1",
            "description": "Orders, conversations and channels of one shop. Amounts are whole FCFA, times RFC 3339 "
            "in UTC. Answers may gain fields at any time; ignore those you do not know.",
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(_tag(operation) for operation in OPERATIONS)],
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "A shop's key"}},
        },
    }


def _mode(shape: type[BaseModel]) -> Any:
    return "validation" if issubclass(shape, models.Body) else "serialization"


def _tag(operation: Operation) -> str:
    return operation.path.split("/")[1]


def _operation(operation: Operation, named: dict[type[BaseModel], dict[str, Any]]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [_tag(operation)],
        "summary": operation.summary,
        "description": f"Scope: {operation.scope}",
        "security": [{"key": []}],
        "parameters": _parameters(operation),
        "responses": {str(status): _response(operation, status, named) for status in operation.all_statuses},
    }
    if operation.body is not None:
        content: dict[str, Any] = {"schema": named[operation.body]}
        if operation.example is not None:
            content["example"] = dict(operation.example)
        shown["requestBody"] = {"required": True, "content": {"application/json": content}}
    return shown


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    if operation.many:
        limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
        found.append({"name": "limit", "in": "query", "schema": limit})
        found.append(
            {
                "name": "cursor",
                "in": "query",
                "description": "A next_cursor of this list",
                "schema": {"type": "string"},
            }
        )
    for extra in operation.query:
        found.append(
            {
                "name": extra.name,
                "in": "query",
                "description": extra.description,
                "schema": {"type": "string"},
                "example": extra.example,
            }
        )
    if operation.idempotent:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "1 to 255 visible ASCII characters; a repeat within 8 days is done once",
                "schema": {"type": "string"},
            }
        )
    return found


def _response(
    operation: Operation, status: int, named: dict[type[BaseModel], dict[str, Any]]
) -> dict[str, Any]:
    if status == operation.success:
        schema: dict[str, Any] = named[operation.answer]
        if operation.many:
            schema = {
                "type": "object",
                "required": ["items", "next_cursor"],
                "properties": {
                    "items": {"type": "array", "items": schema},
                    "next_cursor": {"type": ["string", "null"]},
                },
            }
        return {"description": _TITLES[status], "content": {"application/json": {"schema": schema}}}
    headers = {
        401: {"WWW-Authenticate": {"schema": {"type": "string"}}},
        503: {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}},
    }.get(status)
    answer: dict[str, Any] = {
        "description": problems.kind_of(status).title,
        "content": {problems.CONTENT_TYPE: {"schema": named[models.ProblemShape]}},
    }
    return answer if headers is None else {**answer, "headers": headers}
