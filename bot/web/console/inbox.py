"""The list of conversations: who waits for a person first, the assistant's, all; search and filters."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape
from sanic import HTTPResponse

from bot.core.words import fold
from bot.ledger.inbox import PAGE, Filters, Folder, LedgerInbox, Place, Row
from bot.ledger.reading import LedgerReading
from bot.ledger.search_index import words_of
from bot.ledger.times import instant
from bot.web.console import words
from bot.web.console.page import Page
from bot.web.console.rights import Right
from bot.web.console.visit import Visit
from bot.web.encoding import json_answer
from bot.web.ledger_port import BadCursor
from bot.web.problems import Problem

AROUND = 60
"""Characters of a hit shown on each side."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A stretch of the list as the templates show it."""

    folder: str
    rows: Sequence[Row]
    counts: dict[str, int]
    more: str | None
    query: str
    channel: str
    day: str
    ordered: bool
    only_unread: bool
    unread: frozenset[str]
    """Conversations of these rows with words this person has not seen."""
    suffix: str
    """The query string that keeps folder and filters."""


async def listed(visit: Visit) -> Listed:
    """What the address asks for. Raises Unavailable, BadCursor."""
    inbox = LedgerInbox(visit.console.ledger)
    shop = await visit.shop_facts()
    folder = visit.query("dossier")
    kind = Folder(folder) if folder in set(Folder) else Folder.WAITING
    query, channel, day = visit.query("q"), visit.query("canal"), visit.query("jour")
    ordered, only_unread = visit.query("commande") == "1", visit.query("nonlus") == "1"
    filters = Filters(
        channel=channel if channel in words.CHANNELS else None,
        day=_day(day, shop.timezone),
        with_order=ordered,
        unread_by=visit.user if only_unread else None,
    )
    counts = await inbox.counts(visit.shop)
    if not folder and counts["waiting"] == 0:
        kind = Folder.ALL
    if query:
        rows: Sequence[Row] = await inbox.search(visit.shop, query)
        more = None
    else:
        found = await inbox.list(visit.shop, kind, filters, _place(visit.query("suite", 300)))
        cut = found if kind is Folder.WAITING else found[:PAGE]
        last = cut[-1] if len(found) > len(cut) else None
        rows, more = cut, _cursor(last) if last is not None else None
    kept = {"dossier": kind.value if not query else "", "q": query, "canal": channel, "jour": day}
    if ordered:
        kept["commande"] = "1"
    if only_unread:
        kept["nonlus"] = "1"
    suffix = urlencode({name: value for name, value in kept.items() if value})
    unread = await LedgerReading(visit.console.ledger).unread(visit.user, [row.id for row in rows])
    return Listed(kind.value, rows, counts, more, query, channel, day, ordered, only_unread, unread, suffix)


async def home(visit: Visit) -> HTTPResponse:
    return visit.go("/conversations")


async def page(visit: Visit) -> HTTPResponse:
    shop = await visit.shop_facts()
    return visit.page(
        "conversations.html", shop=shop, list=await listed(visit), open=None, mark=mark, now=visit.now
    )


async def rows(visit: Visit) -> HTTPResponse:
    """Only the list, for the script that keeps it fresh."""
    shop = await visit.shop_facts()
    return visit.page(
        "_list.html",
        shop=shop,
        list=await listed(visit),
        open=visit.query("ouverte"),
        mark=mark,
        now=visit.now,
    )


async def counts(visit: Visit) -> HTTPResponse:
    """How many wait; also how a page finds out that its session is over."""
    return json_answer(await LedgerInbox(visit.console.ledger).counts(visit.shop))


async def catch_up(visit: Visit) -> HTTPResponse:
    """Everything is read, for this person."""
    await LedgerReading(visit.console.ledger).catch_up(visit.user, instant(visit.now))
    return visit.go("/conversations", "caught-up", dossier="all")


async def mark_unread(visit: Visit) -> HTTPResponse:
    """For this person; back to the list, or it would be read again at once."""
    conversation_id = visit.parameters["conversation_id"]
    if await visit.gateway.reads.conversation(visit.shop, conversation_id) is None:
        raise Problem("not-found")
    await LedgerReading(visit.console.ledger).mark_unread(visit.user, conversation_id)
    return visit.go("/conversations", dossier="all")


def mark(text: str, query: str) -> Markup:
    """The words around a hit, with the hits marked; the text stays text."""
    flat, places = _folded(text)
    hits = sorted(
        (places[m.start()], places[m.end() - 1] + 1)
        for word in words_of(query)
        for m in re.finditer(rf"(?<![^\W_]){word}", flat)
    )
    if not hits:
        return escape(text[: 2 * AROUND])
    begin = max(0, hits[0][0] - AROUND)
    end = min(len(text), begin + 3 * AROUND)
    out, at = Markup("…" if begin else ""), begin
    for first, last in hits:
        if first < at or last > end:
            continue
        out += escape(text[at:first]) + Markup("<mark>") + escape(text[first:last]) + Markup("</mark>")
        at = last
    return out + escape(text[at:end]) + Markup("…" if end < len(text) else "")


def _folded(text: str) -> tuple[str, list[int]]:
    """The text without accents, and where each of its characters came from."""
    flat, places = "", []
    for place, character in enumerate(text):
        for letter in fold(character):
            flat += letter
            places.append(place)
    return flat, places


def _day(written: str, zone: str) -> tuple[datetime, datetime] | None:
    try:
        begin = datetime.combine(date.fromisoformat(written), datetime.min.time(), ZoneInfo(zone))
    except ValueError:
        return None
    return begin, begin + timedelta(days=1)


def _cursor(row: Row) -> str:
    assert row.last_message_at is not None
    plain = json.dumps([row.last_message_at.isoformat(), row.id])
    return base64.urlsafe_b64encode(plain.encode()).rstrip(b"=").decode()


def _place(cursor: str) -> Place | None:
    if not cursor:
        return None
    try:
        at, id_ = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or not isinstance(id_, str):
            raise ValueError("not a place of the list")
    except (ValueError, TypeError) as error:
        raise BadCursor("not a cursor of this list") from error
    return Place(moment, id_)


PAGES = (
    Page("GET", "", Right.READ, home),
    Page("GET", "/conversations", Right.READ, page),
    Page("GET", "/list", Right.READ, rows),
    Page("GET", "/counts", Right.READ, counts),
    Page("POST", "/read", Right.OWN, catch_up),
    Page("POST", "/conversations/<conversation_id:str>/unread", Right.OWN, mark_unread),
)
