"""``/openapi.json``, ``/docs`` and ``/problems/<slug>``. Everything is rendered once, when the server starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from sanic import Blueprint, HTTPResponse, Request

from bot.web import problems
from bot.web.api import openapi
from bot.web.api.event_kinds import KINDS as EVENTS
from bot.web.api.operations import JSON, Operation
from bot.web.api.table import OPERATIONS, PREFIX
from bot.web.docs.collection import collection
from bot.web.encoding import dumps
from bot.web.headers import style_hash
from bot.web.problems import Problem

_FOLDER = Path(__file__).parent.parent / "templates"
_HTML = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_CSS = (_FOLDER / "docs.css").read_text(encoding="utf-8")
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src {style_hash(_CSS)}; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "max-age=300",
}


def routes() -> Blueprint:
    """The documentation's addresses; no key is needed."""
    docs = Blueprint("docs")
    document = openapi.document()
    as_json = dumps(document)
    page = _page(document)

    @docs.get("/openapi.json")
    async def machine(request: Request) -> HTTPResponse:
        return HTTPResponse(
            as_json, content_type="application/json", headers={"Cache-Control": "max-age=300"}
        )

    @docs.get("/docs")
    async def people(request: Request) -> HTTPResponse:
        return _html(page)

    @docs.get("/docs/relais.http")
    async def requests(_: Request) -> HTTPResponse:
        return HTTPResponse(collection(), content_type="text/plain; charset=utf-8")

    @docs.get("/problems/<slug:str>")
    async def problem(request: Request, slug: str) -> HTTPResponse:
        kind = problems.KINDS.get(slug)
        if kind is None:
            raise Problem("not-found")
        return _html(_HTML.get_template("problem.html").render(css=Markup(_CSS), kind=kind))

    return docs


def _html(text: str) -> HTTPResponse:
    return HTTPResponse(text, content_type="text/html; charset=utf-8", headers=dict(_HEADERS))


def _page(document: dict[str, Any]) -> str:
    schemas = document["components"]["schemas"]
    return _HTML.get_template("docs.html").render(
        css=Markup(_CSS),
        operations=[_entry(operation) for operation in OPERATIONS],
        events=EVENTS,
        scopes=sorted({operation.scope for operation in OPERATIONS}),
        schemas=[(name, schema.get("description", ""), _fields(schema)) for name, schema in schemas.items()],
        kinds=problems.KINDS.values(),
    )


def _entry(operation: Operation) -> dict[str, Any]:
    return {
        "operation": operation,
        "path": PREFIX + operation.path,
        "answer": operation.answer.__name__ if operation.answer else None,
        "body": operation.body.__name__ if operation.body else None,
        "statuses": ", ".join(str(status) for status in operation.all_statuses),
        "curl": curl(operation),
    }


def curl(operation: Operation) -> str:
    """A command that can be pasted; ``$RELAIS`` is the address of this server, ``$KEY`` a key."""
    path = (PREFIX + operation.path).replace("{", "$").replace("}", "")
    query = "?limit=5" if operation.many else ""
    if operation.takes != JSON:
        return (
            f'curl -H "Authorization: Bearer $KEY" -H "Content-Type: {operation.takes}" \\\n'
            f'  --data-binary @products.csv "$RELAIS{path}?dry_run=true"'
        )
    words = [f'curl -H "Authorization: Bearer $KEY" "$RELAIS{path}{query}"']
    if operation.method != "GET":
        words.insert(1, f"-X {operation.method}")
    if operation.example is not None:
        words.append("-H 'Content-Type: application/json'")
        words.append(f"-d '{json.dumps(dict(operation.example), ensure_ascii=False)}'")
    return " \\\n  ".join(words)


def _fields(schema: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(name, type in words, description)"""
    return [
        (name, _words(field), str(field.get("description", "")))
        for name, field in schema.get("properties", {}).items()
    ]


def _words(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "anyOf" in field:
        return " or ".join(_words(each) for each in field["anyOf"])
    if "enum" in field:
        return " | ".join(str(value) for value in field["enum"])
    if "const" in field:
        return str(field["const"])
    if field.get("type") == "array":
        return f"list of {_words(field.get('items', {}))}"
    if isinstance(field.get("additionalProperties"), dict):
        return f"map of {_words(field['additionalProperties'])}"
    return str(field.get("format") or field.get("type") or "any")
