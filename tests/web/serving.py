"""Run as a program: serves a house on the port it is given, for tests that need a process of their own."""

from __future__ import annotations

import asyncio
import signal
import sys

from bot import logs
from bot.web.app import listen
from bot.web.requests import keep_tokens_out_of_logs
from bot.web.server import serve
from tests.web.house import SECRET, House


async def main(port: int) -> None:
    logs.configure("gateway", SECRET)
    keep_tokens_out_of_logs()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    house = House()
    house.lanes.down = "--down" in sys.argv
    worker = asyncio.create_task(house.stepping())
    await serve(house.gateway(), listen(port), stop)
    worker.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
