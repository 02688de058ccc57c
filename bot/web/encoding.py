"""JSON and times as the public interface writes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sanic import HTTPResponse


def dumps(value: Any) -> str:
    """Compact JSON, accents as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def json_answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> HTTPResponse:
    return HTTPResponse(dumps(value), status=status, content_type="application/json", headers=headers)


def rfc3339(unix_seconds: float) -> str:
    """``2026-11-24T08:15:00.250Z``: UTC, always three decimals."""
    moment = datetime.fromtimestamp(unix_seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rfc3339_or_none(unix_seconds: float | None) -> str | None:
    return None if unix_seconds is None else rfc3339(unix_seconds)
