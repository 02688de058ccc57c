"""``relais keys create``: make an API key; it stands alone on the last line and is never shown again."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from typing import Any

from bot import settings
from bot.core.addresses import ShopId
from bot.ledger.engine import open_ledger
from bot.ledger.keys import LedgerKeys, UnknownScope
from bot.ledger.schema import upgrade
from bot.ledger.shops import LedgerShops
from bot.ports import Unavailable
from bot.settings import Settings


def register(commands: Any) -> None:
    """Add ``keys`` and what it can do."""
    keys = commands.add_parser("keys", help="make API keys")
    create = keys.add_subparsers(dest="part", required=True).add_parser(
        "create", help="make a key and print it"
    )
    create.add_argument("--shop", required=True, help="id of the shop it is for")
    create.add_argument("--name", required=True, help="what it is for, shown in lists")
    create.add_argument("--scope", action="append", default=[], help="such as orders:read; none: all")
    create.add_argument("--test", action="store_true", help="mark it as a key for trying things out")
    create.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Exit status 2 for an unknown shop or scope, 1 when the ledger cannot be reached."""
    found = settings.load(os.environ, simulator=True)
    try:
        key = asyncio.run(_create(found, arguments))
    except (UnknownScope, LookupError) as error:
        print(f"relais: {error.args[0]}", file=sys.stderr)
        return 2
    except Unavailable as error:
        print(f"relais: {error}", file=sys.stderr)
        return 1
    print(key)
    return 0


async def _create(found: Settings, arguments: argparse.Namespace) -> str:
    ledger = open_ledger(found.database_url)
    try:
        await upgrade(ledger)
        shops = await LedgerShops(ledger, {}).ids()
        if ShopId(arguments.shop) not in shops:
            raise LookupError(f"no shop {arguments.shop}; there are {', '.join(shops) or 'none'}")
        return await LedgerKeys(ledger).create(
            arguments.shop, arguments.name, tuple(arguments.scope), live=not arguments.test
        )
    finally:
        await ledger.close()
