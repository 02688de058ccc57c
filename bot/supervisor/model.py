"""The trained model, once per content: the same training files and Rasa give the same file name."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

from bot.settings import ROOT

RASA_PYTHON = ROOT / ".venv-rasa" / "bin" / "python"
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
    files = [ROOT / "config.yml", ROOT / "domain.yml", *sorted((ROOT / "data").rglob("*.yml"))]
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
    path = model_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / ".lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        if path.exists():
            return path
        say(f"training the model {path.name} (about a minute)")
        log_path = path.with_suffix(".log")
        with log_path.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(str(RASA_PYTHON), "-m", "rasa", "train", "--data", "data", "--config", "config.yml"),
                *("--domain", "domain.yml", "--out", str(path.parent), "--fixed-model-name", content_hash()),
                cwd=ROOT,
                env={**os.environ, **QUIET},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            code = await process.wait()
        if code != 0 or not path.exists():
            raise TrainingFailed(
                f"rasa train ended with {code}; see {log_path}\n{log_path.read_text()[-2000:]}"
            )
        say("the model is trained")
    return path


def python() -> str:
    """The gateway's interpreter: the one that runs this."""
    return sys.executable
