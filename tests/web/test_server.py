"""The server as a process: it accepts before anything else is there, stops cleanly, and its log holds no token."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.web.house import SHOP

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def server(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx.AsyncClient]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.web.serving",
        str(port),
        *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            for _ in range(400):
                try:
                    await client.get("/healthz")
                    break
                except httpx.ConnectError:
                    await asyncio.sleep(0.05)
            yield process, client
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def log_of(process: asyncio.subprocess.Process) -> str:
    process.terminate()
    assert process.stdout is not None
    text = (await asyncio.wait_for(process.stdout.read(), 10)).decode()
    assert await process.wait() == 0
    return text


async def test_it_accepts_and_is_alive_while_the_store_is_not_there() -> None:
    async with server("--down") as (process, client):
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/docs")).status_code == 200
        assert (await client.get(f"/c/{'A' * 22}")).status_code == 503
        await log_of(process)


async def test_no_token_and_no_word_reaches_the_log() -> None:
    async with server() as (process, client):
        path = (await client.post(f"/s/{SHOP}")).headers["location"]
        await client.post(path, data={"text": "un mot secret", "form": "f"})
        await client.get(path)
        await client.put(path)
        await client.get(f"{path}/nowhere")
        await client.post(f"/webhooks/whatsapp/{SHOP}", content=b"Body=un+mot+secret")
        # A client that hangs up in the middle makes the framework itself write about the request.
        host, port = client.base_url.host, client.base_url.port
        assert port is not None
        _, writer = await asyncio.open_connection(host, port)
        writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc".encode())
        await writer.drain()
        writer.close()
        await asyncio.sleep(0.3)
        text = await log_of(process)
    assert text.strip(), "the server says something when it starts"
    token = path.removeprefix("/c/")
    assert token not in text and "mot secret" not in text and "mot+secret" not in text
    for line in text.splitlines():
        json.loads(line)
