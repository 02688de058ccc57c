"""One request to the console by somebody who is signed in: who, for which shop, with what."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from sanic import HTTPResponse, Request
from sanic.response import redirect

from bot.core.addresses import ShopId
from bot.core.shops import Shop
from bot.ledger.users import KnownUser
from bot.storage.sessions import Session
from bot.web.console import guard, rendering
from bot.web.console.parts import Console
from bot.web.console.rights import Right, may
from bot.web.gateway import Gateway, in_time
from bot.web.problems import Problem

_ONCE = re.compile(r"[0-9a-f]{24}")
MOST_TEXT = 4000


@dataclass(slots=True)
class Visit:
    """A request with its session. ``gateway`` and ``shop`` are what ``lane_calls`` asks for."""

    gateway: Gateway
    console: Console
    request: Request
    user: KnownUser
    session: Session
    word: str = field(repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict)
    known: Shop | None = None

    @property
    def shop(self) -> str:
        return self.user.shop_id

    @property
    def now(self) -> float:
        return self.gateway.clock.now()

    @property
    def partial(self) -> bool:
        """A script asked for a piece of a page."""
        return self.request.headers.get("hx-request") == "true"

    def may(self, right: str) -> bool:
        return may(self.user.role, Right(right))

    async def shop_facts(self) -> Shop:
        """The shop as the rules know it. Raises Unavailable, and a 404 problem when it is gone."""
        if self.known is None:
            self.known = await in_time(self.gateway.shops.get(ShopId(self.shop)))
        if self.known is None:
            raise Problem("not-found")
        return self.known

    # --- what was sent --------------------------------------------------------------------------------------

    def query(self, name: str, most: int = 100) -> str:
        return (self.request.args.get(name) or "").replace("\x00", "").strip()[:most]

    def form(self, name: str, most: int = MOST_TEXT) -> str:
        """A field of the form, without NUL and blanks around; longer ones are cut."""
        found = self.request.get_form(keep_blank_values=True)
        value = (found.get(name) if found else None) or ""
        return value.replace("\x00", "").replace("\r\n", "\n").strip()[:most]

    def form_all(self, name: str) -> list[str]:
        found = self.request.get_form(keep_blank_values=True)
        return [value.replace("\x00", "").strip() for value in (found.getlist(name) if found else None) or []]

    def once(self) -> str:
        """The form's one-time id: a double tap sends it twice, and it counts once."""
        given = self.form("once", 24)
        return given if _ONCE.fullmatch(given) else secrets.token_hex(12)

    # --- what is answered -----------------------------------------------------------------------------------

    def page(self, template: str, status: int = 200, **values: Any) -> HTTPResponse:
        """A whole page, or a fragment's template, in the person's language."""
        return rendering.answer(
            self.request,
            template,
            status,
            language=self.user.language,
            visit=self,
            csrf=guard.masked(self.session.csrf),
            once=secrets.token_hex(12),
            **values,
        )

    def go(self, path: str, said: str = "", **query: str) -> HTTPResponse:
        """303 to a page of ours. ``said``: code of the sentence it shows on top."""
        fields = {**query, **({"fait": said} if said else {})}
        return redirect(f"/console{path}{'?' + urlencode(fields) if fields else ''}", status=303)

    async def note(self, action: str, object_: str = "", **detail: Any) -> None:
        """Put it into the trail of what people did."""
        await self.console.audit.add(self.shop, self.user.id, self.user.name, action, object_, **detail)
