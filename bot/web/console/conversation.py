"""One conversation: its whole story, who has it in hand, where an answer will go, and what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sanic import HTTPResponse

from bot.core.conversations import Conversation
from bot.core.shops import Shop
from bot.flows import channel_states
from bot.ledger.beside import LedgerBeside
from bot.ledger.inbox import MESSAGES, LedgerInbox
from bot.ledger.order_board import LedgerOrderBoard
from bot.ledger.reading import LedgerReading
from bot.ledger.times import instant
from bot.ports import Unavailable
from bot.web.api import conversations as rest
from bot.web.api.lane_calls import committed
from bot.web.console import inbox, words
from bot.web.console.page import Page
from bot.web.console.rights import Right
from bot.web.console.road import Road, Window, road, window
from bot.web.console.timeline import Item, build
from bot.web.console.visit import Visit
from bot.web.gateway import in_time
from bot.web.problems import Problem


@dataclass(frozen=True, slots=True)
class Story:
    """What the templates need of one conversation."""

    shown: Mapping[str, Any]
    """As REST shows it."""
    name: str
    items: list[Item]
    older: int | None
    """Number before which there is more."""
    orders: list[Any]
    record: Conversation | None
    """None: the store forgot it or cannot be reached; the ledger's copy is shown."""
    road: Road | None
    window: Window | None
    unreachable: bool


async def story(visit: Visit, before: int | None = None) -> Story:
    """Everything of the conversation in the address. Raises a 404 problem, Unavailable."""
    conversation_id, shop = visit.parameters["conversation_id"], await visit.shop_facts()
    ledger = visit.console.ledger
    box = LedgerInbox(ledger)
    try:
        record = await committed(visit.gateway, visit.shop, conversation_id)
        channels = channel_states.routed(await in_time(channel_states.known(visit.gateway.board, shop)))
    except Unavailable:
        record, channels = None, {}
    shown = (
        rest.shape(record)
        if record is not None
        else await visit.gateway.reads.conversation(visit.shop, conversation_id)
    )
    if shown is None:
        raise Problem("not-found")
    rows = await box.messages(visit.shop, conversation_id, before)
    more, rows = len(rows) > MESSAGES, rows[-MESSAGES:]
    since = rows[0].created_at if more else instant(0)
    if rows and before is None:
        await LedgerReading(ledger).read_to(visit.user, conversation_id, rows[-1].serial)
    orders = await LedgerOrderBoard(ledger).of_conversation(visit.shop, conversation_id)
    items = build(
        rows,
        record if before is None else None,
        await box.turns(visit.shop, conversation_id, since),
        await box.notes(visit.shop, conversation_id),
        orders,
        shop.timezone,
        complete=not more,
    )
    if before is not None:
        last = rows[-1].created_at if rows else since
        items = [item for item in items if item.at <= last]
    return Story(
        shown=shown,
        name=words.shown_name(shown["customer"]["name"], _addresses(shown)),
        items=items,
        older=rows[0].serial if more else None,
        orders=orders,
        record=record,
        road=road(record, shop, channels, visit.now) if record is not None and channels else None,
        window=window(record, visit.now) if record is not None else None,
        unreachable=record is not None and record.unreachable_told,
    )


def _addresses(shown: Mapping[str, Any]) -> list[str]:
    return [entry["address"] for entry in shown["customer"]["addresses"]]


async def page(visit: Visit) -> HTTPResponse:
    """The story beside the list; on a phone the story alone."""
    return visit.page("conversation.html", **await _values(visit, await story(visit, _before(visit))))


async def log(visit: Visit) -> HTTPResponse:
    """Only the story, for the script that keeps it fresh."""
    return visit.page("_story.html", **await _values(visit, await story(visit), alone=True))


async def _values(visit: Visit, told: Story, alone: bool = False) -> dict[str, Any]:
    shop: Shop = await visit.shop_facts()
    values: dict[str, Any] = {"shop": shop, "story": told, "now": visit.now, "before": _before(visit)}
    if not alone:
        values["list"] = await inbox.listed(visit)
        values["open"] = told.shown["id"]
        values["mark"] = inbox.mark
        values["canned"] = await LedgerBeside(visit.console.ledger).canned(visit.shop)
    return values


def _before(visit: Visit) -> int | None:
    written = visit.query("avant", 12)
    return int(written) if written.isascii() and written.isdigit() else None


PAGES = (
    Page("GET", "/conversations/<conversation_id:str>", Right.READ, page),
    Page("GET", "/conversations/<conversation_id:str>/log", Right.READ, log),
)
