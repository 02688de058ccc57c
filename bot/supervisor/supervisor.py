"""Keeps a set of child processes alive: back-off on restarts, TERM then KILL at the end, nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

FIRST_WAIT = 0.2
LONGEST_WAIT = 10.0
STEADY_SECONDS = 30.0
STOP_SECONDS = 20.0
_PR_SET_PDEATHSIG = 1

Ready = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Child:
    """One process to keep alive. ``after`` names children that must be ready first."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    ready: Ready | None = None
    """Asked every 100 ms until it says True; None: ready when started."""
    before: Callable[[], Awaitable[None]] | None = None
    """Awaited before its first start (train the model)."""
    cwd: Path | None = None


def _die_with_parent() -> None:
    """In the child: be killed when the supervisor dies, even by ``kill -9``. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Supervisor:
    """Runs children until told to stop. ``say`` gets one line for each thing a person should see."""

    def __init__(self, children: list[Child], data: Path, say: Callable[[str], None]) -> None:
        self._children = children
        self._data = data
        self._say = say
        self._pids: dict[str, int] = {}
        self._ready = {child.name: asyncio.Event() for child in children}
        self._stopping = asyncio.Event()
        self.restarts: dict[str, int] = {child.name: 0 for child in children}

    def stop(self) -> None:
        self._stopping.set()

    async def ready(self, name: str) -> None:
        """Wait until a child was ready once."""
        await self._ready[name].wait()

    async def run(self) -> None:
        """Start everything; on ``stop`` end everything, last started first."""
        (self._data / "log").mkdir(parents=True, exist_ok=True)
        keepers = [asyncio.create_task(self._keep(child), name=child.name) for child in self._children]
        waiting = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([waiting, *keepers], return_when=asyncio.FIRST_COMPLETED)
        failed = next((k for k in keepers if k.done() and k.exception() is not None), None)
        self._stopping.set()
        # Whoever feeds on another goes first: the reverse of the order in which they were named.
        for keeper in reversed(keepers):
            if not keeper.done():
                keeper.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await keeper
        waiting.cancel()
        if failed is not None:
            failed.result()

    async def _keep(self, child: Child) -> None:
        for name in child.after:
            await self._ready[name].wait()
        if child.before is not None:
            await child.before()
        wait = FIRST_WAIT
        while True:
            began = time.monotonic()
            code = await self._once(child)
            if time.monotonic() - began >= STEADY_SECONDS:
                wait = FIRST_WAIT
            self.restarts[child.name] += 1
            self._say(f"{child.name} ended ({code}), starting it again; see {self._log(child)}")
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))
            wait = min(wait * 2, LONGEST_WAIT)

    def _log(self, child: Child) -> Path:
        return self._data / "log" / f"{child.name}.log"

    async def _once(self, child: Child) -> int:
        """One life of a child, to its end. Cancelled: it is stopped first."""
        with self._log(child).open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *child.argv,
                env={**os.environ, **child.env},
                cwd=child.cwd,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        self._note(child.name, process.pid)
        watcher = asyncio.create_task(self._watch(child))
        try:
            return await process.wait()
        except asyncio.CancelledError:
            await self._end(process)
            raise
        finally:
            watcher.cancel()
            self._note(child.name, None)

    async def _watch(self, child: Child) -> None:
        while child.ready is not None and not await child.ready():
            await asyncio.sleep(0.1)
        self._ready[child.name].set()

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """TERM, then KILL after 20 s, for the child's whole group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    def _note(self, name: str, pid: int | None) -> None:
        """Keep ``pids.json`` true: name -> pid of what runs now."""
        if pid is None:
            self._pids.pop(name, None)
        else:
            self._pids[name] = pid
        draft = self._data / "pids.json.new"
        draft.write_text(json.dumps(self._pids))
        draft.replace(self._data / "pids.json")
