"""One row of the console's table: an address, the right it asks for, what answers it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sanic import HTTPResponse

from bot.web.console.rights import Right
from bot.web.console.visit import Visit


@dataclass(frozen=True, slots=True)
class Page:
    """``path`` below ``/console``; every POST carries the session's form token."""

    method: str
    path: str
    right: Right
    handler: Callable[[Visit], Awaitable[HTTPResponse]]
    endless: bool = False
    """An event stream: no time-out of its own."""

    @property
    def name(self) -> str:
        words = re.sub(r"[^a-z]+", "_", re.sub(r":[a-z]+>", "", self.path)).strip("_")
        return f"{self.method.lower()}_{words or 'home'}"
