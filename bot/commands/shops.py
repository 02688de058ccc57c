"""``relais shops check|import``: read the shops' files, say all that is wrong, and bring them into the ledger."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from bot import settings
from bot.ledger.engine import open_ledger
from bot.ledger.importing import Imported, import_shops
from bot.ledger.problems import ShopFilesError
from bot.ledger.schema import upgrade
from bot.ledger.shopfiles import read_shops
from bot.ports import Unavailable


def register(commands: Any) -> None:
    """Add ``shops`` and what it can do."""
    shops = commands.add_parser("shops", help="check the shops' files, import them")
    parts = shops.add_subparsers(dest="part", required=True)
    check = parts.add_parser("check", help="say all that is wrong in the files; write nothing")
    check.add_argument(
        "--serve", action="store_true", help="also require the secrets that `make serve` needs"
    )
    check.set_defaults(run=run_check)
    bring = parts.add_parser("import", help="bring changed files into the ledger")
    bring.add_argument(
        "--replace", action="store_true", help="overwrite what console and REST changed, never stock"
    )
    bring.set_defaults(run=run_import)


def run_check(arguments: argparse.Namespace) -> int:
    """Exit status 2 when something is wrong."""
    folder = settings.load(os.environ, simulator=True).shops_dir
    try:
        shops = read_shops(folder, os.environ, serve=arguments.serve)
    except ShopFilesError as error:
        print(error, file=sys.stderr)
        return 2
    for shop in shops:
        print(f"{shop.id}: {len(shop.products)} products, {len(shop.zones)} zones")
    return 0


def run_import(arguments: argparse.Namespace) -> int:
    """Exit status 2 when the files are wrong, 1 when the ledger cannot be reached."""
    found = settings.load(os.environ, simulator=True)
    try:
        done = asyncio.run(_import(found.database_url, found.shops_dir, arguments.replace))
    except ShopFilesError as error:
        print(error, file=sys.stderr)
        return 2
    except Unavailable as error:
        print(f"relais: {error}", file=sys.stderr)
        return 1
    for shop in done:
        print(f"{shop.shop_id}: {'imported' if shop.changed else 'unchanged'}")
        for field in shop.kept:
            print(f"{shop.shop_id}: kept {field} as it was changed here (--replace overwrites)")
    return 0


async def _import(url: str, folder: Path, replace: bool) -> list[Imported]:
    ledger = open_ledger(url)
    try:
        await upgrade(ledger)
        return await import_shops(ledger, folder, replace)
    finally:
        await ledger.close()
