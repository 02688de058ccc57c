"""Commands of ``relais``, one file each, named like the command; a file's ``register(subparsers)`` adds it."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.running import Running

Work = Callable[["Running", argparse.Namespace], Awaitable[str]]
"""What a command does with the running system; returns what it prints."""


def on_running(work: Work) -> Callable[[argparse.Namespace], int]:
    """A command's ``run``. Exit status 2 for what is not there, 1 when store or ledger cannot be reached."""

    def run(arguments: argparse.Namespace) -> int:
        from bot.ports import Unavailable
        from bot.running import NotFound, running

        async def go() -> str:
            async with running() as system:
                return await work(system, arguments)

        try:
            print(asyncio.run(go()))
        except NotFound as error:
            print(f"relais: {error.args[0]}", file=sys.stderr)
            return 2
        except Unavailable as error:
            print(f"relais: {error}", file=sys.stderr)
            return 1
        return 0

    return run


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Columns as wide as they must be; the first row is their heads."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
