"""Errors as RFC 9457 problems: one table of kinds, one form of answer, and never a word of what was submitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sanic import HTTPResponse

from bot.web.encoding import dumps

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One type of problem. ``meaning`` is what a developer reads at ``/problems/<slug>``."""

    slug: str
    status: int
    title: str
    meaning: str


_KINDS = (
    ProblemKind(
        "bad-request",
        400,
        "The request cannot be read",
        "The request line, a header or the encoding of the body is not valid. Repeating it unchanged will not help.",
    ),
    ProblemKind(
        "unauthorized",
        401,
        "A valid key is needed",
        "Send Authorization: Bearer <key>. The key is missing, unknown, revoked or expired. "
        "Keys are made with: relais keys create --shop SHOP --name NAME.",
    ),
    ProblemKind(
        "forbidden",
        403,
        "The key lacks a scope",
        "The key is valid for its shop but was made without the scope this operation needs; the detail names it.",
    ),
    ProblemKind(
        "not-found",
        404,
        "Nothing is here",
        "The address or the object does not exist, or it belongs to another shop than the key's. "
        "The two cases are deliberately not told apart.",
    ),
    ProblemKind(
        "method-not-allowed",
        405,
        "This method is not allowed here",
        "The Allow header of the answer lists the methods this address knows.",
    ),
    ProblemKind(
        "timeout",
        408,
        "The request took too long to arrive",
        "The body did not arrive in time. Send it again.",
    ),
    ProblemKind(
        "wrong-state",
        409,
        "The object's state does not allow it",
        "The request is well formed, but the object is in a state in which this cannot be done. Read it again first.",
    ),
    ProblemKind(
        "out-of-stock",
        409,
        "There are not enough pieces",
        "errors names every line that asks for more than is left, and how many there are. Nothing was reserved.",
    ),
    ProblemKind(
        "gone",
        410,
        "What you ask for was removed",
        "Events are kept for 30 days. The detail names the oldest number that is left: read the objects themselves "
        "again, then go on from there.",
    ),
    ProblemKind(
        "changed-meanwhile",
        412,
        "The object has changed",
        "If-Match names another version than the present one, or If-None-Match forbids that there is one. Read the "
        "object again, look at what changed, and send your change with the new ETag.",
    ),
    ProblemKind("too-large", 413, "The body is too large", "Bodies may have at most 256 kB (262,144 bytes), a catalogue 8 MB."),
    ProblemKind(
        "unsupported-media-type",
        415,
        "The body is of another kind",
        "Bodies are application/json; a catalogue to import is text/csv.",
    ),
    ProblemKind(
        "invalid",
        422,
        "The body or a parameter is not valid",
        "errors lists every field that was refused, as {field, code, detail}. Values are never repeated in it.",
    ),
    ProblemKind(
        "too-many-requests",
        429,
        "Too many requests",
        "The key's quota of this minute is used up; RateLimit-Policy and RateLimit say how large it is and what is left. "
        "Wait as long as Retry-After says, and spread your requests.",
    ),
    ProblemKind(
        "internal",
        500,
        "Something went wrong on our side",
        "The request id in the Request-Id header and in instance finds it in our log. Repeating a GET is safe; "
        "repeat a POST with the same Idempotency-Key.",
    ),
    ProblemKind(
        "unavailable",
        503,
        "A part of the system cannot be reached",
        "Nothing was changed, or it is not known yet whether it was: read the object again. "
        "Retry-After says when to try.",
    ),
)
KINDS: Mapping[str, ProblemKind] = {kind.slug: kind for kind in _KINDS}
_BY_STATUS: Mapping[int, ProblemKind] = {kind.status: kind for kind in reversed(_KINDS)}
"""The first of a status is the general one."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One refused field. ``field`` is its path (``lines.0.quantity``), ``code`` a stable word, ``detail`` for people."""

    field: str
    code: str
    detail: str


@dataclass(slots=True)
class Problem(Exception):
    """Ends a request with a problem answer. ``headers`` are added to it."""

    slug: str
    detail: str = ""
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> ProblemKind:
        return KINDS[self.slug]


def kind_of(status: int) -> ProblemKind:
    """The kind for a status of the framework's own errors; unknown ones count as 400 or 500."""
    known = _BY_STATUS.get(status)
    return known if known is not None else KINDS["bad-request" if 400 <= status < 500 else "internal"]


def body_of(problem: Problem, request_id: str) -> dict[str, Any]:
    """The JSON object of a problem."""
    kind = problem.kind
    body: dict[str, Any] = {
        "type": f"/problems/{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail or kind.title,
        "instance": f"urn:relais:request:{request_id}",
    }
    if problem.errors:
        body["errors"] = [{"field": e.field, "code": e.code, "detail": e.detail} for e in problem.errors]
    return body


def answer(problem: Problem, request_id: str) -> HTTPResponse:
    """The HTTP answer of a problem."""
    return HTTPResponse(
        dumps(body_of(problem, request_id)),
        status=problem.kind.status,
        content_type=CONTENT_TYPE,
        headers=dict(problem.headers),
    )
