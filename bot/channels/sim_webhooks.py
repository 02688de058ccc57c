"""Webhooks of SMS Gateway for Android: a signed JSON event a request. Pure: verify, parse.

Format: docs of sms-gate.app, "Webhooks". ``X-Signature`` is hex HMAC-SHA256 of body and ``X-Timestamp``. The event's own
``id`` is the same on each of its retries (14 in two days); ``payload.messageId`` of an inbound message is made of its
content and is not unique.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.channels.accounts import SimAccount
from bot.channels.codes import read_table
from bot.channels.webhooks import Forbidden, Ignored, Malformed, Parsed, Reading, WebhookRequest
from bot.core.addresses import ChannelName, Scheme, of_phone
from bot.core.failures import Certainty, Failure, Retry, Scope
from bot.core.messages import MessageId, MessageStatus, Received, Reported
from bot.core.tokens import lane_of_message

TABLE = Path(__file__).with_name("sim_errors.csv")
OLDEST = 7 * 86_400.0
"""Seconds. A captured event is known as a repeat for 8 days; an older one must not count as new."""
AHEAD = 3600.0
"""A phone's clock may be wrong by so much."""
EVENTS = {
    "sms:sent": MessageStatus.SENT,
    "sms:delivered": MessageStatus.DELIVERED,
    "sms:failed": MessageStatus.FAILED,
    "sms:cancelled": MessageStatus.FAILED,
}
"""Events about messages of ours. ``sms:delivered`` comes once a segment: joined, the first one counts."""
_MAX_TEXT = 10_000


def signature(key: str, body: bytes, timestamp: str) -> str:
    """What the app puts into ``X-Signature``."""
    return hmac.new(key.encode(), body + timestamp.encode(), hashlib.sha256).hexdigest()


def classify(code: str) -> Failure:
    """What an error means. An unknown one is about this message: it never speaks of an outage."""
    known = read_table(TABLE).get(code)
    if known is not None:
        return known
    return Failure(Scope.RECIPIENT, Retry.OTHER_ROAD, Certainty.NOT_DELIVERED, code, "unknown reason")


def code_of(reason: str) -> str:
    """The code in an error text: Android's own name of it, ``expired``, else its first words."""
    named = re.search(r"RESULT_[A-Z_]+", reason)
    if named is not None:
        return named[0]
    if re.search(r"\b(?:ttl|expired)\b", reason, re.IGNORECASE):
        return "expired"
    return reason[:40] or "failed"


def read(request: WebhookRequest, account: SimAccount) -> Reading:
    """Verify and parse one event."""
    stamp = request.headers.get("x-timestamp", "")
    given = request.headers.get("x-signature", "").encode()
    # Every key is tried, so that the time taken does not tell which one fits.
    fits = [
        hmac.compare_digest(signature(key, request.body, stamp).encode(), given) for key in account.secrets
    ]
    if not any(fits):
        return Forbidden("bad signature")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return Forbidden("no timestamp")
    if not -AHEAD <= request.received_at - int(stamp) <= OLDEST:
        return Forbidden("timestamp out of range")
    try:
        event = json.loads(request.body)
    except ValueError:
        return Malformed("not JSON")
    if not isinstance(event, dict) or not isinstance(event.get("payload"), dict):
        return Malformed("no event")
    kind, id_ = event.get("event"), event.get("id")
    if not isinstance(id_, str) or not 0 < len(id_) <= 100:
        return Malformed("no id")
    if kind == "sms:received":
        return _received(request, account, id_, event["payload"])
    if kind in EVENTS:
        return _reported(request, id_, EVENTS[kind], event["payload"])
    return Ignored(str(kind)[:40])


def _received(request: WebhookRequest, account: SimAccount, id_: str, payload: dict[str, Any]) -> Reading:
    sender = payload.get("sender") or payload.get("phoneNumber")  # the key's older name
    if not isinstance(sender, str) or not sender:
        return Malformed("no sender")
    recipient = payload.get("recipient")
    if isinstance(recipient, str) and recipient and of_phone(Scheme.TEL, recipient) != of_phone(
        Scheme.TEL, account.address
    ):
        return Forbidden("another SIM's message")
    address = of_phone(Scheme.TEL, sender)
    if address is None:
        return Ignored("sender is no phone number")
    text = payload.get("message")
    return Parsed(
        (
            Received(
                id=f"sim:{id_}",
                shop_id=request.shop_id,
                channel=ChannelName.SMS,
                address=address,
                reply_to=sender,
                received_at=request.received_at,
                text=text[:_MAX_TEXT] if isinstance(text, str) else "",
                written_at=_time(payload.get("receivedAt")),
            ),
        )
    )


def _reported(request: WebhookRequest, id_: str, status: MessageStatus, payload: dict[str, Any]) -> Reading:
    name = payload.get("messageId")
    if not isinstance(name, str) or not name:
        return Malformed("no messageId")
    ours = name.partition(".")[0]  # ``sim.name_of``
    reason = payload.get("reason")
    failed = status is MessageStatus.FAILED
    return Parsed(
        (
            Reported(
                id=f"sim:{id_}",
                message_id=MessageId(ours) if lane_of_message(ours) else None,
                provider_id=name,
                status=status,
                at=request.received_at,
                error_code=code_of(reason if isinstance(reason, str) else "") if failed else None,
                raw_status=status.value,
            ),
        )
    )


def _time(text: object) -> float | None:
    """Unix seconds of an RFC 3339 time; None when it is none."""
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.timestamp() if at.tzinfo is not None else None
