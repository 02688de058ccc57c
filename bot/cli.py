"""``relais``: start the whole, train, prepare, and the commands in ``bot/commands``."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import pkgutil
import sys
import time
from collections.abc import Callable

from bot import commands, settings
from bot.settings import SettingsError


def main(argv: list[str] | None = None) -> int:
    """Run one command; its exit status."""
    arguments = _parser(sys.argv[1:] if argv is None else argv)
    try:
        status: int = arguments.run(arguments) or 0
        sys.stdout.flush()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:  # `relais show ... | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _parser(argv: list[str]) -> argparse.Namespace:
    """What was asked for. Only the file of the command that is named is loaded: `up` must not wait for the others."""
    parser = argparse.ArgumentParser(prog="relais", description=__doc__)
    commands_ = parser.add_subparsers(dest="command", required=True)
    up = commands_.add_parser("up", help="start the whole")
    up.add_argument("--simulator", action="store_true", help="with local stand-ins for Twilio and Telegram")
    up.set_defaults(run=_up)
    commands_.add_parser("train", help="train the model if its files changed").set_defaults(run=_train)
    known = {found.name for found in pkgutil.iter_modules(commands.__path__)}
    named = argv[0] if argv else ""
    for name in () if named in commands_.choices else ({named} & known or sorted(known)):
        importlib.import_module(f"bot.commands.{name}").register(commands_)
    return parser.parse_args(argv)


def _printer() -> Callable[[str], None]:
    began = time.monotonic()
    return lambda line: print(f"[{time.monotonic() - began:5.1f} s] {line}", flush=True)


def _up(arguments: argparse.Namespace) -> int:
    from bot.supervisor.embedded_redis import NoRedis
    from bot.supervisor.model import TrainingFailed
    from bot.supervisor.supervisor import CannotStart
    from bot.supervisor.system import AlreadyRunning, PortTaken, up

    found = settings.load(os.environ, simulator=arguments.simulator)
    try:
        asyncio.run(up(found, _printer()))
    except (AlreadyRunning, CannotStart, NoRedis, PortTaken, TrainingFailed) as error:
        print(f"relais: {error}", file=sys.stderr)
        return 2
    return 0


def _train(_: argparse.Namespace) -> int:
    from bot.supervisor.model import TrainingFailed, train

    try:
        print(asyncio.run(train(_printer())))
    except TrainingFailed as error:
        print(f"relais: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
