"""A conversation to take away: as text, as JSON, as a page to print."""

from __future__ import annotations

import json

from sanic import HTTPResponse

from bot.ledger import views
from bot.ledger.inbox import LedgerInbox
from bot.web.console import conversation, words
from bot.web.console.page import Page
from bot.web.console.rights import Right
from bot.web.console.visit import Visit

MOST = 5000
"""Messages in one export, the last ones."""


async def export(visit: Visit) -> HTTPResponse:
    conversation_id, shop = visit.parameters["conversation_id"], await visit.shop_facts()
    story = await conversation.story(visit)
    rows = (await LedgerInbox(visit.console.ledger).messages(visit.shop, conversation_id, None, MOST))[-MOST:]
    await visit.note("talk.exported", conversation_id)
    if visit.query("forme") == "json":
        body = {**story.shown, "messages": [views.message(row) for row in rows]}
        return _file(
            json.dumps(body, ensure_ascii=False, indent=2), "application/json", f"{conversation_id}.json"
        )
    lines = [f"{shop.name} / {story.name}", ""]
    for row in rows:
        at = words.local(row.created_at, shop.timezone)
        who = {"shopper": story.name, "bot": "Assistant", "vendor": shop.name}.get(row.author, "Relais")
        road = words.CHANNELS.get(row.channel or "", "")
        late = " (arrivé tard)" if row.late else ""
        lines.append(f"[{at:%Y-%m-%d %H:%M}] {who} ({road}, {words.TICKS[row.status]}){late}: {row.text}")
    return _file("\n".join(lines) + "\n", "text/plain; charset=utf-8", f"{conversation_id}.txt")


async def printable(visit: Visit) -> HTTPResponse:
    shop = await visit.shop_facts()
    return visit.page(
        "print_conversation.html",
        shop=shop,
        story=await conversation.story(visit),
        now=visit.now,
        before=None,
    )


def _file(body: str, kind: str, name: str) -> HTTPResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HTTPResponse(body.encode("utf-8", "replace"), headers=headers, content_type=kind)


PAGES = (
    Page("GET", "/conversations/<conversation_id:str>/export", Right.READ, export),
    Page("GET", "/conversations/<conversation_id:str>/print", Right.READ, printable),
)
