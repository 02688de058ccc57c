"""The processes of Relais: what each is started with, who waits for whom, and the addresses a person needs."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from bot import settings
from bot.settings import ROOT, Settings
from bot.supervisor import embedded_redis, model
from bot.supervisor.supervisor import Child, Ready, Supervisor


class PortTaken(Exception):
    """The port that was set is in use."""


class AlreadyRunning(Exception):
    """Another ``up`` works in this data folder: two Redis servers on one file would corrupt it."""


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """Hold the data folder for this process. Raises AlreadyRunning."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(f"already running in {data}; stop it, or set RELAIS_DATA") from error
        yield


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def choose_port(found: Settings) -> Settings:
    """A port that was set must be free; unset, the next free one from 8000 is taken. Raises PortTaken."""
    if found.port_was_set:
        if not is_free(found.port):
            raise PortTaken(f"PORT {found.port} is in use")
        return found
    port = next((p for p in range(found.port, found.port + 200) if is_free(p)), None)
    if port is None:
        raise PortTaken(f"no free port from {found.port}")
    return found.on_port(port)


def answers(url: str) -> Ready:
    """Ready when the address answers 200."""

    async def ask() -> bool:
        try:
            async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
                return (await client.get(url)).status_code == 200
        except httpx.HTTPError:
            return False

    return ask


def listens(port: int) -> Ready:
    """Ready when the port takes a connection."""

    async def ask() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    return ask


def children(
    found: Settings, ports: Mapping[str, int], extra: Mapping[str, str], say: Callable[[str], None]
) -> list[Child]:
    """Every process, in the order in which they may start. ``extra``: invented secrets with the simulator."""
    env = {**found.environment(), **extra, "PYTHONPATH": str(ROOT), **model.QUIET}
    py = sys.executable
    listed: list[Child] = []
    if "redis" in ports:
        binary = embedded_redis.find_server()
        argv = embedded_redis.arguments(binary, ports["redis"], found.data_dir / "redis")
        listed.append(Child("redis", argv, ready=listens(ports["redis"])))
    first = ("redis",) if "redis" in ports else ()
    gateway = f"http://127.0.0.1:{found.port}"
    if found.simulator:
        argv = (
            *(
                py,
                "-m",
                "bot.simulator.app",
                "--port",
                str(ports["simulator"]),
                "--public-url",
                found.public_url,
            ),
            *("--shops", str(found.shops_dir), "--data", str(found.data_dir)),
            *("--api-keys", str(found.data_dir / "demo-keys.json")),
        )
        listed.append(Child("simulator", argv, env, ready=listens(ports["simulator"]), cwd=ROOT))
    listed += [
        Child("gateway", (py, "-m", "bot.web.app"), env, first, answers(f"{gateway}/healthz"), cwd=ROOT),
        Child("worker", (py, "-m", "bot.worker"), env, first, cwd=ROOT),
    ]
    if "rasa" not in ports:
        return listed
    actions = ("--port", str(ports["actions"]))
    listed.append(
        Child(
            "actions",
            (py, "-m", "bot.actions_server", *actions),
            env,
            (),
            listens(ports["actions"]),
            cwd=ROOT,
        )
    )

    async def trained() -> None:
        await model.train(say)

    rasa = (
        *(str(model.RASA_PYTHON), "-m", "bot.dialogue.inside_rasa.serve", "--model", str(model.model_path())),
        *("--port", str(ports["rasa"]), "--redis", found.redis_url or ""),
        *("--actions", f"http://127.0.0.1:{ports['actions']}/webhook"),
    )
    ready = answers(f"http://127.0.0.1:{ports['rasa']}/relais/ready")
    # The gateway first: training takes every core, and webhooks must be accepted before.
    listed.append(Child("rasa", rasa, env, (*first, "gateway"), ready, before=trained, cwd=ROOT))
    return listed


def resolve(found: Settings) -> tuple[Settings, dict[str, int], dict[str, str]]:
    """Fill in what the supervisor decides: ports, embedded Redis, the simulator's addresses and invented secrets."""
    found = choose_port(found)
    ports: dict[str, int] = {}
    environ = {**os.environ, **found.environment()}
    extra: dict[str, str] = {}
    if found.redis_url is None:
        ports["redis"] = free_port()
        environ["REDIS_URL"] = f"redis://127.0.0.1:{ports['redis']}/0"
    if found.rasa_url is None:
        ports["rasa"], ports["actions"] = free_port(), free_port()
        environ["RASA_URL"] = f"http://127.0.0.1:{ports['rasa']}"
    if found.simulator:
        # Only here: without the simulator its code is never loaded.
        from bot.simulator.accounts import demo_environment

        ports["simulator"] = free_port()
        address = f"http://127.0.0.1:{ports['simulator']}"
        environ["TWILIO_API_URL"], environ["TELEGRAM_API_URL"] = address, address
        extra = {
            name: value for name, value in demo_environment(found.shops_dir).items() if name not in os.environ
        }
    return settings.of_child({**environ, **extra}), ports, extra


def addresses(found: Settings, ports: Mapping[str, int]) -> dict[str, str]:
    """What a person or a test needs to find, as written to ``addresses.json``."""
    known = {
        "gateway": f"http://127.0.0.1:{found.port}",
        "docs": f"{found.public_url}/docs",
        "redis_url": found.redis_url or "",
    }
    for name in ("rasa", "actions", "simulator"):
        if name in ports:
            known[name] = f"http://127.0.0.1:{ports[name]}"
    if found.simulator:
        known["phones"] = f"http://127.0.0.1:{ports['simulator']}/"
    return known


async def up(found: Settings, say: Callable[[str], None]) -> None:
    """Run the whole until Ctrl-C or TERM. Raises AlreadyRunning, PortTaken, NoRedis, SettingsError."""
    with alone(Path(found.data_dir)):
        await _up(found, say)


async def _up(found: Settings, say: Callable[[str], None]) -> None:
    found, ports, extra = resolve(found)
    data = Path(found.data_dir)
    os.environ.update(extra)
    supervisor = Supervisor(children(found, ports, extra, say), data, say)
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, supervisor.stop)
    known = addresses(found, ports)
    await prepare(found, say)
    (data / "addresses.json").write_text(json.dumps(known, indent=2))
    greeter = asyncio.create_task(_greet(supervisor, found, ports, known, say))
    try:
        await supervisor.run()
    finally:
        greeter.cancel()
        (data / "addresses.json").unlink(missing_ok=True)


async def prepare(found: Settings, say: Callable[[str], None]) -> None:
    """Bring the ledger up to date and import the shops, before anybody reads them. Raises CalledProcessError."""
    say("ledger and shops")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.cli", "prepare", env={**os.environ, **found.environment()}, cwd=ROOT
    )
    if await process.wait() != 0:
        raise SystemExit("the ledger could not be prepared, see above")


async def _greet(
    supervisor: Supervisor,
    found: Settings,
    ports: Mapping[str, int],
    known: Mapping[str, str],
    say: Callable[[str], None],
) -> None:
    await supervisor.ready("gateway")
    say(f"gateway   {known['gateway']}")
    if found.simulator:
        await supervisor.ready("simulator")
        say(f"phones    {known['phones']}")
    say(f"API docs  {known['docs']}")
    if "rasa" in ports:
        say("loading the model (half a minute)")
        await supervisor.ready("rasa")
    say("ready")
