"""``relais keys``: make API keys (shown once, alone on the last line), list, rotate and revoke them."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from bot import settings
from bot.core.addresses import ShopId
from bot.ledger.engine import Ledger, open_ledger
from bot.ledger.keys import KnownKey, LedgerKeys, UnknownScope
from bot.ledger.schema import upgrade
from bot.ledger.shops import LedgerShops
from bot.ledger.times import shown, shown_or_none
from bot.ports import Unavailable
from bot.settings import Settings


def register(commands: Any) -> None:
    """Add ``keys`` and what it can do."""
    keys = commands.add_parser("keys", help="make, list, rotate and revoke API keys")
    parts = keys.add_subparsers(dest="part", required=True)
    create = parts.add_parser("create", help="make a key and print it")
    create.add_argument("--name", required=True, help="what it is for, shown in lists")
    create.add_argument("--scope", action="append", default=[], help="such as orders:read; none: all")
    create.add_argument("--days", type=int, help="how long it is good; none: until it is revoked")
    create.add_argument("--rate", type=int, help="requests a minute; none: 1200")
    create.add_argument("--test", action="store_true", help="mark it as a key for trying things out")
    listed = parts.add_parser("list", help="list a shop's keys, never the keys themselves")
    rotate = parts.add_parser("rotate", help="make a new key in place of one, which works on for a while")
    rotate.add_argument("--hours", type=float, default=24.0, help="how long the old one works on")
    revoke = parts.add_parser("revoke", help="end a key at once")
    for parser in (rotate, revoke):
        parser.add_argument("--id", required=True, help="as list shows it")
    for parser, work in ((create, _create), (listed, _list), (rotate, _rotate), (revoke, _revoke)):
        parser.add_argument("--shop", required=True, help="id of the shop it is for")
        parser.set_defaults(run=run, work=work)


def run(arguments: argparse.Namespace) -> int:
    """Exit status 2 for an unknown shop, key or scope, 1 when the ledger cannot be reached."""
    found = settings.load(os.environ, simulator=True)
    try:
        said = asyncio.run(_within(found, arguments))
    except (UnknownScope, LookupError) as error:
        print(f"relais: {error.args[0]}", file=sys.stderr)
        return 2
    except Unavailable as error:
        print(f"relais: {error}", file=sys.stderr)
        return 1
    print(said)
    return 0


async def _within(found: Settings, arguments: argparse.Namespace) -> str:
    ledger = open_ledger(found.database_url)
    try:
        await upgrade(ledger)
        shops = await LedgerShops(ledger, {}).ids()
        if ShopId(arguments.shop) not in shops:
            raise LookupError(f"no shop {arguments.shop}; there are {', '.join(shops) or 'none'}")
        said: str = await arguments.work(ledger, arguments)
        return said
    finally:
        await ledger.close()


async def _create(ledger: Ledger, arguments: argparse.Namespace) -> str:
    expires = None if arguments.days is None else datetime.now(UTC) + timedelta(days=arguments.days)
    return await LedgerKeys(ledger).create(
        arguments.shop,
        arguments.name,
        tuple(arguments.scope),
        live=not arguments.test,
        expires_at=expires,
        rate_per_minute=arguments.rate,
    )


async def _list(ledger: Ledger, arguments: argparse.Namespace) -> str:
    return "\n".join(_line(key) for key in await LedgerKeys(ledger).listed(arguments.shop)) or "no keys"


def _line(key: KnownKey) -> str:
    state = "ended" if key.ended(datetime.now(UTC)) else "good"
    used, ends = shown_or_none(key.last_used_at) or "never", shown_or_none(key.expires_at) or "never"
    return (
        f"{key.id}  {state:5}  {key.shown}  {key.name}  made {shown(key.created_at)}  used {used}  ends {ends}  "
        f"{key.rate_per_minute}/min  {' '.join(key.scopes)}"
    )


async def _rotate(ledger: Ledger, arguments: argparse.Namespace) -> str:
    overlap = timedelta(hours=max(arguments.hours, 0.0))
    key = await LedgerKeys(ledger).rotate(arguments.shop, arguments.id, overlap)
    if key is None:
        raise LookupError(f"no good key {arguments.id} that was not rotated before")
    return key


async def _revoke(ledger: Ledger, arguments: argparse.Namespace) -> str:
    if not await LedgerKeys(ledger).revoke(arguments.shop, arguments.id):
        raise LookupError(f"no key {arguments.id}")
    return f"{arguments.id} is of no use any more"
