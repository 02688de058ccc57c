"""From nothing to a gateway that accepts: whose port it is, whose data, and that nobody is turned away meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import redis.asyncio as redis

from bot import settings
from bot.simulator.accounts import demo_environment
from bot.supervisor import embedded_redis
from bot.supervisor.embedded_redis import NoRedis
from bot.supervisor.readiness import answers, pongs
from bot.supervisor.supervisor import Child, Supervisor
from bot.supervisor.system import PortTaken, free_port, take_port
from bot.web.app import listen
from tests.storage.servers import running as redis_running
from tests.supervisor.test_supervisor import pids, until


def settings_of(tmp_path: Path, **variables: str) -> settings.Settings:
    return settings.load({"RELAIS_DATA": str(tmp_path), **variables}, simulator=True)


def test_a_taken_port_that_was_set_is_an_error_that_names_it(tmp_path: Path) -> None:
    with listen(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"PORT {port} is in use"):
            take_port(settings_of(tmp_path, PORT=str(port)))


def test_without_a_port_the_next_free_one_is_taken(tmp_path: Path) -> None:
    first, held = take_port(settings_of(tmp_path))
    with held:
        second, other = take_port(settings_of(tmp_path))
        other.close()
    assert first.port < second.port
    assert second.public_url == f"http://127.0.0.1:{second.port}"


@asynccontextmanager
async def gateway(tmp_path: Path) -> AsyncIterator[tuple[str, Supervisor]]:
    """A supervised gateway with neither Redis nor Rasa nor a ledger; its address, before it has loaded."""
    found, listening = take_port(settings_of(tmp_path))
    nowhere = f"127.0.0.1:{free_port()}"
    environment = {
        **found.environment(),
        **demo_environment(found.shops_dir),
        "REDIS_URL": f"redis://{nowhere}/0",
        "RASA_URL": f"http://{nowhere}",
        "PYTHONPATH": str(settings.ROOT),
    }
    argv = (sys.executable, "-m", "bot.web.app", "--socket", str(listening.fileno()))
    url = f"http://127.0.0.1:{found.port}"
    child = Child(
        "gateway", argv, environment, ready=answers(f"{url}/healthz"), pass_fds=(listening.fileno(),)
    )
    with listening:
        supervisor = Supervisor([child], tmp_path, lambda _: None)
        running = asyncio.create_task(supervisor.run())
        try:
            yield url, supervisor
        finally:
            supervisor.stop()
            await running


async def test_nobody_is_refused_before_the_gateway_has_loaded_nor_while_it_is_replaced(tmp_path: Path) -> None:
    async with gateway(tmp_path) as (url, supervisor), httpx.AsyncClient(timeout=30, trust_env=False) as http:
        first = await http.get(f"{url}/healthz")
        await supervisor.ready("gateway")
        old = pids(tmp_path)["gateway"]
        os.kill(old, signal.SIGKILL)
        await until(lambda: pids(tmp_path).get("gateway") != old)
        second = await http.get(f"{url}/healthz", headers={"Connection": "close"})
    assert [first.status_code, second.status_code] == [200, 200]
    assert supervisor.restarts == {"gateway": 1}


async def test_a_webhook_of_the_first_second_is_503_while_there_is_no_store(tmp_path: Path) -> None:
    secret = demo_environment(settings.ROOT / "shops")["AWA_MODE_TELEGRAM_SECRET"]
    chat = {"id": 4242, "type": "private"}
    message = {"message_id": 1, "date": 1_700_000_000, "chat": chat, "from": {"id": 4242}, "text": "Bonjour"}
    async with gateway(tmp_path) as (url, _), httpx.AsyncClient(timeout=30, trust_env=False) as http:
        told = await http.post(
            f"{url}/webhooks/telegram/awa-mode",
            json={"update_id": 1, "message": message},
            headers={"X-Telegram-Bot-Api-Secret-Token": secret},
        )
        ready = await http.get(f"{url}/readyz")
    assert (told.status_code, ready.status_code, ready.json()["ledger"]) == (503, 503, "down")


async def test_a_redis_that_still_loads_is_not_ready(tmp_path: Path) -> None:
    with redis_running(tmp_path, "--appendonly", "yes") as url:
        async with redis.from_url(url) as client, client.pipeline(transaction=False) as many:
            for number in range(20_000):
                many.set(f"key-{number}", "x" * 50)
            await many.execute()
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--save", "", "--appendonly", "yes"]
    slowly = ["--key-load-delay", "50"]  # microseconds a key
    server = subprocess.Popen([embedded_redis.find_server(), *options, *slowly], stdout=subprocess.DEVNULL)
    try:
        seen: list[tuple[bool, bool]] = []
        async with asyncio.timeout(30):
            while not seen or not seen[-1][1]:
                listens = _takes_connections(port)
                seen.append((listens, await pongs(port)()))
                await asyncio.sleep(0.02)
        async with redis.Redis(port=port) as client:
            assert await client.dbsize() == 20_000
    finally:
        server.terminate()
        server.wait(10)
    assert (True, False) in seen


def _takes_connections(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_data_of_a_newer_redis_are_not_opened(tmp_path: Path) -> None:
    binary = embedded_redis.find_server()
    embedded_redis.claim(binary, tmp_path)
    embedded_redis.claim(binary, tmp_path)
    (tmp_path / embedded_redis.WRITTEN_BY).write_text("redis 99.1.0\n")
    with pytest.raises(NoRedis, match=r"written by redis 99\.1\.0, and .* is (redis|valkey) \d"):
        embedded_redis.claim(binary, tmp_path)
