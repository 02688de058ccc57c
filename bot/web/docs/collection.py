"""Every operation as a request that an HTTP client's editor can send (``.http``, read by many)."""

from __future__ import annotations

import functools
import json
from typing import Any

from bot.web.api import openapi

_BASE = "@relais = http://127.0.0.1:8000\n@key = relais_test_...\n"


@functools.cache
def collection() -> str:
    """The text, made from the OpenAPI document."""
    parts = [_BASE]
    for path, item in openapi.document()["paths"].items():
        parts += [_request(method, path, operation) for method, operation in item.items()]
    return "\n".join(parts)


def _request(method: str, path: str, operation: dict[str, Any]) -> str:
    url = path.replace("{", "{{").replace("}", "}}")
    lines = [
        f"### {operation['summary']}",
        f"{method.upper()} {{{{relais}}}}{url}",
        "Authorization: Bearer {{key}}",
    ]
    if method == "post":
        lines.append("Idempotency-Key: {{$uuid}}")
    content: dict[str, Any] = operation.get("requestBody", {}).get("content", {})
    for media, body in content.items():
        lines.append(f"Content-Type: {media}")
        lines += ["", _body(body)]
    return "\n".join(lines) + "\n"


def _body(body: dict[str, Any]) -> str:
    if "example" not in body:
        return "< ./products.csv"
    return json.dumps(body["example"], ensure_ascii=False, indent=2)
