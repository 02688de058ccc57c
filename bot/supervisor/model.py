"""The trained model, once per content: the same training files and Rasa give the same file name."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

from bot.settings import ROOT
from bot.supervisor import processes

RASA_PYTHON = ROOT / ".venv-rasa" / "bin" / "python"
PARTS = tuple(ROOT / "bot" / "dialogue" / "inside_rasa" / name for name in ("spelling.py", "variety.py", "variety.yml"))
"""Components of ours that a model is trained with."""
QUIET = {
    "RASA_TELEMETRY_ENABLED": "false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "PYTHONWARNINGS": "ignore",
}


class TrainingFailed(Exception):
    """Rasa could not train; the log says why."""


def content_hash() -> str:
    """16 hex digits over everything that changes a model."""
    digest = hashlib.sha256()
    files = [ROOT / "config.yml", ROOT / "domain.yml", *sorted((ROOT / "data").rglob("*.yml")), *PARTS]
    for file in files:
        digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    lock = (ROOT / "uv.lock").read_text()
    digest.update(lock[lock.index('name = "rasa"') :][:200].encode())
    return digest.hexdigest()[:16]


def model_path() -> Path:
    """Where the model of today's files is or will be. Shared by all data folders of this checkout."""
    return ROOT / "var" / "models" / f"{content_hash()}.tar.gz"


async def train(say: Callable[[str], None]) -> Path:
    """Train unless it is there; two callers never train the same at once. Raises TrainingFailed."""
    await _environment()
    path = model_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / ".lock").open("w") as lock:
        await _hold(lock)
        if path.exists():
            return path
        say(f"training the model {path.name} (about a minute)")
        log_path = path.with_suffix(".log")
        with log_path.open("wb") as log:
            code = await processes.run(_training(path), log, env=QUIET, cwd=ROOT)
        if code != 0 or not path.exists():
            raise TrainingFailed(
                f"rasa train ended with {code}; see {log_path}\n{log_path.read_text()[-2000:]}"
            )
        say("the model is trained")
    return path


async def _environment() -> None:
    """Rasa's environment, made when it is not there: the gateway has not waited for it. Raises TrainingFailed."""
    code = await processes.run((str(ROOT / "scripts" / "setup"), "dialogue"), cwd=ROOT)
    if code != 0:
        raise TrainingFailed(f"scripts/setup dialogue ended with {code}, see above")


async def _hold(lock: IO[str]) -> None:
    """Wait for the lock by asking: a thread that waits in the kernel could not be told to stop."""
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(0.2)


def _training(path: Path) -> tuple[str, ...]:
    # nice: training takes every core it gets, and webhooks must be accepted meanwhile.
    return (
        *("nice", "-n", "5", str(RASA_PYTHON), "-m", "rasa", "train"),
        *("--data", "data", "--config", "config.yml", "--domain", "domain.yml"),
        *("--out", str(path.parent), "--fixed-model-name", path.name.removesuffix(".tar.gz")),
    )
