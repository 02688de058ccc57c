"""``relais drill SHOP``: rehearse an outage with invented shoppers, apart from everything real, and print the report."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from typing import Any

from bot import settings
from bot.ledger import outages
from bot.ledger.engine import open_ledger
from bot.ledger.schema import upgrade
from bot.settings import Settings
from bot.web.rehearsals import DAYS


def register(commands: Any) -> None:
    """Add ``drill``."""
    drill = commands.add_parser("drill", help="rehearse an outage with invented shoppers")
    drill.add_argument("shop", help="id of the shop whose shape it takes")
    drill.add_argument("--day", choices=tuple(DAYS), default=next(iter(DAYS)), help="the recorded day")
    drill.add_argument(
        "--speed", type=float, default=60.0, help="of the recording, 1 to 3600; Relais stays real"
    )
    drill.add_argument(
        "--people", type=int, help="invented shoppers; default: as many as the shop has, 12 to 200"
    )
    drill.add_argument("--telegram-percent", type=int, help="how many have Telegram; default: as in the shop")
    drill.add_argument("--id", help=argparse.SUPPRESS)
    drill.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Exit status 2 for an unknown shop or while another rehearsal runs."""
    from bot.supervisor import drill
    from bot.web import rehearsals

    found = settings.load(os.environ, simulator=True)
    folder = found.shops_dir / arguments.shop
    if not (folder / "shop.yml").is_file() or folder.parent != found.shops_dir:
        print(f"relais: no shop {arguments.shop}", file=sys.stderr)
        return 2
    people, telegram = arguments.people, arguments.telegram_percent
    if people is None or telegram is None:
        usual = rehearsals.shape(asyncio.run(_people(found, arguments.shop)))
        people = usual[0] if people is None else people
        telegram = usual[1] if telegram is None else telegram
    name = arguments.id or rehearsals.new_id(arguments.day)
    plan = rehearsals.Plan(name, arguments.shop, arguments.day, arguments.speed, people, telegram)
    try:
        report = asyncio.run(drill.run(plan, found.shops_dir, found.data_dir / "drills", os.environ))
    except rehearsals.AlreadyDrilling as error:
        print(f"relais: {error}", file=sys.stderr)
        return 2
    words = drill.text(report)
    (found.data_dir / "drills" / plan.id / "report.txt").write_text(words, encoding="utf-8")
    print(words)
    return 0


async def _people(found: Settings, shop: str) -> dict[int, int]:
    """Numbers of shoppers by their roads: all that is read of the real ledger."""
    ledger = open_ledger(found.database_url)
    try:
        await upgrade(ledger)
        return await outages.by_roads(ledger, shop)
    finally:
        await ledger.close()
