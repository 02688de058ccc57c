"""Logging: one JSON object a line, `area.event` and fields, and nothing a stranger could use.

Addresses leave as keyed fingerprints. Fields that carry words of a shopper, bodies or secrets are blanked by
name, whatever is in them: a log is read by more people than a conversation.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import sys
import traceback
from collections.abc import Mapping
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.core.addresses import Address

BLANK = "[blanked]"
FORBIDDEN = frozenset(
    {"text", "body", "token", "secret", "auth", "authorization", "password", "cookie", "signature", "payload"}
)
"""A field is blanked if one of these is a word of its name: `auth_token`, `request_body`, `text`."""

_ADDRESS = re.compile(r"\b(?:whatsapp|tel|telegram|sms|web):[+\w.\-]{3,}|\+?\b(?:00)?225[\d ]{8,14}\b|\+\d{8,15}\b")
_NOISY = ("httpx", "httpcore", "telegram", "twilio", "sanic.access", "aiosqlite", "rasa_sdk")


class Fingerprint:
    """Keyed fingerprints: equal addresses stay recognisable in one installation's logs, and mean nothing elsewhere."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"relais log fingerprint", hashlib.sha256)

    def __call__(self, address: Address | str) -> str:
        """Return 12 hex digits."""
        return hmac.new(self._key, str(address).encode(), hashlib.sha256).hexdigest()[:12]


def configure(
    process: str, secret: bytes, *, show_errors: bool = False, level: int = logging.INFO, stream: TextIO | None = None
) -> None:
    """Send all logs of this process, also those of libraries, to `stream` (standard output) as JSON lines.

    `show_errors`: keep the messages of exceptions, which may quote what a shopper wrote; only where shoppers
    are simulated. Without it an error is its type and the places it passed.
    """
    handler = logging.StreamHandler(stream or sys.stdout)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _Named(process),
        _Errors(show_errors),
        Redact(secret),
    ]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # They log request lines at INFO; Telegram's carry the bot's token, ours the shopper's page.
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def get_logger() -> structlog.stdlib.BoundLogger:
    """Return a logger: `get_logger().info("lane.taken", lane=lane)`. Bind context with `structlog.contextvars`."""
    return cast(structlog.stdlib.BoundLogger, structlog.get_logger("relais"))


class Redact:
    """Blanks forbidden fields and turns every address it meets into its fingerprint, at any depth."""

    def __init__(self, secret: bytes) -> None:
        self._fingerprint = Fingerprint(secret)

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        return {name: self._clean(str(name), value) for name, value in event.items()}

    def _clean(self, name: str, value: Any) -> Any:
        if name.startswith("_"):  # structlog's own bookkeeping; taken out before anything is printed
            return value
        if not FORBIDDEN.isdisjoint(re.split(r"[_\-. ]", name.lower())):
            return BLANK
        match value:
            case Address():
                return self._fingerprint(value)
            case bool() | int() | float() | None:
                return value
            case bytes():
                return f"[{len(value)} bytes]"
            case str():
                return _ADDRESS.sub(lambda found: self._fingerprint(found[0]), value)
            case Mapping():
                return {str(key): self._clean(str(key), item) for key, item in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._clean("", item) for item in value]
            case _:
                return self._clean("", str(value))


class _Named:
    """Says which process wrote the line."""

    def __init__(self, process: str) -> None:
        self._process = process

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        event["process"] = self._process
        return event


class _Errors:
    """Replaces `exc_info` by `error` (type, and message only where allowed) and `at` (file:line, innermost last)."""

    def __init__(self, show: bool) -> None:
        self._show = show

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        raised = event.pop("exc_info", None)
        if raised is True or (isinstance(raised, tuple) and raised[1] is None):
            raised = sys.exc_info()
        error = raised[1] if isinstance(raised, tuple) else raised
        if isinstance(error, BaseException):
            event["error"] = [self._line(link) for link in _chain(error)]
            frames = traceback.extract_tb(error.__traceback__)
            event["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]]
        return event

    def _line(self, error: BaseException) -> str:
        name = f"{type(error).__module__}.{type(error).__qualname__}"
        return f"{name}: {error}" if self._show else name


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what caused it, outermost first."""
    links: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in links:
        links.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return links
