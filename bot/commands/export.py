"""``relais export --shop S --out FOLDER``: all that the ledger has of a shop, as JSON lines in the form of the API."""

from __future__ import annotations

import argparse
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from bot.commands import on_running
from bot.running import Running
from bot.web.ledger_port import ConversationFilter, Json, Listing, Window
from bot.web.ledger_reads import LedgerReads

Ask = Callable[[Window], Awaitable[Listing]]


def register(commands: Any) -> None:
    parser = commands.add_parser("export", help="write a shop's data as JSON lines, one file a kind")
    parser.add_argument("--shop", required=True)
    parser.add_argument("--out", type=Path, required=True, help="a folder, made if it is not there")
    parser.set_defaults(run=on_running(export))


async def export(system: Running, arguments: argparse.Namespace) -> str:
    """One file a kind; each is put in place whole. It contains personal data: the files are readable by you only."""
    shop = (await system.shop(arguments.shop)).id
    reads = LedgerReads(system.ledger)
    arguments.out.mkdir(parents=True, exist_ok=True)

    async def messages() -> AsyncIterator[Json]:
        async for conversation in _all(lambda window: reads.conversations(shop, window, ConversationFilter())):
            number = conversation["id"]
            async for message in _all(lambda window, number=number: reads.messages(shop, number, window)):  # type: ignore[misc]
                yield {"conversation_id": number, **message}

    kinds: dict[str, AsyncIterator[Json]] = {
        "orders": _all(lambda window: reads.orders(shop, window)),
        "customers": _all(lambda window: reads.customers(shop, window, None)),
        "conversations": _all(lambda window: reads.conversations(shop, window, ConversationFilter())),
        "messages": messages(),
        "products": _all(lambda window: reads.products(shop, window)),
        "zones": _all(lambda window: reads.zones(shop, window)),
    }
    return "\n".join([f"{kind}: {await _write(arguments.out / f'{kind}.jsonl', rows)}" for kind, rows in kinds.items()])


async def _all(ask: Ask) -> AsyncIterator[Json]:
    cursor: str | None = None
    while True:
        listing = await ask(Window(limit=100, cursor=cursor))
        for item in listing.items:
            yield item
        cursor = listing.next_cursor
        if cursor is None:
            return


async def _write(place: Path, rows: AsyncIterator[Json]) -> int:
    draft = place.with_suffix(".new")
    draft.touch(mode=0o600)
    count = 0
    with draft.open("w", encoding="utf-8") as file:
        async for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    draft.replace(place)
    return count
