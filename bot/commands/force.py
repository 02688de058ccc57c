"""``relais force SHOP CHANNEL up|down|auto --reason WHY``: an operator's word on a channel, for one shop's routing."""

from __future__ import annotations

import argparse
import time
from typing import Any

from bot.commands import on_running
from bot.core.addresses import ChannelName
from bot.running import NotFound, Running
from bot.storage.forces import WORDS
from bot.storage.redis import RedisHealthBoard


def register(commands: Any) -> None:
    parser = commands.add_parser("force", help="say that a channel is up or down, or leave it to measurement")
    parser.add_argument("shop")
    parser.add_argument("channel", choices=[channel.value for channel in ChannelName])
    parser.add_argument("state", choices=WORDS)
    parser.add_argument("--reason", required=True, help="shown to the vendor beside the state")
    parser.set_defaults(run=on_running(force))


async def force(system: Running, arguments: argparse.Namespace) -> str:
    """Holds until `auto`. A channel whose secrets are not in this shell's environment is not there."""
    shop = await system.shop(arguments.shop)
    channel = ChannelName(arguments.channel)
    if channel not in shop.accounts:
        raise NotFound(f"{shop.id} has no {channel.value} here; it has {', '.join(shop.accounts)}")
    board = RedisHealthBoard(system.redis)
    await board.force(shop.id, channel, arguments.state, arguments.reason, time.time())
    return f"{shop.id}/{channel.value}: {arguments.state} ({arguments.reason})"
