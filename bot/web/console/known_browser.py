"""A browser in which a person has signed in before: its tries are counted apart, so that strangers cannot lock them out.

The device cookie of https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies. It opens
nothing: whoever steals it gets as many tries at one login as any stranger has.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sanic import HTTPResponse, Request

COOKIE = "relais_known"
SECONDS = 180 * 86400


def of(request: Request, login: str, secret: bytes) -> str | None:
    """The browser's name if it is known for this login, else None."""
    name, _, mac = (request.cookies.get(COOKIE) or "").partition(".")
    return name if name and hmac.compare_digest(mac.encode(), _mac(name, login, secret).encode()) else None


def remember(answer: HTTPResponse, login: str, secret: bytes, secure: bool) -> None:
    """Know it from now on, under a new name."""
    name = secrets.token_hex(12)
    word = f"{name}.{_mac(name, login, secret)}"
    answer.add_cookie(
        COOKIE, word, path="/console/login", httponly=True, secure=secure, samesite="Lax", max_age=SECONDS
    )


def _mac(name: str, login: str, secret: bytes) -> str:
    return hmac.new(secret, f"known browser\n{name}\n{login}".encode(), hashlib.sha256).hexdigest()[:40]
