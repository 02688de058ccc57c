"""Standard Webhooks signatures. Secrets are derived, never stored: HMAC of ``RELAIS_SECRET`` over id and version."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"


def secret_of(root: bytes, webhook_id: str, version: int) -> bytes:
    """The 32 bytes with which a webhook's version of its secret signs."""
    return hmac.new(root, f"webhook\n{webhook_id}\n{version}".encode(), hashlib.sha256).digest()


def shown(secret: bytes) -> str:
    """As an integrator gets it."""
    return PREFIX + base64.b64encode(secret).decode()


def headers(event_id: str, unix_seconds: int, body: bytes, secrets: Sequence[bytes]) -> dict[str, str]:
    """The three headers of one attempt; each secret signs, so that one can be exchanged without a gap."""
    message_id = message_id_of(event_id)
    content = f"{message_id}.{unix_seconds}.".encode() + body
    signatures = (hmac.new(secret, content, hashlib.sha256).digest() for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(unix_seconds),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(one).decode()}" for one in signatures),
    }


def message_id_of(event_id: str) -> str:
    """The same for every attempt. Event ids hold dots and provider ids; the standard's may hold no dot."""
    return f"evt_{hashlib.sha256(event_id.encode()).hexdigest()[:32]}"
