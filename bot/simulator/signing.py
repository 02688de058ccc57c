"""Twilio's request signature, from its published algorithm and not from its SDK.

https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable


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
