"""``relais force``: an operator's word on a channel, for one shop's routing, or on a fault domain, for all shops."""

from __future__ import annotations

import argparse
import getpass
import re
import time
from typing import Any

from bot.commands import on_running
from bot.core.addresses import ChannelName
from bot.core.health import FORCIBLE
from bot.running import NotFound, Running
from bot.storage.forces import WORDS
from bot.storage.redis import RedisHealthBoard

_UNITS = {"m": 60.0, "h": 3600.0, "d": 86400.0}


def register(commands: Any) -> None:
    parser = commands.add_parser("force", help="say that a channel or a fault domain is up or down, or leave it to measurement")
    parser.add_argument(
        "what", nargs="+", metavar="WHAT", help=f"SHOP CHANNEL up|down|auto, or {'|'.join(FORCIBLE)} up|down|auto"
    )
    parser.add_argument("--reason", required=True, help="shown to vendors beside the state")
    parser.add_argument("--for", dest="seconds", type=_seconds, help="30m, 2h, 1d; without: until `auto`")
    parser.add_argument("--by", default=None, help="who says so; without: the user of this shell")
    parser.set_defaults(run=on_running(force))


def _seconds(words: str) -> float:
    found = re.fullmatch(r"([1-9][0-9]{0,3})([mhd])", words)
    if found is None:
        raise argparse.ArgumentTypeError("a time is 30m, 2h or 1d")
    return int(found[1]) * _UNITS[found[2]]


async def force(system: Running, arguments: argparse.Namespace) -> str:
    """Holds until its time is over, or `auto`. A channel whose secrets are not in this shell's environment is not there."""
    *place, state = arguments.what
    if state not in WORDS:
        raise NotFound(f"{state} is no state; there are {', '.join(WORDS)}")
    now, board = time.time(), RedisHealthBoard(system.redis)
    until = None if arguments.seconds is None else now + arguments.seconds
    by = arguments.by or getpass.getuser()
    match place:
        case [domain] if domain in FORCIBLE:
            await board.force_domain(domain, state, arguments.reason, now, by, until)
        case [domain]:
            raise NotFound(f"{domain} is no fault domain; there are {', '.join(FORCIBLE)}")
        case [shop_id, name]:
            shop = await system.shop(shop_id)
            if name not in shop.accounts:
                raise NotFound(f"{shop.id} has no {name} here; it has {', '.join(shop.accounts)}")
            await board.force(shop.id, ChannelName(name), state, arguments.reason, now, by, until)
        case _:
            raise NotFound("say SHOP CHANNEL STATE, or DOMAIN STATE")
    return f"{'/'.join(place)}: {state} ({arguments.reason}; {by})"
