"""The load of ``bench.webhooks``, a process of its own: reads jobs as JSON lines, answers each with one line.

A job is ``{"port", "heads": [head], "bodies": [[head number, body]], "in_flight" or "rate", "seconds"}``; heads lack
Content-Length. Raw HTTP/1.1 over kept connections: an HTTP library would cost more than what it measures. Latencies in
milliseconds; at a fixed rate they count from the moment a request was due, so that a queue cannot hide.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from typing import Any

import uvloop


class Connection:
    """One kept connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, words: bytes) -> int:
        """Send a whole request; the status of its answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(words)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if length:
            await reader.readexactly(length)
        return int(head[9:12])

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


async def work(job: dict[str, Any]) -> dict[str, Any]:
    """Do one job with its requests in turn, each sent once."""
    requests = iter(
        f"{job['heads'][number]}Content-Length: {len(body)}\r\n\r\n{body}".encode()
        for number, body in job["bodies"]
    )
    took: list[float] = []
    answers: Counter[int] = Counter()
    idle = [Connection(job["port"]) for _ in range(job.get("in_flight") or 256)]
    free: asyncio.Queue[Connection] = asyncio.Queue()
    began = time.perf_counter()

    async def one(connection: Connection, words: bytes, since: float) -> None:
        answers[await connection.post(words)] += 1
        took.append((time.perf_counter() - since) * 1000)

    async def caller(connection: Connection) -> None:
        while (since := time.perf_counter()) - began < job["seconds"]:
            words = next(requests, None)
            if words is None:
                return
            await one(connection, words, since)

    async def due(number: int, words: bytes) -> None:
        since = began + number / job["rate"]
        await asyncio.sleep(max(0.0, since - time.perf_counter()))
        connection = await free.get()
        await one(connection, words, since)
        free.put_nowait(connection)

    if "rate" in job:
        for connection in idle:
            free.put_nowait(connection)
        count = int(job["rate"] * job["seconds"])
        await asyncio.gather(*(due(n, w) for n, w in zip(range(count), requests, strict=False)))
    else:
        await asyncio.gather(*map(caller, idle))
    seconds = time.perf_counter() - began
    for connection in idle:
        connection.close()
    took.sort()
    return {
        "per_second": len(took) / seconds,
        "p50_ms": took[len(took) // 2],
        "p99_ms": took[min(len(took) - 1, len(took) * 99 // 100)],
        "answers": dict(answers),
    }


async def main() -> None:
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await work(json.loads(line))), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
