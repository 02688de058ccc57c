"""Starting and ending one process, so that none outlives whoever started it: not on Ctrl-C, not on ``kill -9``."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

STOP_SECONDS = 20.0
_PR_SET_PDEATHSIG = 1

Output = IO[bytes] | None
"""Where standard output and error go; None: where ours go."""


async def spawn(
    argv: Sequence[str],
    output: Output,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> asyncio.subprocess.Process:
    """Start it in a process group of its own."""
    environment = {**os.environ, **(env or {})}
    # What a process compiles is kept: every start after it takes half the time.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return await asyncio.create_subprocess_exec(
        *argv,
        env=environment,
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=_die_with(os.getpid()),
        pass_fds=pass_fds,
    )


async def end(process: asyncio.subprocess.Process, seconds: float = STOP_SECONDS) -> None:
    """TERM, then KILL after so many seconds, for its whole group."""
    _signal_group(process, signal.SIGTERM)
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        _signal_group(process, signal.SIGKILL)
        await process.wait()


async def run(
    argv: Sequence[str],
    output: Output = None,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> int:
    """Run it to its end; its exit status. Cancelled: it is ended first."""
    process = await spawn(argv, output, env=env, cwd=cwd)
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            await end(process)


def _signal_group(process: asyncio.subprocess.Process, signum: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signum)


def _die_with(parent: int) -> Callable[[], None]:
    """For the child: be killed when ``parent`` dies, also when it died before this could be asked for. Linux only."""

    def ask() -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

    return ask
