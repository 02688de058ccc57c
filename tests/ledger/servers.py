"""A real PostgreSQL for the tests, on a free port of its own, as a user that is not root."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def find_programs() -> Path | None:
    """The folder with ``initdb`` and ``postgres``: on PATH, else Debian's newest; None where there is none."""
    found = shutil.which("postgres")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


@contextmanager
def running(programs: Path) -> Iterator[str]:
    """A server with an empty database; yields its address for SQLAlchemy."""
    folder = Path(tempfile.mkdtemp(prefix="relais-pg-", dir="/tmp"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    user = _someone()
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    data = folder / "data"
    # PostgreSQL refuses to run as root.
    as_user = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    try:
        _run(
            [programs / "initdb", "-D", data, "-U", "relais", "-A", "trust", "-E", "UTF8", "--no-sync"],
            folder,
            as_user,
        )
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=60"
        with open(folder / "log", "wb") as log:
            process = subprocess.Popen(
                [programs / "postgres", "-D", data, *options.split()],
                cwd=folder, stdout=log, stderr=log, **as_user,
            )  # fmt: skip
        try:
            _run([programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port)], folder, as_user, tries=200)
            yield f"postgresql+psycopg://relais@127.0.0.1:{port}/postgres"
        finally:
            process.terminate()
            process.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _someone() -> pwd.struct_passwd | None:
    if os.getuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def _run(command: list[object], folder: Path, as_user: dict[str, object], tries: int = 1) -> None:
    for attempt in range(tries):
        done = subprocess.run(
            [str(part) for part in command],
            cwd=folder,
            capture_output=True,
            text=True,
            **as_user,  # type: ignore[call-overload]
        )
        if done.returncode == 0:
            return
        if attempt + 1 < tries:
            time.sleep(0.05)
    raise RuntimeError(f"{command[0]}: {done.stderr}{done.stdout}")
