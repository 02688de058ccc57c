"""Wave's callbacks: ``Wave-Signature: t=<Unix seconds>,v1=<hex>[,v1=...]``, HMAC-SHA256 of the time and the raw body.

https://docs.wave.com/webhook. Pure: no I/O, no clock.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re

from bot.channels.webhooks import Forbidden, Ignored, Malformed, WebhookRequest
from bot.core.payments import Session
from bot.payments.accounts import WaveAccount
from bot.payments.wave import session

TOLERANCE = 300.0
"""Seconds a signature's time may be off. A repeat within it changes nothing, one after it is refused."""
MOST_SIGNATURES = 8
_KINDS = frozenset({"checkout.session.completed", "checkout.session.payment_failed"})


def read(account: WaveAccount, request: WebhookRequest) -> Session | Forbidden | Malformed | Ignored:
    """The session that a callback tells of."""
    problem = unproved(
        request.headers.get("wave-signature", ""), request.body, account.webhook_secrets, request.received_at
    )
    if problem is not None:
        return Forbidden(problem)
    try:
        event = json.loads(request.body)
    except (ValueError, RecursionError):
        return Malformed("not JSON")
    if not isinstance(event, dict):
        return Malformed("no object")
    kind = event.get("type")
    if kind not in _KINDS:
        return Ignored(kind[:60] if isinstance(kind, str) else "no type")
    found = session(event.get("data"))
    return Malformed("no session id") if found is None else found


def unproved(header: str, body: bytes, secrets: tuple[str, ...], now: float) -> str | None:
    """Why the signature does not hold; None when it does. Every comparison runs, and each in constant time."""
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    given = [value for name, _, value in parts if name == "v1"][:MOST_SIGNATURES]
    if len(times) != 1 or not re.fullmatch(r"[0-9]{1,12}", times[0], re.ASCII) or not given:
        return "no signature"
    good = False
    for secret in secrets:
        expected = sign(secret, times[0], body)
        for one in given:
            good |= hmac.compare_digest(expected.encode(), one.encode())
    if not good:
        return "wrong signature"
    return None if abs(now - int(times[0])) <= TOLERANCE else "old signature"


def sign(secret: str, time: str, body: bytes) -> str:
    """Hex HMAC-SHA256 of the time and the body, nothing between them."""
    return hmac.new(secret.encode(), time.encode() + body, hashlib.sha256).hexdigest()
