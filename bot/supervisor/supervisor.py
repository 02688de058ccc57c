"""Keeps a set of child processes alive: back-off on restarts, TERM then KILL at the end, nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.supervisor import processes
from bot.supervisor.readiness import Ready

FIRST_WAIT = 0.2
LONGEST_WAIT = 10.0
STEADY_SECONDS = 30.0
STOP_SECONDS = processes.STOP_SECONDS
HOPELESS = 2
"""Exit status of a process that was given something wrong: starting it again cannot help."""
TAIL = 4000
"""Bytes of a log that are shown when its process cannot start."""


class CannotStart(Exception):
    """A process says that what it was given is wrong; its own words follow."""


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
    once: bool = False
    """It has an end: ready when it has ended well, and not started again then."""
    pass_fds: tuple[int, ...] = ()
    """File descriptors it inherits under the same numbers."""


class Supervisor:
    """Runs children until told to stop. ``say`` gets one line for each thing a person should see."""

    def __init__(self, children: list[Child], data: Path, say: Callable[[str], None]) -> None:
        self._children = children
        self._data = data
        self._say = say
        self._pids: dict[str, int] = {}
        self._ready = {child.name: asyncio.Event() for child in children}
        self._stopping = asyncio.Event()
        self._failure: Exception | None = None
        self.restarts: dict[str, int] = {child.name: 0 for child in children}

    def stop(self) -> None:
        self._stopping.set()

    async def ready(self, name: str) -> None:
        """Wait until a child was ready once."""
        await self._ready[name].wait()

    async def run(self) -> None:
        """Start everything; on ``stop`` end everything, last started first.

        Raises what made one of them impossible to start: CannotStart, or what its ``before`` raised.
        """
        (self._data / "log").mkdir(parents=True, exist_ok=True)
        keepers = [asyncio.create_task(self._keep(child), name=child.name) for child in self._children]
        try:
            await self._stopping.wait()
        finally:
            # Whoever feeds on another goes first: the reverse of the order in which they were named.
            for keeper in reversed(keepers):
                keeper.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await keeper
        if self._failure is not None:
            raise self._failure

    async def _keep(self, child: Child) -> None:
        """The whole life of a child. What cannot start stops all."""
        try:
            for name in child.after:
                await self._ready[name].wait()
            if child.before is not None:
                await child.before()
            await self._restart(child)
        except Exception as error:
            self._failure = self._failure or error
            self.stop()

    async def _restart(self, child: Child) -> None:
        wait = FIRST_WAIT
        while True:
            began, size = time.monotonic(), self._size(child)
            code = await self._life(child)
            if child.once and code == 0:
                for line in self._words_since(child, size).splitlines():
                    self._say(f"{child.name}: {line}")
                self._ready[child.name].set()
                return
            if code == HOPELESS and not self._ready[child.name].is_set():
                raise CannotStart(f"{child.name} cannot start:\n{self._words_since(child, size)}")
            if time.monotonic() - began >= STEADY_SECONDS:
                wait = FIRST_WAIT
            self.restarts[child.name] += 1
            self._say(f"{child.name} ended ({code}), starting it again; see {self._log(child)}")
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))
            wait = min(wait * 2, LONGEST_WAIT)

    def _log(self, child: Child) -> Path:
        return self._data / "log" / f"{child.name}.log"

    def _size(self, child: Child) -> int:
        log = self._log(child)
        return log.stat().st_size if log.exists() else 0

    def _words_since(self, child: Child, size: int) -> str:
        return self._log(child).read_bytes()[size:][-TAIL:].decode(errors="replace").strip()

    async def _life(self, child: Child) -> int | OSError:
        """How it ended. A machine that cannot start a process just now must not stop those that run."""
        try:
            return await self._once(child)
        except OSError as error:
            if not self._ready[child.name].is_set():
                raise
            return error

    async def _once(self, child: Child) -> int:
        """One life of a child, to its end. Cancelled: it is stopped first."""
        with self._log(child).open("ab") as log:
            process = await processes.spawn(
                child.argv, log, env=child.env, cwd=child.cwd, pass_fds=child.pass_fds
            )
        self._note(child.name, process.pid)
        watcher = None if child.once else asyncio.create_task(self._watch(child))
        try:
            return await process.wait()
        except asyncio.CancelledError:
            await processes.end(process, STOP_SECONDS)
            raise
        finally:
            if watcher is not None:
                watcher.cancel()
            self._note(child.name, None)

    async def _watch(self, child: Child) -> None:
        while child.ready is not None and not await child.ready():
            await asyncio.sleep(0.1)
        self._ready[child.name].set()

    def _note(self, name: str, pid: int | None) -> None:
        """Keep ``pids.json`` true: name -> pid of what runs now."""
        if pid is None:
            self._pids.pop(name, None)
        else:
            self._pids[name] = pid
        draft = self._data / "pids.json.new"
        with contextlib.suppress(OSError):  # a full disk: the file is for people, not for us
            draft.write_text(json.dumps(self._pids))
            draft.replace(self._data / "pids.json")
