"""Was this request made by our own page? Masked tokens in forms, and what the browser says of where it comes from."""

from __future__ import annotations

import hmac
import re
import secrets
from urllib.parse import urlsplit

from sanic import Request

_MASKED = re.compile(r"[0-9a-f]{64}")


def masked(csrf: str) -> str:
    """The token as a form carries it: different each time, so that compressed pages do not give it away (BREACH)."""
    pad = secrets.token_bytes(16)
    return pad.hex() + _xor(bytes.fromhex(csrf), pad).hex()


def unmasks_to(given: str, csrf: str) -> bool:
    """Does a form's token belong to this session?"""
    if not _MASKED.fullmatch(given):
        return False
    pad, hidden = bytes.fromhex(given[:32]), bytes.fromhex(given[32:])
    return hmac.compare_digest(_xor(hidden, pad), bytes.fromhex(csrf))


def from_our_page(request: Request, public_url: str) -> bool:
    """What the browser says of a request that changes something; old browsers say nothing, then the token decides."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    own = {urlsplit(public_url).netloc.lower(), request.headers.get("host", "").lower()}
    return urlsplit(origin).netloc.lower() in own


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))
