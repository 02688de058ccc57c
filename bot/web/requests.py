"""A request of ours: its id is made here, never taken from the client, and its path is safe to log."""

from __future__ import annotations

import logging
import re
import secrets
from typing import Any

from sanic import Request

_TOKEN = re.compile(r"(/c/|/console/password/)[^/\s?\"'<>]+")


class RelaisRequest(Request):
    """Sanic takes the client's ``X-Request-ID`` for the id; a stranger must not choose what our log says."""

    __slots__ = ("own_id",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.own_id = secrets.token_hex(8)


def request_id(request: Request | None) -> str:
    """Our id of a request; the framework may have failed before there was one."""
    return getattr(request, "own_id", None) or secrets.token_hex(8)


def caller(request: Request) -> str:
    """The address that counts for limits. We listen on the loopback only: the last hop before it is the proxy's word."""
    hops = request.headers.get("x-forwarded-for", "")
    last = hops.rpartition(",")[2].strip()
    return last or request.ip or "unknown"


def safe_path(path: str) -> str:
    """The path without the token of a page or of a password link."""
    return _TOKEN.sub(r"\1[token]", path)


class NoTokens(logging.Filter):
    """The framework's loggers write request lines; a page token in one would open a shopper's basket."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if "/c/" in message or "/console/password/" in message:
            record.msg, record.args = safe_path(message), ()
        return True


def keep_tokens_out_of_logs() -> None:
    """Attach the filter to every logger of the framework. Done twice is the same."""
    for name in ("sanic.root", "sanic.error", "sanic.access", "sanic.server", "sanic.websockets"):
        logger = logging.getLogger(name)
        if not any(isinstance(present, NoTokens) for present in logger.filters):
            logger.addFilter(NoTokens())
