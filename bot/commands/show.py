"""``relais show <conversation or address>``: the record of a conversation as its lane holds it, as JSON."""

from __future__ import annotations

import argparse
import json
import re
from typing import Any

from bot.commands import on_running
from bot.core.addresses import LaneId, home_lane, parse
from bot.ledger.projector import LedgerRecords
from bot.running import NotFound, Running
from bot.storage import codec
from bot.storage.redis import RedisLanes


def register(commands: Any) -> None:
    parser = commands.add_parser("show", help="a conversation, by its id or by an address (whatsapp:+225...)")
    parser.add_argument("conversation")
    parser.add_argument("--shop", help="where an address is looked for; none: in every shop")
    parser.set_defaults(run=on_running(show))


async def show(system: Running, arguments: argparse.Namespace) -> str:
    """What is known, from Redis or, when it is not there, from the ledger. It contains what shoppers wrote."""
    lanes = RedisLanes(system.redis)
    for home in await _homes(system, arguments):
        lane = await lanes.resolve(home)
        state = await lanes.peek(lane)
        if state:
            record, place = codec.conversation_to_json(codec.decode_conversation(state)), "redis"
        else:
            kept = await LedgerRecords(system.ledger).latest(lane)
            if kept is None:
                continue
            record, place = codec.conversation_to_json(kept), "ledger"
        found = {"lane": lane, "asked_for": home, "from": place, "conversation": record}
        return json.dumps(found, ensure_ascii=False, indent=1)
    raise NotFound(f"no conversation {arguments.conversation}")


async def _homes(system: Running, arguments: argparse.Namespace) -> list[LaneId]:
    if re.fullmatch(r"[0-9a-f]{20}", arguments.conversation):
        return [LaneId(arguments.conversation)]
    address = parse(arguments.conversation)
    if address is None:
        raise NotFound(f"{arguments.conversation} is neither a conversation's id nor an address")
    shops = [arguments.shop] if arguments.shop else await system.shops.ids()
    return [home_lane(shop, address) for shop in shops]
