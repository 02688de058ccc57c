"""How fast lanes are on the embedded Redis with every write on disk before its answer: ``python -m bench.lanes``.

Prints a table and writes ``var/bench/lanes.json``. Latencies in milliseconds as one process sees them, on this
machine with whatever else it does; ``bare`` is the same client and server with a script that only appends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import socket
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import uvloop

from bot.core.addresses import PARTITIONS, LaneId, home_lane
from bot.ports import Commit
from bot.storage.redis import RedisLanes, connect
from bot.supervisor.embedded_redis import arguments, find_server

ITEM = b'{"v":1,"is":"Received","text":"' + b"x" * 450 + b'"}'
STATE = b"s" * 6000
ENTRY = b"j" * 7000
BARE = "redis.call('RPUSH', KEYS[1], ARGV[1]) return 1"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    in_flight: int
    per_second: float
    p50_ms: float
    p99_ms: float
    count: int


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """The embedded Redis, exactly as the supervisor starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(arguments(find_server(), port, folder), stdout=subprocess.DEVNULL)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


def row(what: str, in_flight: int, took: list[float], seconds: float) -> Row:
    """Rate and percentiles of calls, given in seconds each."""
    took.sort()
    p50, p99 = took[len(took) // 2], took[min(len(took) - 1, len(took) * 99 // 100)]
    return Row(
        what, in_flight, round(len(took) / seconds, 1), round(p50 * 1e3, 2), round(p99 * 1e3, 2), len(took)
    )


async def closed(what: str, in_flight: int, seconds: float, call: Callable[[int], Awaitable[bool]]) -> Row:
    """So many callers, each asking again as soon as it was answered. A call that found nothing is not counted."""
    took: list[float] = []
    began = time.perf_counter()

    async def caller(number: int) -> None:
        while (started := time.perf_counter()) - began < seconds:
            if await call(number):
                took.append(time.perf_counter() - started)

    await asyncio.gather(*(caller(number) for number in range(in_flight)))
    return row(what, in_flight, took, time.perf_counter() - began)


async def paced(what: str, rate: int, seconds: float, call: Callable[[int], Awaitable[bool]]) -> Row:
    """So many a second whatever the answers take; waiting for a connection counts."""
    took: list[float] = []
    began = time.perf_counter()

    async def one(number: int) -> None:
        at = began + number / rate
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
        await call(number)
        took.append(time.perf_counter() - at)

    await asyncio.gather(*(one(number) for number in range(int(rate * seconds))))
    return row(what, 0, took, time.perf_counter() - began)


async def measure(url: str, seconds: float, shoppers: int) -> list[Row]:
    """All rows, on an empty server."""
    client = connect(url)
    lanes = RedisLanes(client)
    homes = [home_lane("bench", f"tel:{number}") for number in range(shoppers)]
    sent = 0

    async def bare(_: int) -> bool:
        await client.eval(BARE, 1, "bench:{bare}", ITEM)
        return True

    async def put(_: int) -> bool:
        nonlocal sent
        sent += 1
        return (await lanes.put(homes[sent % shoppers], f"id-{sent}", ITEM)).fresh

    async def work(number: int) -> bool:
        for step in range(PARTITIONS):
            lease = await lanes.take((number * 7 + step) % PARTITIONS)
            if lease is not None:
                handled = tuple(item_id for item_id, _ in lease.items[:1])
                await lanes.commit(lease, Commit(STATE, handled, None, journal=ENTRY))
                return True
        await put(number)
        return False

    async def look(_: int) -> bool:
        await lanes.due_partitions()
        return True

    rows = [await closed("bare append", n, seconds, bare) for n in (1, 8, 64)]
    rows += [await closed("put", n, seconds, put) for n in (1, 8, 64)]
    rows.append(await paced("put, 1000/s asked", 1000, seconds, put))
    rows += [await closed("take + commit", n, seconds, work) for n in (1, 8, 32)]
    rows.append(await closed("look at 64 partitions", 1, min(seconds, 2), look))
    rows.append(await idle_to_taken(lanes, homes[:200]))
    await client.aclose()
    return rows


async def idle_to_taken(lanes: RedisLanes, homes: list[LaneId]) -> Row:
    """From the put to the lease in a worker that waits for wake-ups; one message at a time."""
    for partition in range(PARTITIONS):
        while (lease := await lanes.take(partition)) is not None:
            await lanes.commit(lease, Commit(b"", tuple(item_id for item_id, _ in lease.items), None))
    taken: asyncio.Queue[float] = asyncio.Queue()

    async def worker() -> None:
        async for partition in lanes.wakeups():
            lease = await lanes.take(partition)
            if lease is not None:
                taken.put_nowait(time.perf_counter())
                await lanes.commit(lease, Commit(b"", tuple(item_id for item_id, _ in lease.items), None))

    working = asyncio.create_task(worker())
    await asyncio.sleep(0.5)
    took: list[float] = []
    began = time.perf_counter()
    for number, lane in enumerate(homes):
        started = time.perf_counter()
        await lanes.put(lane, f"idle-{number}", ITEM)
        took.append(await asyncio.wait_for(taken.get(), 10) - started)
        await asyncio.sleep(0.01)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    return row("put to taken, idle", 1, took, time.perf_counter() - began)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--shoppers", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=Path("var/bench/lanes.json"))
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    # On the same disk as the real data: what is measured is its fsync.
    with tempfile.TemporaryDirectory(dir=options.out.parent) as folder, server(Path(folder)) as url:
        wait_for(url)
        rows = uvloop.run(measure(url, options.seconds, options.shoppers))
    print(f"{'what':<24}{'in flight':>10}{'per second':>12}{'p50 ms':>9}{'p99 ms':>9}")
    for each in rows:
        flight = each.in_flight or "-"
        print(f"{each.what:<24}{flight:>10}{each.per_second:>12.0f}{each.p50_ms:>9.2f}{each.p99_ms:>9.2f}")
    about = {"python": platform.python_version(), "cpus": os.cpu_count(), "load": os.getloadavg()[0]}
    options.out.write_text(
        json.dumps({"about": about, "rows": [asdict(each) for each in rows]}, indent=1) + "\n"
    )


def wait_for(url: str) -> None:
    """Until the server accepts connections, 5 s at most."""
    host, port = url.removeprefix("redis://").removesuffix("/0").split(":")
    for _ in range(250):
        with socket.socket() as attempt:
            if attempt.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("redis-server did not start")


if __name__ == "__main__":
    main()
