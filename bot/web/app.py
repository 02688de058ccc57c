"""The gateway's process: ``python -m bot.web.app [--socket FD | --host ADDRESS]``.

It listens before it loads: importing what it needs takes seconds on a small machine, and whoever connects meanwhile
waits in the socket's queue instead of being refused. Under the supervisor the socket is inherited, so that the queue
also outlives this process. Nothing heavy may be imported at the top of this file.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys

from bot import settings

BACKLOG = 1024
HOST = "127.0.0.1"


def listen(port: int, host: str = HOST) -> socket.socket:
    """A listening socket. Raises OSError when the port is taken."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


async def _serve(found: settings.Settings, listening: socket.socket) -> None:
    import asyncio
    import gc

    from bot import logs, wiring
    from bot.web.requests import keep_tokens_out_of_logs
    from bot.web.server import serve

    logs.configure("gateway", found.secret, show_errors=found.simulator)
    keep_tokens_out_of_logs()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_, stop.set)
    gateway = await wiring.gateway(found)
    # What was imported lives as long as the process: a full collection need not walk it in the middle of a request.
    gc.collect()
    gc.freeze()
    await serve(gateway, listening, stop)


def main() -> int:
    """Run the gateway with the environment's settings; 2 when what it was given is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--socket", type=int, help="descriptor of a listening socket; none: listen on PORT")
    parser.add_argument("--host", default=HOST, help="where PORT is listened on; in a container 0.0.0.0")
    given = parser.parse_args()
    inherited: int | None = given.socket
    try:
        found = settings.of_child(os.environ)
        listening = listen(found.port, given.host) if inherited is None else socket.socket(fileno=inherited)
    except settings.SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"PORT: {error.strerror}", file=sys.stderr)
        return 2
    return _run(found, listening)


def _run(found: settings.Settings, listening: socket.socket) -> int:
    import uvloop

    from bot.ledger.problems import ShopFilesError

    try:
        uvloop.run(_serve(found, listening))
    except ShopFilesError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
