"""What an operation of REST is, and what its handler gets. The router and the OpenAPI document read the same table."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from sanic import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core import addresses
from bot.web.api import etags
from bot.web.api.models import Shape
from bot.web.gateway import Gateway
from bot.web.ledger_port import Key, Listing, Window
from bot.web.problems import FieldError, Problem

B = TypeVar("B", bound=BaseModel)
W = TypeVar("W", bound=StrEnum)

_MODELS = ("KnownCustomer", "GivenAddress")
MAX_LIMIT = 100
DEFAULT_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Result:
    """A handler's answer. ``text`` instead of ``body`` for what is not JSON; neither for 204."""

    body: Mapping[str, Any] | None
    status: int = 200
    text: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One authorised request. ``parameters``: those of the path, decoded."""

    gateway: Gateway
    key: Key
    parameters: Mapping[str, str]
    request: Request
    connection: AsyncConnection | None = None
    """The transaction of an operation whose effect is in the ledger (``Operation.inside``)."""

    @property
    def shop(self) -> str:
        return self.key.shop_id

    @property
    def transaction(self) -> AsyncConnection:
        assert self.connection is not None, "the table must say Effect.INSIDE"
        return self.connection

    def query(self, name: str) -> str | None:
        """One query parameter; None when it was not given. Given twice is 422."""
        given = [value for key, value in queried(self.request) if key == name]
        if len(given) > 1:
            raise invalid(name, "given_twice", "may be given once")
        if given and "\x00" in given[0]:
            raise invalid(name, "control_character", "must not contain U+0000")
        return given[0] if given else None

    def whole(self, name: str, lowest: int, highest: int) -> int | None:
        """A whole number of the query."""
        raw = self.query(name)
        if raw is None:
            return None
        if not (raw.isascii() and raw.isdigit() and len(raw) < 19 and lowest <= int(raw) <= highest):
            raise invalid(name, "out_of_range", f"must be a whole number from {lowest} to {highest}")
        return int(raw)

    def word(self, name: str, words: type[W]) -> W | None:
        """One of some words."""
        raw = self.query(name)
        if raw is not None and raw not in list(words):
            raise invalid(name, "unknown_word", f"must be one of {', '.join(words)}")
        return None if raw is None else words(raw)

    def flag(self, name: str) -> bool:
        """``true`` or ``false``; absent is false."""
        raw = self.query(name)
        if raw not in (None, "true", "false"):
            raise invalid(name, "not_a_boolean", "must be true or false")
        return raw == "true"

    def time(self, name: str) -> datetime | None:
        """An RFC 3339 time with its zone."""
        raw = self.query(name)
        if raw is None:
            return None
        try:
            # In a query "+" is a blank unless it was encoded.
            found = datetime.fromisoformat(raw.replace(" ", "+"))
            if found.tzinfo is None or "T" not in raw.upper():
                raise ValueError
            return found.astimezone(UTC)
        except (ValueError, OverflowError):
            raise invalid(name, "not_a_time", "must look like 2026-11-24T08:15:00Z") from None

    def text(self, name: str) -> str | None:
        """Words to look for, 1 to 100 characters."""
        raw = self.query(name)
        if raw is not None and not 1 <= len(raw) <= 100:
            raise invalid(name, "wrong_length", "must have 1 to 100 characters")
        return raw

    def window(self) -> Window:
        """``limit`` and ``cursor``, checked."""
        limit = self.whole("limit", 1, MAX_LIMIT)
        return Window(DEFAULT_LIMIT if limit is None else limit, self.query("cursor") or None)

    def address(self) -> str | None:
        """``address``, normalised as addresses are stored; None when it was not asked for."""
        raw = self.query("address")
        if raw is None:
            return None
        found = addresses.parse(raw)
        if found is None:
            raise invalid("address", "not_an_address", "must look like whatsapp:+2250700000001")
        return str(found)

    def demand(self, now: Mapping[str, Any] | None) -> bool:
        """Do ``If-Match`` and ``If-None-Match`` allow a change to what is there now (None: nothing)?"""
        headers = self.request.headers
        return etags.allows(headers.get("if-match"), headers.get("if-none-match"), now)

    def body(self, model: type[B]) -> B:
        """The JSON body as a model. Raises a 422 that repeats no value."""
        try:
            return model.model_validate_json(json.dumps(self.json()))
        except ValidationError as error:
            found = error.errors(include_input=False, include_url=False, include_context=False)
            raise Problem("invalid", errors=[_field_error(detail) for detail in found]) from None

    def json(self) -> Any:
        """The body as JSON. Raises a 422."""
        try:
            return json.loads(self.request.body or b"")
        except (ValueError, RecursionError):
            raise invalid("", "not_json", "the body must be a JSON object in UTF-8") from None

    def idempotency_key(self) -> str | None:
        """``Idempotency-Key``, bare or as a quoted string; None when absent."""
        raw: str | None = self.request.headers.get("idempotency-key")
        if raw is None:
            return None
        key = raw.strip().removeprefix('"').removesuffix('"')
        if not (1 <= len(key) <= 255 and key.isascii() and key.isprintable() and " " not in key):
            raise Problem("bad-request", "Idempotency-Key: 1 to 255 visible ASCII characters")
        return key


def _field_error(detail: Mapping[str, Any]) -> FieldError:
    # Of a choice between models pydantic names the model as well; it is none of the caller's words.
    parts = [str(part) for part in detail["loc"] if str(part) not in _MODELS]
    path = ".".join(parts)
    if detail["type"] == "extra_forbidden":
        # The name itself was submitted by the caller; its place is enough.
        path = ".".join(parts[:-1])
        return FieldError(path, "unknown_field", "a field that is not known here")
    return FieldError(path, str(detail["type"]), str(detail["msg"]))


def queried(request: Request) -> list[tuple[str, str]]:
    """The query as names and values, empty ones too."""
    return request.get_query_args(keep_blank_values=True)


def invalid(name: str, code: str, detail: str) -> Problem:
    """A 422 about one field or parameter."""
    return Problem("invalid", errors=[FieldError(name, code, detail)])


def listing(found: Listing) -> Result:
    return Result({"items": list(found.items), "next_cursor": found.next_cursor})


def one(found: Mapping[str, Any] | None) -> Result:
    """The object, or 404: unknown and another shop's are not told apart."""
    if found is None:
        raise Problem("not-found")
    return Result(found)


