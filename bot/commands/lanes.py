"""``relais lanes``: conversations with work to do, who holds them, and what fails."""

from __future__ import annotations

import argparse
from typing import Any

from bot.commands import on_running, table
from bot.running import Running
from bot.storage.redis import RedisBacklog

HEADS = ("LANE", "WAITING", "OLDEST", "DUE", "HELD BY", "LEASE", "ATTEMPTS", "LAST FAILURE")


def register(commands: Any) -> None:
    parser = commands.add_parser("lanes", help="conversations with work to do: backlog, holder, failures")
    parser.add_argument("--count", type=int, default=50)
    parser.set_defaults(run=on_running(show))


async def show(system: Running, arguments: argparse.Namespace) -> str:
    """A line of totals, then the lanes, the most overdue first. Seconds; a negative DUE is overdue."""
    backlog = RedisBacklog(system.redis)
    totals = await backlog.totals()
    head = (
        f"due now: {totals.due}, overdue by up to {totals.late:.1f} s; "
        f"failing: {totals.failing}; parked: {totals.parked}"
    )
    rows = [
        (
            view.lane,
            str(view.waiting),
            "" if view.oldest is None else f"{view.oldest:.1f}",
            f"{view.due_in:.1f}",
            view.holder or "",
            f"{view.lease_left:.1f}" if view.holder else "",
            str(view.attempts) if view.attempts else "",
            view.failure or "",
        )
        for view in await backlog.lanes(arguments.count)
    ]
    return "\n".join((head, table([HEADS, *rows]))) if rows else head
