"""Every way a request can fail, answered in the form of its area: problem+json, plain words for providers, a page for shoppers."""

from __future__ import annotations

import logging
import re
from typing import Any

from sanic import HTTPResponse, Request, Sanic
from sanic.exceptions import MethodNotAllowed, PayloadTooLarge, SanicException
from sanic.handlers import ErrorHandler

from bot.ports import Unavailable
from bot.web import problems
from bot.web.chat import pages
from bot.web.console import rendering
from bot.web.problems import Problem
from bot.web.requests import request_id, safe_path

log = logging.getLogger("relais.web")


class Errors(ErrorHandler):
    """The one place of the public side that catches everything: it counts it, and says nothing of its insides."""

    def default(self, request: Request, exception: Exception) -> HTTPResponse:
        problem = _as_problem(request, exception)
        if problem.kind.status >= 500 and not isinstance(exception, Unavailable):
            log.error(
                "web.failed",
                extra={"path": safe_path(_path(request)), "request_id": request_id(request)},
                exc_info=exception if problem.slug == "internal" else None,
            )
        return answer(request, problem)

    @staticmethod
    def log(request: Request, exception: Exception) -> None:
        """Sanic would log the address, which may carry a page's token; ``default`` has logged what matters."""


def _as_problem(request: Request, error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case Unavailable():
            return Problem(
                "unavailable", "The store or the ledger cannot be reached.", headers={"Retry-After": "1"}
            )
        case MethodNotAllowed():
            return Problem("method-not-allowed", headers={"Allow": allowed(request.app, _path(request))})
        case PayloadTooLarge():
            return Problem("too-large", headers={"Connection": "close"})
        case SanicException():
            kind = problems.kind_of(error.status_code)
            retry = {"Retry-After": "1"} if kind.status == 503 else {}
            return Problem(kind.slug, headers=retry)
        case _:
            return Problem("internal")


def answer(request: Request, problem: Problem) -> HTTPResponse:
    """The problem in the form of the area it happened in."""
    path = _path(request)
    if path.startswith("/webhooks/"):
        words = f"{problem.kind.slug}\n"
        return HTTPResponse(
            words, problem.kind.status, dict(problem.headers), content_type="text/plain; charset=utf-8"
        )
    if path == "/console" or path.startswith("/console/"):
        page = rendering.problem(request, problem.kind.status)
        page.headers.update(dict(problem.headers))
        return page
    if path.startswith(("/c/", "/s/")):
        page = _page(problem)
        page.headers.update(dict(problem.headers))
        return page
    return problems.answer(problem, request_id(request))


def _page(problem: Problem) -> HTTPResponse:
    status = problem.kind.status
    if status == 404:
        return pages.not_found()
    if status >= 500:
        return pages.unavailable()
    return pages.notice(
        status, "Cela n'a pas marché", "La page n'a pas compris cette demande. Revenez en arrière."
    )


def _path(request: Request | None) -> str:
    try:
        return request.path if request is not None else ""
    except (AttributeError, ValueError):  # the request line itself may be what was broken
        return ""


def allowed(app: Sanic[Any, Any], path: str) -> str:
    """Methods of every route that matches the path. RFC 9110 15.5.6; Sanic leaves it out where a path has parameters."""
    methods: set[str] = set()
    for route in app.router.routes:
        pattern = re.sub(
            r"<[^>]*>", "[^/]+", re.sub(r"(^|>)[^<]*", lambda part: _escaped(part[0]), route.path)
        )
        if re.fullmatch(pattern, path.strip("/")):
            methods |= set(route.methods)
    return ", ".join(sorted(methods))


def _escaped(part: str) -> str:
    return ">" + re.escape(part[1:]) if part.startswith(">") else re.escape(part)
