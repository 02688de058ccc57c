"""Jinja templates to answers: escaped, compressed, under a policy that runs nothing but our own files."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sanic import HTTPResponse, Request

from bot.web.console import words
from bot.web.console.assets import asset_url
from bot.web.console.english import translate

_FOLDER = Path(__file__).parent.parent / "templates"
_HTML = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_HTML.globals["asset"] = asset_url
_HTML.globals["words"] = words
_HTML.filters.update(
    francs=words.francs,
    day=words.day,
    clock=words.clock,
    moment=words.moment,
    ago=words.ago,
    iso=words.iso,
    seconds=words.seconds,
    phone=words.phone,
    initials=words.initials,
)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Vary": "Accept-Encoding, HX-Request",
}
SMALL = 1000
"""Bytes under which compressing is not worth it."""


def render(template: str, language: str, **values: Any) -> str:
    """A template in a language."""

    def t(sentence: str, **fields: Any) -> str:
        said = translate(sentence, language)
        return said.format(**fields) if fields else said

    return _HTML.get_template(f"console/{template}").render(t=t, language=language, **values)


def answer(
    request: Request, template: str, status: int = 200, *, language: str, **values: Any
) -> HTTPResponse:
    """A page."""
    return html(request, render(template, language, **values), status)


def html(request: Request, page: str, status: int = 200) -> HTTPResponse:
    """HTML with the console's headers, compressed where the browser takes it."""
    body, headers = page.encode("utf-8", "replace"), dict(HEADERS)
    if len(body) > SMALL and "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["Content-Encoding"] = gzip.compress(body, 5, mtime=0), "gzip"
    return HTTPResponse(body, status, headers, content_type="text/html; charset=utf-8")


def problem(request: Request, status: int) -> HTTPResponse:
    """What went wrong, in plain words; nobody need be signed in."""
    known = status if status in (400, 403, 404, 409, 413, 503) else 500
    return answer(request, "problem.html", status, language="fr", code=known)
