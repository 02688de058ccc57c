"""The tiny project as it runs: Redis, rasa-sdk's action server and Rasa, each a process that can be stopped or killed.

Also used by ``bench/turns.py``. Everything listens on loopback, on free ports of its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from bot.settings import ROOT
from bot.supervisor.embedded_redis import find_server
from bot.supervisor.model import QUIET, RASA_PYTHON

PROJECT = Path(__file__).parent
MODELS = ROOT / "var" / "test-models"
LOADING = 120.0
"""Seconds a model may take to load on a busy machine."""


def trained() -> Path:
    """The tiny model, trained once for its files' content."""
    files = [PROJECT / "config.yml", PROJECT / "domain.yml", *sorted((PROJECT / "data").glob("*.yml"))]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    name = f"tiny-{digest.hexdigest()[:16]}"
    path = MODELS / f"{name}.tar.gz"
    MODELS.mkdir(parents=True, exist_ok=True)
    with (MODELS / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            command = [
                str(RASA_PYTHON),
                "-m",
                "rasa",
                "train",
                "--out",
                str(MODELS),
                "--fixed-model-name",
                name,
            ]
            for kind, place in (("--config", "config.yml"), ("--domain", "domain.yml"), ("--data", "data")):
                command += [kind, str(PROJECT / place)]
            done = subprocess.run(
                command, cwd=ROOT, env={**os.environ, **QUIET}, capture_output=True, check=False
            )
            assert path.exists(), done.stderr.decode()[-3000:]
    return path


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Part:
    """One process, with its log beside it. ``ready`` is an address that answers 200 once it works, or the port of a Redis."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        ready: str | int,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command, self._log, self._ready = list(command), log, ready
        self._environment = {**os.environ, **QUIET, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it without waiting."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
                # rasa-sdk's server works in a child: both are killed together.
                start_new_session=True,
            )

    def wait(self) -> None:
        """Until it works. Raises AssertionError with the end of its log."""
        until = time.monotonic() + LOADING
        while time.monotonic() < until:
            assert self._process is not None
            assert self._process.poll() is None, f"{self._command} ended:\n{self._log.read_text()[-3000:]}"
            if self._answers():
                return
            time.sleep(0.1)
        raise AssertionError(f"{self._ready} did not answer:\n{self._log.read_text()[-3000:]}")

    def stop(self) -> int:
        """End it as Ctrl-C does; returns its status."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(20)

    def kill(self) -> None:
        """End it as a power cut does."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(20)

    def _answers(self) -> bool:
        if isinstance(self._ready, int):
            return self._pongs(self._ready)
        try:
            return httpx.get(self._ready, trust_env=False, timeout=5).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    @staticmethod
    def _pongs(port: int) -> bool:
        """A Redis takes connections while it still loads, and answers them with an error."""
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as probe:
                probe.sendall(b"PING\r\n")
                return probe.recv(7) == b"+PONG\r\n"
        except OSError:
            return False


class Tiny:
    """All parts of the tiny project, and the folder through which its actions are told to fail."""

    def __init__(self, folder: Path, keep_all: bool = False) -> None:
        self.folder = folder
        redis, actions, rasa = free_port(), free_port(), free_port()
        self.redis_url = f"redis://127.0.0.1:{redis}/0"
        self.actions_url = f"http://127.0.0.1:{actions}/webhook"
        self.url = f"http://127.0.0.1:{rasa}"
        durable = ("--save", "", "--appendonly", "yes", "--appendfsync", "always")
        self.redis = Part(
            [find_server(), "--port", str(redis), "--bind", "127.0.0.1", "--dir", str(folder), *durable],
            folder / "redis.log",
            redis,
        )
        module = "tests.dialogue.rasa_project_tiny.actions"
        self.actions = Part(
            [sys.executable, "-m", "rasa_sdk", "--port", str(actions), "--actions", module],
            folder / "actions.log",
            f"http://127.0.0.1:{actions}/health",
            {"TINY_FOLDER": str(folder), "SANIC_HOST": "127.0.0.1"},
        )
        arguments = ["--model", str(trained()), "--port", str(rasa), "--redis", self.redis_url]
        arguments += ["--actions", self.actions_url]
        serve = ["-m", "bot.dialogue.inside_rasa.serve"]
        if keep_all:
            serve = ["-c", _KEEP_ALL]
        self.rasa = Part(
            [str(RASA_PYTHON), *serve, *arguments], folder / "rasa.log", f"{self.url}/relais/ready"
        )

    def __enter__(self) -> Tiny:
        parts = (self.redis, self.actions, self.rasa)
        for part in parts:
            part.start()
        for part in parts:
            part.wait()
        return self

    def __exit__(self, *_: object) -> None:
        for part in (self.rasa, self.actions, self.redis):
            part.stop()

    def effects(self, conversation: str) -> list[str]:
        """Turn ids for which ``action_add`` ran in this conversation, in order."""
        path = self.folder / "effects"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return [line.split()[1] for line in lines if line.split()[0] == conversation]


_KEEP_ALL = """
import sys
from bot.dialogue.inside_rasa import history, serve
history.settled = lambda tracker, domain: list(tracker.events)
serve.main(sys.argv[1:])
"""
