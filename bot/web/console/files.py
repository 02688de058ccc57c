"""What a shopper sent and was kept: pictures, voice notes, documents. Only of the shop's own conversations."""

from __future__ import annotations

import asyncio

from sanic import HTTPResponse

from bot.web.console.page import Page
from bot.web.console.rights import Right
from bot.web.console.visit import Visit
from bot.web.problems import Problem

HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
"""A stranger's file: it runs nothing and is guessed to be nothing else."""


async def show(visit: Visit) -> HTTPResponse:
    """Raises a 404 problem."""
    lane, name = visit.parameters["conversation_id"], visit.parameters["name"]
    if not name.startswith(f"{lane}-") or await visit.gateway.reads.conversation(visit.shop, lane) is None:
        raise Problem("not-found")
    found = await asyncio.to_thread(visit.console.files.read, lane, name)
    if found is None:
        raise Problem("not-found")
    return HTTPResponse(found[0], headers=HEADERS, content_type=found[1])


PAGES = (Page("GET", "/conversations/<conversation_id:str>/files/<name:str>", Right.READ, show),)
