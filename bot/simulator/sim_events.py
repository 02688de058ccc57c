"""The events of SMS Gateway for Android, as JSON bodies of its webhooks (https://docs.sms-gate.app/features/webhooks/)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256

from bot.simulator.phones import TwilioMessage

DEVICE = "ffffffffceb0b1db0000018e937c815b"
_STATUS = {"sent": "sms:sent", "delivered": "sms:delivered", "failed": "sms:failed", "undelivered": "sms:failed"}
_REASONS = {
    30005: "RESULT_ERROR_GENERIC_FAILURE",
    30036: "Message expired: TTL exceeded",
}
OUT_OF_SERVICE = "RESULT_ERROR_NO_SERVICE"


def received_event(message: TwilioMessage, id_: str) -> bytes:
    """``sms:received``. ``messageId`` is made of the content, as the app makes it: not unique."""
    made_of = sha256(f"{message.sender}{message.body}".encode()).hexdigest()[:8]
    payload = {
        "messageId": made_of,
        "message": message.body,
        "sender": message.sender,
        "recipient": message.to,
        "simNumber": 1,
        "receivedAt": _time(message.created),
    }
    return _event("sms:received", id_, payload)


def status_event(message: TwilioMessage, status: str, id_: str) -> bytes | None:
    """What became of a message of ours; None for a status the app does not tell."""
    event = _STATUS.get(status)
    if event is None:
        return None
    payload = {"messageId": message.sid, "recipient": message.to, "simNumber": 1}
    at = _time(message.updated)
    match event:
        case "sms:sent":
            payload |= {"partsCount": message.num_segments, "sentAt": at}
        case "sms:delivered":
            payload["deliveredAt"] = at
        case _:
            payload |= {"failedAt": at, "reason": reason(message)}
    return _event(event, id_, payload)


def reason(message: TwilioMessage) -> str:
    """The error text of a message that failed."""
    return _REASONS.get(message.error_code or 0, OUT_OF_SERVICE)


def _event(event: str, id_: str, payload: dict[str, object]) -> bytes:
    body = {"deviceId": DEVICE, "event": event, "id": id_, "payload": payload, "webhookId": f"relais-{event}"}
    return json.dumps(body, ensure_ascii=False).encode()


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
