"""Run as a program: Redis, simulator, gateway and a worker with the scripted dialogue, under the real supervisor."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from bot import settings
from bot.supervisor.supervisor import Supervisor
from bot.supervisor.system import addresses, children, resolve, take_port

NOBODY = "http://127.0.0.1:9"
"""Where Rasa would be: it is never asked."""


async def main() -> None:
    os.environ["RASA_URL"] = NOBODY
    found, listening = take_port(settings.load(os.environ, simulator=True))
    found, ports, extra = resolve(found)
    os.environ.update(extra)
    data = Path(found.data_dir)
    worker = (sys.executable, "-m", "tests.browser.scripted_worker")
    listed = [
        replace(child, argv=worker) if child.name == "worker" else child
        for child in children(found, ports, listening.fileno(), print)
    ]
    supervisor = Supervisor(listed, data, print)
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, supervisor.stop)
    running = asyncio.create_task(supervisor.run())
    for name in ("gateway", "simulator", "prepare"):
        await supervisor.ready(name)
    draft = data / "addresses.json.new"
    draft.write_text(json.dumps(addresses(found, ports)))
    draft.replace(data / "addresses.json")
    await running


if __name__ == "__main__":
    asyncio.run(main())
