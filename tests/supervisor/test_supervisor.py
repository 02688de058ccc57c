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

from bot.supervisor import embedded_redis, processes
from bot.supervisor.supervisor import CannotStart, Child, Supervisor
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
    server = embedded_redis.describe(embedded_redis.find_server())
    assert server is not None
    assert server.version >= (6, 2)
    assert embedded_redis.describe("/bin/false") is None


def test_a_data_folder_has_one_relais(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(AlreadyRunning), alone(tmp_path):
        pass
    with alone(tmp_path):
        assert (tmp_path / "up.lock").exists()


async def test_what_waits_for_a_child_with_an_end_starts_when_it_ended_well(tmp_path: Path) -> None:
    said: list[str] = []
    once = Child("once", (sys.executable, "-c", "print('imported')"), once=True)
    supervisor = Supervisor([once, Child("b", SLEEPER, after=("once",))], tmp_path, said.append)
    running = asyncio.create_task(supervisor.run())
    await until(lambda: set(pids(tmp_path)) == {"b"})
    supervisor.stop()
    await running
    assert said == ["once: imported"]
    assert supervisor.restarts == {"once": 0, "b": 0}


async def test_a_child_with_an_end_is_tried_again_until_it_ends_well(tmp_path: Path) -> None:
    fails_once = f"import os, sys; p={str(tmp_path / 'mark')!r}; sys.exit(0 if os.path.exists(p) else open(p, 'w').close() or 1)"
    supervisor = Supervisor(
        [Child("once", (sys.executable, "-c", fails_once), once=True)], tmp_path, lambda _: None
    )
    running = asyncio.create_task(supervisor.run())
    await asyncio.wait_for(supervisor.ready("once"), 15)
    supervisor.stop()
    await running
    assert supervisor.restarts == {"once": 1}


async def test_what_was_given_wrong_stops_all_and_is_told(tmp_path: Path) -> None:
    wrong = Child("wrong", (sys.executable, "-c", "import sys; sys.exit(print('no such shop') or 2)"), once=True)
    supervisor = Supervisor([Child("a", SLEEPER), wrong], tmp_path, lambda _: None)
    with pytest.raises(CannotStart, match="no such shop"):
        await supervisor.run()
    assert pids(tmp_path) == {}


async def test_what_is_awaited_before_a_start_ends_with_the_supervisor(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    argv = (sys.executable, "-c", f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)")

    async def train() -> None:
        await processes.run(argv)

    supervisor = Supervisor([Child("a", SLEEPER, before=train)], tmp_path, lambda _: None)
    running = asyncio.create_task(supervisor.run())
    await until(lambda: mark.exists() and mark.read_text())
    supervisor.stop()
    await running
    assert not alive(int(mark.read_text()))


async def test_what_a_killed_process_ran_to_its_end_dies_too(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    child = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    script = f"""
import asyncio, sys
from bot.supervisor import processes
asyncio.run(processes.run((sys.executable, "-c", {child!r})))
"""
    process = subprocess.Popen([sys.executable, "-c", script])
    await until(lambda: mark.exists() and mark.read_text())
    process.kill()
    process.wait()
    await until(lambda: not alive(int(mark.read_text())))


async def test_what_cannot_be_started_again_just_now_stops_nobody_else(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o700)
    said: list[str] = []
    supervisor = Supervisor([Child("a", (str(program),)), Child("b", SLEEPER)], tmp_path, said.append)
    running = asyncio.create_task(supervisor.run())
    await until(lambda: set(pids(tmp_path)) == {"a", "b"})
    before = pids(tmp_path)
    program.rename(tmp_path / "away")
    os.kill(before["a"], signal.SIGKILL)
    await until(lambda: any("No such file" in line for line in said))
    (tmp_path / "away").rename(program)
    await until(lambda: pids(tmp_path).get("a", before["a"]) != before["a"])
    assert pids(tmp_path)["b"] == before["b"]
    supervisor.stop()
    await running
