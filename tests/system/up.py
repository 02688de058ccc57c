"""``relais up --simulator`` with gates between its processes: the same programs, led through other addresses.

Run as a program by ``running.start``. With ``--scripted`` a small deterministic dialogue stands where Rasa would.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot import cli
from bot.settings import Settings
from bot.supervisor import system
from bot.supervisor.supervisor import Child

NAMES = ("rasa", "providers", "rasa_redis")
"""What a gate can stand before: Rasa and the providers as the worker sees them, Redis as Rasa sees it."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in NAMES:
        parser.add_argument(f"--{name}", type=int, required=True, help="port of the gate")
    parser.add_argument("--scripted", action="store_true")
    given = parser.parse_args()
    whole = system.children

    def children(found: Settings, ports: Mapping[str, int], *more: Any) -> list[Child]:
        return [
            _led(child, given, ports)
            for child in whole(found, ports, *more)
            if not (given.scripted and child.name == "actions")
        ]

    system.children = children
    return cli.main(["up", "--simulator"])


def _led(child: Child, given: argparse.Namespace, ports: Mapping[str, int]) -> Child:
    local = "http://127.0.0.1:"
    if child.name.startswith("worker"):
        providers = f"{local}{given.providers}"
        led = {
            "RASA_URL": f"{local}{given.rasa}",
            "TWILIO_API_URL": providers,
            "TELEGRAM_API_URL": providers,
        }
        return replace(child, env={**child.env, **led})
    if child.name == "rasa" and given.scripted:
        argv = (sys.executable, "-m", "tests.system.scripted_rasa", "--port", str(ports["rasa"]))
        return replace(child, argv=argv, before=None)
    if child.name == "rasa":
        argv = tuple(
            f"redis://127.0.0.1:{given.rasa_redis}/0" if before == "--redis" else word
            for before, word in zip(("", *child.argv), child.argv, strict=False)
        )
        return replace(child, argv=argv)
    return child


if __name__ == "__main__":
    sys.exit(main())