Handler = Callable[[Call], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter beside ``limit`` and ``cursor``. ``schema``: its JSON schema."""

    name: str
    description: str
    example: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


class Effect(StrEnum):
    """Where a POST takes effect, which decides how a repeat under its Idempotency-Key is told."""

    INSIDE = "inside"
    """In one ledger transaction, which also keeps the answer."""
    OUTSIDE = "outside"
    """In a lane or the health board, where the same thing asked again is done once."""


JSON = "application/json"
CSV = "text/csv"
STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path. ``path`` is below ``/api/v1`` with ``{names}``; ``statuses`` beyond the usual ones."""

    method: str
    path: str
    scope: str
    summary: str
    handler: Handler = field(repr=False)
    answer: type[Shape] | None
    """None: no JSON object (204, CSV, stream)."""
    many: bool = False
    """The answer is a list of ``answer``."""
    body: type[BaseModel] | None = None
    example: Mapping[str, Any] | None = None
    """A body that is accepted."""
    success: int = 200
    statuses: tuple[int, ...] = ()
    query: tuple[Parameter, ...] = ()
    effect: Effect = Effect.OUTSIDE
    etag: bool = False
    """GET: answers with an ETag and knows 304. PUT, PATCH: obeys If-Match and If-None-Match."""
    unsealed: Callable[[Call, Mapping[str, Any]], Mapping[str, Any]] | None = field(default=None, repr=False)
    """Fields added to the answer that are never stored, also not for a repeat: secrets."""
    media: str = JSON
    """Of the answer."""
    takes: str = JSON
    """Of the body."""
    most_bytes: int = 256 * 1024
    """Of the body."""
    seconds: float = 10.0
    """Then it is 503. The server itself ends a request after 15."""
    description: str = ""

    @property
    def id(self) -> str:
        """``get_conversations_id_messages``"""
        words = self.path.strip("/").replace("{", "").replace("}", "").replace("/", "_").replace(".", "_")
        return f"{self.method.lower()}_{words}"

    @property
    def idempotent(self) -> bool:
        """Takes an Idempotency-Key: every POST does."""
        return self.method == "POST"

    @property
    def takes_body(self) -> bool:
        return self.body is not None or self.takes != JSON

    @property
    def parameters(self) -> frozenset[str]:
        """Names its query may have."""
        return frozenset(extra.name for extra in self.query) | ({"limit", "cursor"} if self.many else set())

    @property
    def all_statuses(self) -> tuple[int, ...]:
        """Every status it may answer, the success first."""
        usual = {400, 401, 403, 413, 422, 429, 500, 503, *self.statuses}
        if "{" in self.path:
            usual.add(404)
        if self.takes_body:
            usual.add(415)
        if self.etag:
            usual.add(304 if self.method == "GET" else 412)
        return (self.success, *sorted(usual - {self.success}))


ADDRESS = Parameter("address", "Only what belongs to this address", "whatsapp:+2250700000001")


def time_parameter(name: str, description: str) -> Parameter:
    """A query parameter that is an instant."""
    schema = {"type": "string", "format": "date-time"}
    return Parameter(name, description, "2026-11-24T08:15:00Z", schema)


def word_parameter(name: str, description: str, words: type[StrEnum] | tuple[str, ...]) -> Parameter:
    """A query parameter that is one of some words."""
    known = [str(word) for word in words]
    return Parameter(name, description, known[0], {"type": "string", "enum": known})


TEXT = {"type": "string", "minLength": 1, "maxLength": 100}
