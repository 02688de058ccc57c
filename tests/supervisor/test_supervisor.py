"""Children are restarted after kill -9, ended in order, and none outlives the supervisor."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from bot.supervisor import embedded_redis
from bot.supervisor.supervisor import Child, Supervisor
from bot.supervisor.system import AlreadyRunning, alone

SLEEPER = (sys.executable, "-c", "import time; time.sleep(600)")


def pids(data: Path) -> dict[str, int]:
    try:
        return dict(json.loads((data / "pids.json").read_text()))
    except FileNotFoundError:
        return {}


def alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return status != "Z"


async def until(condition: object, seconds: float = 15.0) -> None:
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_killed_child_is_started_again_and_all_end_at_the_end(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor([Child("a", SLEEPER), Child("b", SLEEPER, after=("a",))], tmp_path, said.append)
    running = asyncio.create_task(supervisor.run())
    await until(lambda: set(pids(tmp_path)) == {"a", "b"})
    first = pids(tmp_path)
    os.kill(first["a"], signal.SIGKILL)
    await until(lambda: pids(tmp_path).get("a", first["a"]) != first["a"])
    last = pids(tmp_path)
    supervisor.stop()
    await running
    assert supervisor.restarts == {"a": 1, "b": 0}
    assert not any(alive(pid) for pid in (*first.values(), *last.values()))
    assert len(said) == 1


async def test_a_child_that_ignores_term_is_killed(tmp_path: Path, monkeypatch: object) -> None:
    stubborn = (
        sys.executable,
        "-c",
        "import signal,time; signal.signal(15, signal.SIG_IGN); print('on', flush=True); time.sleep(600)",
    )
    from bot.supervisor import supervisor as module

    monkeypatch.setattr(module, "STOP_SECONDS", 0.5)  # type: ignore[attr-defined]
    keeper = Supervisor([Child("a", stubborn)], tmp_path, lambda _: None)
    running = asyncio.create_task(keeper.run())
    log = tmp_path / "log" / "a.log"
    await until(lambda: log.exists() and "on" in log.read_text())
    pid = pids(tmp_path)["a"]
    keeper.stop()
    await running
    assert not alive(pid)


async def test_none_is_left_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import asyncio, sys
        from pathlib import Path
        from bot.supervisor.supervisor import Child, Supervisor
        child = Child("a", (sys.executable, "-c", "import time; time.sleep(600)"))
        asyncio.run(Supervisor([child], Path({str(tmp_path)!r}), print).run())
        """
    )
    process = subprocess.Popen([sys.executable, "-c", script])
    await until(lambda: "a" in pids(tmp_path))
    pid = pids(tmp_path)["a"]
    process.kill()
    process.wait()
    await until(lambda: not alive(pid))


def test_a_redis_of_6_2_or_newer_is_found() -> None:
    binary = embedded_redis.find_server()
    assert embedded_redis.version_of(binary) >= (6, 2)
    assert embedded_redis.version_of("/bin/false") == (0, 0)


def test_a_data_folder_has_one_relais(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(AlreadyRunning), alone(tmp_path):
        pass
    with alone(tmp_path):
        assert (tmp_path / "up.lock").exists()
