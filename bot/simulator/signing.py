"""The providers' request signatures, from their published algorithms and not from their SDKs.

https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable


def sim_signature(key: str, body: bytes, timestamp: str) -> str:
    """SMS Gateway for Android: hex HMAC-SHA256 of the raw body followed by ``X-Timestamp``."""
    return hmac.new(key.encode(), body + timestamp.encode(), hashlib.sha256).hexdigest()


def wave_signature(secret: str, body: bytes, timestamp: str) -> str:
    """The value of ``Wave-Signature`` (https://docs.wave.com/webhook)."""
    return f"t={timestamp},v1={hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).hexdigest()}"


def twilio_signature(auth_token: str, url: str, params: Iterable[tuple[str, str]]) -> str:
    """Sign `url` (query kept, fragment left out) followed by the sorted names and their values.

    A name that comes several times contributes its distinct values in sorted order.
    """
    grouped: dict[str, set[str]] = {}
    for name, value in params:
        grouped.setdefault(name, set()).add(value)
    text = url.partition("#")[0]
    for name in sorted(grouped):
        for value in sorted(grouped[name]):
            text += name + value
    return b64encode(hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()).decode()
