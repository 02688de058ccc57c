"""The light page as HTML: under 15 kB without its pictures, no script, nothing from elsewhere, readable in the sun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from sanic import HTTPResponse

from bot.core.shops import Shop
from bot.web.chat.shown import Shown
from bot.web.headers import style_hash

MAX_BYTES = 14_500
"""The contract says under 15 kB; the older words go first when a page would be larger."""

_FOLDER = Path(__file__).parent.parent / "templates"
_HTML = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _squeezed(css: str) -> str:
    return "".join(line.strip() for line in css.splitlines())


_CSS = _squeezed((_FOLDER / "page.css").read_text(encoding="utf-8"))
_POLICY = (
    f"default-src 'none'; style-src {style_hash(_CSS)}; img-src 'self'; form-action 'self'; frame-src 'self'; "
    "base-uri 'none'"
)
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "Content-Security-Policy": f"{_POLICY}; frame-ancestors 'none'",
}
FRAME_HEADERS: Mapping[str, str] = {
    **HEADERS,
    "Content-Security-Policy": f"{_POLICY}; frame-ancestors 'self'",
}


def html(
    template: str, status: int = 200, headers: Mapping[str, str] = HEADERS, **values: Any
) -> HTTPResponse:
    """Render a template with the page's style and headers."""
    return HTTPResponse(
        _render(template, **values),
        status=status,
        headers=dict(headers),
        content_type="text/html; charset=utf-8",
    )


def _render(template: str, **values: Any) -> str:
    return _HTML.get_template(template).render(css=Markup(_CSS), **values)


def notice(status: int, title: str, text: str, headers: Mapping[str, str] | None = None) -> HTTPResponse:
    """A page that says one thing and nothing of any shop."""
    return html("notice.html", status, {**HEADERS, **(headers or {})}, title=title, text=text)


def not_found() -> HTTPResponse:
    """The same words for unknown, expired and ended links."""
    return notice(
        404, "Page introuvable", "Ce lien n'existe pas ou n'est plus valable. Écrivez à la boutique."
    )


def unavailable() -> HTTPResponse:
    return notice(
        503,
        "Un instant, s'il vous plaît",
        "La page ne répond pas pour le moment. Réessayez dans quelques secondes : rien n'est perdu.",
        {"Retry-After": "2"},
    )


def too_many(seconds: int) -> HTTPResponse:
    return notice(
        429,
        "Un instant, s'il vous plaît",
        "Il y a trop de demandes en ce moment. Réessayez dans une minute : rien n'est perdu.",
        {"Retry-After": str(seconds)},
    )


def conversation(shown: Shown, shop: Shop, path: str, form: str, frame: str, waiting: bool) -> HTTPResponse:
    """The shopper's page. Too much text: fewer of the older words, then shorter basket lines."""
    values = {
        "shop": shop,
        "phone": spaced(shop.phone),
        "path": path,
        "form": form,
        "frame": frame,
        "waiting": waiting,
    }
    for kept in (len(shown.said), 16, 8, 4, 2, 1, 0):
        said = shown.said[len(shown.said) - min(kept, len(shown.said)) :]
        page = _render("page.html", shown=shown, said=said, **values)
        if len(page.encode()) <= MAX_BYTES:
            break
    else:
        short = replace(shown, lines=(), more_lines=len(shown.lines) + shown.more_lines)
        page = _render("page.html", shown=short, said=(), **values)
    return HTTPResponse(page, headers=dict(HEADERS), content_type="text/html; charset=utf-8")


def start(
    shop: Shop,
    tagline: str,
    hours: str,
    categories: Sequence[tuple[str, Sequence[tuple[str, str]]]],
    path: str,
) -> HTTPResponse:
    """The shop's public page; a large catalogue is cut to what fits."""
    total = sum(len(products) for _, products in categories)
    values = {"shop": shop, "phone": spaced(shop.phone), "tagline": tagline, "hours": hours, "path": path}
    each = max((len(products) for _, products in categories), default=0)
    while True:
        cut = [(name, products[:each]) for name, products in categories]
        more = total - sum(len(products) for _, products in cut)
        page = _render("start.html", categories=cut, more=more, **values)
        if len(page.encode()) <= MAX_BYTES or not cut:
            break
        each, categories = (each // 2, categories) if each > 1 else (1, categories[: len(categories) // 2])
    headers = {name: value for name, value in HEADERS.items() if name != "X-Robots-Tag"}
    return HTTPResponse(page, headers=headers, content_type="text/html; charset=utf-8")


def spaced(phone: str) -> str:
    """``+2250700000199`` -> ``07 00 00 01 99``; other countries stay as they are."""
    if phone.startswith("+225") and len(phone) == 14:
        digits = phone[4:]
        return " ".join(digits[i : i + 2] for i in range(0, 10, 2))
    return phone
