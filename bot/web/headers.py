"""Headers every answer carries. A page that needs more than nothing says so itself with its own policy."""

from __future__ import annotations

import base64
import hashlib

from sanic import Request
from sanic.response import BaseHTTPResponse

from bot.web.requests import request_id

NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def style_hash(css: str) -> str:
    """The CSP source of one inline style sheet."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()}'"


def secure(request: Request, response: BaseHTTPResponse) -> None:
    """Add what is missing; what a handler has set stays."""
    headers = response.headers
    headers["Request-Id"] = request_id(request)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("Cache-Control", "no-store")
    headers.setdefault("Content-Security-Policy", NOTHING)
