"""The JSON of a Message resource, and the filters of the list.

https://www.twilio.com/docs/messaging/api/message-resource#message-properties
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from bot.simulator.phones import TwilioMessage

VERSION = "2010-04-01"


def rfc2822(at: float) -> str:
    """Write a time as the API does, to the second."""
    return format_datetime(datetime.fromtimestamp(int(at), UTC))


def resource(message: TwilioMessage) -> dict[str, Any]:
    """Build the JSON of a Message resource."""
    uri = f"/{VERSION}/Accounts/{message.account_sid}/Messages/{message.sid}"
    done = message.status in {"delivered", "sent", "read", "received"} and message.channel == "sms"
    # Before the Messaging Service has picked one, there is no sender.
    hidden = message.status in {"accepted", "scheduled"}
    return {
        "account_sid": message.account_sid, "api_version": VERSION, "body": message.body,
        "date_created": rfc2822(message.created), "date_updated": rfc2822(message.updated),
        "date_sent": rfc2822(message.sent) if message.sent is not None else None,
        "direction": message.direction, "error_code": message.error_code,
        "error_message": message.error_message, "from": None if hidden else message.sender,
        "messaging_service_sid": message.messaging_service_sid, "num_media": str(len(message.media)),
        "num_segments": "0" if hidden else str(message.num_segments),
        "price": f"-{0.0535 * message.num_segments:.5f}" if done else None,
        "price_unit": "USD", "sid": message.sid, "status": message.status,
        "subresource_uris": {"media": f"{uri}/Media.json"}, "to": message.to, "uri": f"{uri}.json",
    }


def matches(message: TwilioMessage, query: Mapping[str, str]) -> bool:
    """Say whether a list request's `To`, `From` and date filters let this message through."""
    if query.get("To") and message.to != query["To"]:
        return False
    if query.get("From") and message.sender != query["From"]:
        return False
    dates = [query.get("DateSent"), query.get("DateSent<"), query.get("DateSent>")]
    if not any(dates):
        return True
    if message.sent is None:
        return False
    # The filter counts whole days in GMT, whatever time of day is given.
    day = datetime.fromtimestamp(message.sent, UTC).date().isoformat()
    exact, before, after = (text[:10] if text else None for text in dates)
    return (exact is None or day == exact) and (before is None or day <= before) and (
        after is None or day >= after
    )
