"""``relais surprises``: authentic webhooks that were not understood, newest first."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from bot.commands import on_running
from bot.running import Running
from bot.storage.surprises import RedisSurprises


def register(commands: Any) -> None:
    parser = commands.add_parser("surprises", help="signed webhooks that were not understood, as they came")
    parser.add_argument("--shop")
    parser.add_argument("--count", type=int, default=20)
    parser.set_defaults(run=on_running(show))


async def show(system: Running, arguments: argparse.Namespace) -> str:
    """Head and body of each. Bodies may hold what shoppers wrote."""
    found = await RedisSurprises(system.redis).newest(arguments.count, arguments.shop)
    return "\n".join(
        f"{datetime.fromtimestamp(each.at, UTC).isoformat(timespec='seconds')} {each.shop} {each.hook} "
        f"{each.kind} ({each.size} bytes)\n  {each.body.decode(errors='replace')}"
        for each in found
    ) or "none"
