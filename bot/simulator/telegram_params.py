"""Reading a Bot API call's parameters, and the rates Telegram allows.

https://core.telegram.org/bots/api#making-requests
"""

from __future__ import annotations

import json as jsonlib
import time
from collections.abc import Mapping
from typing import Any

from sanic import Request

from bot.simulator.telegram_markup import Refused


class Bucket:
    """A token bucket in real seconds."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self._left, self._at = burst, time.monotonic()

    def take(self) -> float:
        """Take one token; return 0, or the seconds until there is one."""
        now = time.monotonic()
        self._left = min(self.burst, self._left + (now - self._at) * self.rate)
        self._at = now
        if self._left < 1:
            return (1 - self._left) / self.rate
        self._left -= 1
        return 0.0


def params_of(request: Request) -> dict[str, Any]:
    """Read parameters from query, form or JSON; composite values of a form are JSON themselves."""
    params: dict[str, Any] = {name: values[-1] for name, values in request.args.items()}
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind == "application/json":
        body = request.json
        params |= body if isinstance(body, dict) else {}
    elif request.form is not None:
        params |= {name: values[-1] for name, values in request.form.items()}
        params |= {name: f"attach://{files[-1].name}" for name, files in (request.files or {}).items()}
    for name in ("reply_markup", "allowed_updates", "link_preview_options", "reply_parameters", "entities"):
        if isinstance(params.get(name), str):
            try:
                params[name] = jsonlib.loads(params[name])
            except ValueError as error:
                raise Refused(400, f"Bad Request: can't parse {name} JSON object") from error
    return params


def integer(value: object) -> int:
    """Read a whole number; 0 when it is none."""
    text = str(value if value is not None else "")
    return int(text) if text.lstrip("-").isdigit() else 0


def true(value: object) -> bool:
    """Read a boolean as a form carries it."""
    return value is True or str(value).lower() in {"true", "1"}


def plain(params: Mapping[str, Any]) -> None:
    """Refuse formatting."""
    if params.get("parse_mode"):
        raise Refused(400, "Bad Request: unsupported parse_mode")
