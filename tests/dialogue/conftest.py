"""The dialogue as it runs: the trained model behind ``inside_rasa``, the real action server, a ledger on SQLite."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bot.dialogue.rasa import RasaDialogue
from bot.ledger.engine import open_ledger
from bot.ledger.importing import import_shops
from bot.ledger.schema import upgrade_to_head
from bot.settings import ROOT
from bot.supervisor import model
from tests.storage.servers import running

SHOPS = ROOT / "shops"


@dataclass(frozen=True)
class Backend:
    """Addresses of the running parts."""

    rasa_url: str
    actions_url: str
    database_url: str


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Redis, ledger, action server and Rasa, all real, on free ports of their own."""
    folder = tmp_path_factory.mktemp("dialogue")
    trained = asyncio.run(model.train(lambda _: None))
    database_url = f"sqlite+aiosqlite:///{folder}/ledger.sqlite3"
    asyncio.run(_import(database_url))
    with ExitStack() as stack:
        redis_url = stack.enter_context(running(folder))
        actions, rasa = free_port(), free_port()
        environment = {
            **os.environ,
            **model.QUIET,
            "DATABASE_URL": database_url,
            "RELAIS_DATA": str(folder),
            "RELAIS_SHOPS": str(SHOPS),
            "RELAIS_SECRET": "for-tests-only-for-tests-only-for-tests-only",
        }
        environment.pop("PORT", None)
        serve_actions = [sys.executable, "-m", "bot.actions_server", "--port", str(actions)]
        stack.enter_context(started(serve_actions, environment, folder / "actions.log"))
        webhook = f"http://127.0.0.1:{actions}/webhook"
        serve_rasa = [str(model.RASA_PYTHON), "-m", "bot.dialogue.inside_rasa.serve", "--model", str(trained)]
        serve_rasa += ["--port", str(rasa), "--redis", redis_url, "--actions", webhook]
        stack.enter_context(started(serve_rasa, environment, folder / "rasa.log"))
        wait_for(f"http://127.0.0.1:{actions}/health", folder / "actions.log")
        wait_for(f"http://127.0.0.1:{rasa}/relais/ready", folder / "rasa.log")
        yield Backend(f"http://127.0.0.1:{rasa}", webhook, database_url)


@pytest.fixture
async def dialogue(backend: Backend) -> AsyncIterator[RasaDialogue]:
    """The gateway's client of the running Rasa."""
    client = RasaDialogue(backend.rasa_url)
    yield client
    await client.close()


async def _import(database_url: str) -> None:
    await upgrade_to_head(database_url)
    ledger = open_ledger(database_url)
    await import_shops(ledger, SHOPS)
    await ledger.close()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class started:
    """A process of ours, ended with the block."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self._command, self._environment, self._log = command, environment, log

    def __enter__(self) -> subprocess.Popen[bytes]:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, cwd=ROOT, stdout=log, stderr=log
            )
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


def wait_for(url: str, log: Path, patience: float = 120.0) -> None:
    """Until the address answers 200. Raises AssertionError with the end of the log."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        with suppress(httpx.HTTPError):
            if httpx.get(url, trust_env=False, timeout=5).status_code == 200:
                return
        time.sleep(0.2)
    raise AssertionError(f"{url} did not answer:\n{log.read_text()[-3000:]}")
