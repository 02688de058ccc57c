"""``relais prepare``: look whether this Redis may be trusted, bring the ledger up to date, import the shops.

``up`` runs it once, beside the gateway: worker and actions wait for it. Exit status 2: what was given is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from typing import Any

from bot import settings, wiring
from bot.ledger.problems import ShopFilesError
from bot.ports import Unavailable


def register(commands: Any) -> None:
    commands.add_parser("prepare", help="bring ledger and shops up to date").set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    found = settings.of_child(os.environ)
    try:
        asyncio.run(wiring.prepare(found, print))
    except (ShopFilesError, wiring.NotDurable) as error:
        print(error, file=sys.stderr)
        return 2
    except Unavailable as error:
        print(error, file=sys.stderr)
        return 1
    return 0
