"""A scripted provider on a local port: it answers what a test says and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came over the wire."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body, keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Says:
    """One scripted answer. ``hang``: none at all; ``drop``: the connection is cut instead."""

    body: Any = ""
    status: int = 200
    hang: bool = False
    drop: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    """Of an answer in bytes."""


@dataclass(slots=True)
class Provider:
    """Answers in the order scripted; the last answer is repeated."""

    url: str = ""
    answers: list[Says] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def says(self, *answers: Says) -> None:
        self.answers = list(answers)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = (await request.read()).decode()
        self.asked.append(Asked(request.method, request.path, dict(request.query), headers, body))
        says = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if says.hang:
            await asyncio.sleep(3600)
        if says.drop:
            assert request.transport is not None
            request.transport.abort()
        if isinstance(says.body, bytes):
            return web.Response(body=says.body, status=says.status, headers=dict(says.headers))
        if isinstance(says.body, str):
            return web.Response(text=says.body, status=says.status, content_type="text/html")
        return web.json_response(says.body, status=says.status)
