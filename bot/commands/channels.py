"""``relais channels``: what is known of every shop's channels, and on what evidence."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from bot.commands import on_running, table
from bot.core.health import AccountHealth
from bot.flows.channel_states import known
from bot.running import Running
from bot.storage.redis import RedisHealthBoard


def register(commands: Any) -> None:
    parser = commands.add_parser("channels", help="the state of channels, and the evidence for it")
    parser.add_argument("--shop", help="of one shop only")
    parser.set_defaults(run=on_running(show))


async def show(system: Running, arguments: argparse.Namespace) -> str:
    """A table, the newest evidence of each channel last."""
    board = RedisHealthBoard(system.redis)
    rows = [("SHOP", "CHANNEL", "STATE", "SINCE", "FORCED", "EVIDENCE")]
    for name in [arguments.shop] if arguments.shop else await system.shops.ids():
        shop = await system.shop(name)
        for one in await known(board, shop):
            routed = one.routed
            rows.append(
                (
                    shop.id,
                    one.channel.value,
                    routed.state.value,
                    _time(one.measured.since),
                    _force(routed),
                    "; ".join(f"{_time(seen.at)} {seen.kind.value} {seen.detail}".strip() for seen in one.measured.evidence[-2:])
                    or "-",
                )
            )
    return table(rows)


def _force(routed: AccountHealth) -> str:
    """``down: meta : panne annoncée (awa, until 11-25 20:00:00)``."""
    if routed.forced is None:
        return "-"
    until = f"until {_time(routed.forced_until)}" if routed.forced_until is not None else None
    more = ", ".join(word for word in (routed.forced_by, until) if word)
    return f"{routed.forced}: {routed.forced_reason}" + (f" ({more})" if more else "")


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%m-%d %H:%M:%S") if at else "-"
