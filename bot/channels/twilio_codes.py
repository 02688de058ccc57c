"""What a Twilio code means, read from ``twilio_errors.csv``; the same for answers and for status callbacks.

A code of three digits is an HTTP status that came without a code of Twilio's own (an error page). For 503
nothing stood behind the front end, so nothing was sent; with 500, 502 and 504 the message may have been taken
first: refused, certainty unknown. Waiting for a status of it would cost every shopper seconds in an outage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bot.channels.codes import read_table
from bot.core.failures import Certainty, Failure, Retry, Scope

TABLE = Path(__file__).with_name("twilio_errors.csv")

_SENT_NOTHING = Certainty.NOT_DELIVERED


def table() -> Mapping[str, Failure]:
    """Every known code and its meaning."""
    return read_table(TABLE)


def classify(code: str, status: int | None = None, retry_after: float | None = None) -> Failure:
    """Look a code up; an unknown one is judged by its HTTP status, then by its range, never as an outage."""
    failure = table().get(code) or _by_status(code, status) or _by_range(code)
    return failure if retry_after is None else replace(failure, retry_after=retry_after)


def _by_status(code: str, status: int | None) -> Failure | None:
    if status == 429:
        return Failure(Scope.THROTTLE, Retry.LATER, _SENT_NOTHING, code, "HTTP 429 with an unknown code")
    if status is not None and status >= 500:
        return Failure(Scope.CHANNEL, Retry.OTHER_ROAD, Certainty.UNKNOWN, code, f"HTTP {status}")
    return None


def _by_range(code: str) -> Failure:
    number = int(code) if code.isascii() and code.isdigit() else 0
    match number // 1000:
        case 63:
            # Channel codes: most are about one recipient or one content; either way another road may do.
            return Failure(Scope.RECIPIENT, Retry.OTHER_ROAD, _SENT_NOTHING, code, "unknown channel code")
        case 30:
            return Failure(Scope.RECIPIENT, Retry.OTHER_ROAD, _SENT_NOTHING, code, "unknown delivery code")
        case 20 | 21:
            return Failure(Scope.CONTENT, Retry.CHANGE, _SENT_NOTHING, code, "unknown code of a request")
        case _ if 500 <= number < 600:
            return Failure(Scope.CHANNEL, Retry.OTHER_ROAD, Certainty.UNKNOWN, code, "HTTP error page")
        case _:
            # "failed" without a code says nothing of why: this message, this recipient.
            return Failure(Scope.RECIPIENT, Retry.OTHER_ROAD, Certainty.UNKNOWN, code, "unknown code")
