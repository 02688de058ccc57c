"""What an operation of REST is, and what its handler gets. The router and the OpenAPI document read the same table."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from sanic import Request

from bot.core import addresses
from bot.web.api.models import Shape
from bot.web.gateway import Gateway
from bot.web.ledger_port import Key, Listing, Window
from bot.web.problems import FieldError, Problem

B = TypeVar("B", bound=BaseModel)

MAX_LIMIT = 100
DEFAULT_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Result:
    """A handler's answer."""

    body: Mapping[str, Any]
    status: int = 200


@dataclass(frozen=True, slots=True)
class Call:
    """One authorised request. ``parameters``: those of the path, decoded."""

    gateway: Gateway
    key: Key
    parameters: Mapping[str, str]
    request: Request

    @property
    def shop(self) -> str:
        return self.key.shop_id

    def window(self) -> Window:
        """``limit`` and ``cursor``, checked."""
        raw = self.request.args.get("limit")
        limit = DEFAULT_LIMIT
        if raw is not None:
            if not (raw.isascii() and raw.isdigit() and len(raw) < 6 and 1 <= int(raw) <= MAX_LIMIT):
                raise invalid("limit", "out_of_range", f"must be a whole number from 1 to {MAX_LIMIT}")
            limit = int(raw)
        return Window(limit, self.request.args.get("cursor") or None)

    def address(self) -> str | None:
        """``address``, normalised as addresses are stored; None when it was not asked for."""
        raw = self.request.args.get("address")
        if raw is None:
            return None
        found = addresses.parse(raw)
        if found is None:
            raise invalid("address", "not_an_address", "must look like whatsapp:+2250700000001")
        return str(found)

    def body(self, model: type[B]) -> B:
        """The JSON body as a model. Raises a 422 that repeats no value."""
        try:
            data = json.loads(self.request.body or b"")
        except (ValueError, RecursionError):
            raise invalid("", "not_json", "the body must be a JSON object in UTF-8") from None
        try:
            return model.model_validate_json(json.dumps(data))
        except ValidationError as error:
            found = error.errors(include_input=False, include_url=False, include_context=False)
            raise Problem("invalid", errors=[_field_error(detail) for detail in found]) from None

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
    path = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        # The name itself was submitted by the caller; its place is enough.
        path = ".".join(str(part) for part in detail["loc"][:-1])
        return FieldError(path, "unknown_field", "a field that is not known here")
    return FieldError(path, str(detail["type"]), str(detail["msg"]))


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
    """A query parameter beside ``limit`` and ``cursor``."""

    name: str
    description: str
    example: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path. ``path`` is below ``/api/v1`` with ``{names}``; ``statuses`` beyond the usual ones."""

    method: str
    path: str
    scope: str
    summary: str
    handler: Handler = field(repr=False)
    answer: type[Shape]
    many: bool = False
    """The answer is a list of ``answer``."""
    body: type[BaseModel] | None = None
    example: Mapping[str, Any] | None = None
    """A body that is accepted."""
    success: int = 200
    statuses: tuple[int, ...] = ()
    query: tuple[Parameter, ...] = ()
    idempotent: bool = False
    """Takes an Idempotency-Key."""

    @property
    def id(self) -> str:
        """``get_conversations_id_messages``"""
        words = self.path.strip("/").replace("{", "").replace("}", "").replace("/", "_")
        return f"{self.method.lower()}_{words}"

    @property
    def all_statuses(self) -> tuple[int, ...]:
        """Every status it may answer, the success first."""
        usual = {400, 401, 403, 413, 500, 503, *self.statuses}
        if "{" in self.path:
            usual.add(404)
        if self.body is not None or self.many:
            usual.add(422)
        return (self.success, *sorted(usual))


ADDRESS = Parameter("address", "Only what belongs to this address", "whatsapp:+2250700000001")
