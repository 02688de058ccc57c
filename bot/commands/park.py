"""``relais park list|show|replay|drop``: what failed too often and was set aside, and what becomes of it."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from bot.commands import on_running, table
from bot.ports import Parked
from bot.running import NotFound, Running
from bot.storage.backlog import put_back
from bot.storage.redis import RedisBacklog, RedisLanes

HEADS = ("ID", "PARKED", "KIND", "ATTEMPTS", "WHY")


def register(commands: Any) -> None:
    parser = commands.add_parser("park", help="what failed too often and was set aside")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="all of it, oldest first").set_defaults(run=on_running(list_))
    one = actions.add_parser("show", help="one of them with its content: it may hold what a shopper wrote")
    one.add_argument("id")
    one.set_defaults(run=on_running(show))
    for name, work, words in (
        ("replay", replay, "try it again in its conversation"),
        ("drop", drop, "remove it for good"),
    ):
        action = actions.add_parser(name, help=words)
        which = action.add_mutually_exclusive_group(required=True)
        which.add_argument("id", nargs="?")
        which.add_argument("--all", action="store_true")
        action.set_defaults(run=on_running(work))


async def list_(system: Running, arguments: argparse.Namespace) -> str:
    """A line each."""
    rows = [
        (each.id, _time(each), each.kind.value, str(each.attempts), each.why)
        for each in await RedisBacklog(system.redis).parked()
    ]
    return table([HEADS, *rows]) if rows else "nothing is parked"


async def show(system: Running, arguments: argparse.Namespace) -> str:
    """One of them, as it came."""
    [each] = await _chosen(system, arguments)
    return (
        f"{each.id}\nlane: {each.lane}\nitem: {each.item_id}\nkind: {each.kind}\nparked: {_time(each)} after "
        f"{each.attempts} attempts\nwhy: {each.why}\n{each.item.decode(errors='backslashreplace')}"
    )


async def replay(system: Running, arguments: argparse.Namespace) -> str:
    """Put them back where their conversations are now."""
    lanes, backlog = RedisLanes(system.redis), RedisBacklog(system.redis)
    chosen = await _chosen(system, arguments)
    for each in chosen:
        await put_back(lanes, backlog, each)
    return f"put back: {len(chosen)}"


async def drop(system: Running, arguments: argparse.Namespace) -> str:
    """Remove them."""
    backlog = RedisBacklog(system.redis)
    return f"dropped: {sum([await backlog.drop(each) for each in await _chosen(system, arguments)])}"


async def _chosen(system: Running, arguments: argparse.Namespace) -> list[Parked]:
    parked = await RedisBacklog(system.redis).parked()
    if getattr(arguments, "all", False):
        return list(parked)
    found = [each for each in parked if each.id == arguments.id]
    if not found:
        raise NotFound(f"nothing parked is called {arguments.id}")
    return found


def _time(each: Parked) -> str:
    return datetime.fromtimestamp(each.at, UTC).isoformat(timespec="seconds")
