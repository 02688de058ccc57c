"""``relais prepare``: bring the ledger up to date and import the shops. ``up`` runs it first."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from typing import Any

from bot import settings, wiring
from bot.ledger.problems import ShopFilesError


def register(commands: Any) -> None:
    commands.add_parser("prepare", help="bring ledger and shops up to date").set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    try:
        asyncio.run(wiring.prepare(settings.of_child(os.environ), print))
    except ShopFilesError as error:
        print(error, file=sys.stderr)
        return 2
    return 0
