"""How long a start takes: ``python -m bench.startup [--runs 3] [--until healthy|ready]``.

Seconds from the start of ``relais up --simulator`` in an empty data folder (environments installed, model trained) to:
a connection that is taken; the first answer of ``/healthz``; the answer of a signed webhook that was posted as soon as
a connection was taken; and ``/readyz`` 200. ``--again`` also kills the gateway at the end and counts how many
connections were refused until the next one answers. Prints a table and writes ``var/bench/startup.json``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bot.settings import ROOT
from bot.simulator.accounts import demo_environment
from bot.supervisor.system import free_port

SHOP = "awa-mode"
UPDATE = {
    "message_id": 1,
    "date": 1_700_000_000,
    "chat": {"id": 4242, "type": "private"},
    "from": {"id": 4242, "first_name": "Awa"},
    "text": "Bonjour",
}
PATIENCE = 180.0
ROWS = ("taken", "healthy", "webhook", "ready")


async def request(port: int, head: str, body: bytes = b"") -> int:
    """One exchange on a connection of its own; the status. Raises OSError when it is refused or cut."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        words = f"{head}Host: 127.0.0.1:{port}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(words.encode() + body)
        line = await reader.readline()
        if not line:
            raise ConnectionResetError("closed without an answer")
        return int(line.split()[1])
    finally:
        writer.close()


async def until(port: int, head: str, began: float, body: bytes = b"") -> tuple[float, int]:
    """(seconds, tries that were refused or cut) until it is answered 200."""
    refused = 0
    while time.perf_counter() - began < PATIENCE:
        try:
            if await request(port, head, body) == 200:
                return time.perf_counter() - began, refused
        except OSError:
            refused += 1
        await asyncio.sleep(0.02)
    raise TimeoutError(head)


async def taken(port: int, began: float) -> float:
    """Seconds until a connection is taken."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return time.perf_counter() - began


def webhook() -> tuple[str, bytes]:
    """Head and body of a signed Telegram update."""
    secrets = {**demo_environment(ROOT / "shops"), **os.environ}
    secret = next(value for name, value in secrets.items() if name.startswith("AWA") and "TELEGRAM_SECRET" in name)
    head = f"POST /webhooks/telegram/{SHOP} HTTP/1.1\r\nX-Telegram-Bot-Api-Secret-Token: {secret}\r\n"
    return head, json.dumps({"update_id": 1, "message": UPDATE}).encode()


async def one(last: str, again: bool) -> dict[str, Any]:
    """Start, watch, stop."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("RELAIS_")}
        environment |= {"PORT": str(port), "RELAIS_DATA": folder}
        with (Path(folder) / "up.log").open("wb") as log:
            began = time.perf_counter()
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot.cli", "up", "--simulator"),
                cwd=ROOT, env=environment, stdout=log, stderr=log,
            )
        try:
            found: dict[str, Any] = {"taken": await taken(port, began)}
            head, body = webhook()
            healthy, posted = await asyncio.gather(
                until(port, "GET /healthz HTTP/1.1\r\n", began), until(port, head, began, body)
            )
            found |= {"healthy": healthy[0], "webhook": posted[0], "webhook_cut": posted[1]}
            if last == "ready":
                found["ready"] = (await until(port, "GET /readyz HTTP/1.1\r\n", began))[0]
            if again:
                pid = json.loads((Path(folder) / "pids.json").read_text())["gateway"]
                os.kill(pid, signal.SIGKILL)
                back, refused = await until(port, "GET /healthz HTTP/1.1\r\n", time.perf_counter())
                found |= {"back": back, "refused_meanwhile": refused}
            return found
        finally:
            ending = time.perf_counter()
            process.terminate()
            await process.wait()
            print(f"  stopped in {time.perf_counter() - ending:.1f} s", file=sys.stderr)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--until", choices=("healthy", "ready"), default="ready")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "bench" / "startup.json")
    given = parser.parse_args()
    runs = [asyncio.run(one(given.until, given.again)) for _ in range(given.runs)]
    names = sorted({name for run in runs for name in run}, key=lambda name: list(runs[0]).index(name))
    print(f"{'':<20}" + "".join(f"{f'run {n + 1}':>9}" for n in range(len(runs))) + f"{'median':>9}")
    for name in names:
        values = [run[name] for run in runs]
        print(f"{name:<20}" + "".join(f"{value:>9.2f}" for value in (*values, statistics.median(values))))
    about = {"python": platform.python_version(), "cpus": os.cpu_count(), "load": os.getloadavg()[0]}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps({"about": about, "runs": runs}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
