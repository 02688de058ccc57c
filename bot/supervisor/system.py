"""The processes of Relais: what each is started with, who waits for whom, and the addresses a person needs."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot import settings
from bot.settings import ROOT, Settings
from bot.supervisor import embedded_redis, model
from bot.supervisor.readiness import answers, listens, pongs
from bot.supervisor.supervisor import Child, Supervisor
from bot.web.app import listen


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


def take_port(found: Settings) -> tuple[Settings, socket.socket]:
    """Listen on the gateway's port. One that was set must be free; unset, the next free one is taken.

    The supervisor holds this socket as long as it runs and hands it to each gateway it starts: who connects before
    the first one has loaded, or while one is replaced, waits in its queue instead of being refused.
    Raises PortTaken.
    """
    for port in (found.port,) if found.port_was_set else range(found.port, found.port + 200):
        try:
            return found.on_port(port), listen(port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise PortTaken(f"PORT {port}: {error.strerror}") from error
    raise PortTaken(f"PORT {found.port} is in use" if found.port_was_set else f"no free port from {found.port}")


def children(
    found: Settings, ports: Mapping[str, int], listening: int, say: Callable[[str], None]
) -> list[Child]:
    """Every process, in the order in which they may start. ``listening``: descriptor of the gateway's socket."""
    env = {**found.environment(), "PYTHONPATH": str(ROOT), **model.QUIET}

    def ours(name: str, module: str, *arguments: str, **more: Any) -> Child:
        return Child(name, (sys.executable, "-m", module, *arguments), env, cwd=ROOT, **more)

    listed: list[Child] = []
    if "redis" in ports:
        binary, folder = embedded_redis.find_server(), found.data_dir / "redis"
        embedded_redis.claim(binary, folder)
        argv = embedded_redis.arguments(binary, ports["redis"], folder)
        listed.append(Child("redis", argv, ready=pongs(ports["redis"])))
    healthy = answers(f"http://127.0.0.1:{found.port}/healthz")
    # The gateway waits for nobody and everybody else for it: webhooks are accepted while the others load.
    listed.append(
        ours(
            "gateway", "bot.web.app", "--socket", str(listening), pass_fds=(listening,), ready=healthy
        )
    )
    if found.simulator:
        listed.append(
            ours(
                "simulator",
                "bot.simulator.app",
                *("--port", str(ports["simulator"]), "--public-url", found.public_url),
                *("--shops", str(found.shops_dir), "--data", str(found.data_dir)),
                *("--api-keys", str(found.data_dir / "demo-keys.json")),
                after=("gateway",),
                ready=listens(ports["simulator"]),
            )
        )
    store = ("redis",) if "redis" in ports else ()
    listed.append(ours("prepare", "bot.cli", "prepare", after=(*store, "gateway"), once=True))
    for name, shown_at in zip(settings.worker_names(found.workers), found.metrics_addresses, strict=True):
        one = ours(name, "bot.worker", after=("prepare",))
        listed.append(replace(one, env={**env, "METRICS_ADDRESS": shown_at}))
    if "rasa" not in ports:
        return listed
    port = str(ports["actions"])
    listed.append(
        ours(
            "actions", "bot.actions_server", "--port", port, after=("prepare",), ready=listens(ports["actions"])
        )
    )

    async def trained() -> None:
        await model.train(say)

    rasa = (
        *(str(model.RASA_PYTHON), "-m", "bot.dialogue.inside_rasa.serve", "--model", str(model.model_path())),
        *("--port", str(ports["rasa"]), "--redis", found.redis_url or ""),
        *("--actions", f"http://127.0.0.1:{port}/webhook"),
    )
    ready = answers(f"http://127.0.0.1:{ports['rasa']}/relais/ready")
    listed.append(Child("rasa", rasa, env, (*store, "gateway"), ready, before=trained, cwd=ROOT))
    return listed


def resolve(found: Settings) -> tuple[Settings, dict[str, int], dict[str, str]]:
    """Fill in what the supervisor decides: (settings, ports of the parts, variables for every process).

    The variables are the simulator's addresses and, with it, an invented value for each secret that is not set.
    """
    ports: dict[str, int] = {}
    environ = {**os.environ, **found.environment()}
    extra: dict[str, str] = {}
    if found.redis_url is None:
        ports["redis"] = free_port()
        environ["REDIS_URL"] = f"redis://127.0.0.1:{ports['redis']}/0"
    if found.rasa_url is None:
        ports["rasa"], ports["actions"] = free_port(), free_port()
        environ["RASA_URL"] = f"http://127.0.0.1:{ports['rasa']}"
    shown = found.metrics_addresses[: found.workers]
    more = [f"127.0.0.1:{free_port()}" for _ in range(found.workers - len(shown))]
    environ["METRICS_ADDRESS"] = ",".join((*shown, *more))
    if found.simulator:
        # Only here: without the simulator its code is never loaded.
        from bot.simulator.accounts import demo_environment

        ports["simulator"] = free_port()
        address = f"http://127.0.0.1:{ports['simulator']}"
        environ |= dict.fromkeys(("TWILIO_API_URL", "TELEGRAM_API_URL", "WAVE_API_URL"), address)
        # The pages' addresses as in bot/simulator/status_pages.py: a weak vote that the phones page can switch.
        environ |= {f"{name}_STATUS_URL": f"{address}/status/{name.lower()}.json" for name in ("TWILIO", "META")}
        environ["SMS_GATE_API_URL"] = f"{address}/3rdparty/v1"
        extra = {
            name: value for name, value in demo_environment(found.shops_dir).items() if name not in os.environ
        }
    return settings.of_child({**environ, **extra}), ports, extra


def addresses(found: Settings, ports: Mapping[str, int]) -> dict[str, str]:
    """What a person or a test needs to find, as written to ``addresses.json``."""
    known = {
        "gateway": f"http://127.0.0.1:{found.port}",
        "console": f"{found.public_url}/console",
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
    """Run the whole until Ctrl-C or TERM.

    Raises AlreadyRunning, PortTaken, NoRedis, CannotStart, TrainingFailed, SettingsError.
    """
    with alone(Path(found.data_dir)):
        found, listening = take_port(found)
        with listening:
            await _up(found, listening, say)


async def _up(found: Settings, listening: socket.socket, say: Callable[[str], None]) -> None:
    found, ports, extra = resolve(found)
    os.environ.update(extra)
    data = Path(found.data_dir)
    supervisor = Supervisor(children(found, ports, listening.fileno(), say), data, say)

    def stop() -> None:
        # Ours first: with it open, whoever connects to a gateway that has ended would wait for nobody.
        listening.close()
        supervisor.stop()

    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signum is signal.SIGHUP and signal.getsignal(signum) is signal.SIG_IGN:
            continue  # under nohup it goes on when the terminal is closed
        loop.add_signal_handler(signum, stop)
    known = addresses(found, ports)
    place, draft = data / "addresses.json", data / "addresses.json.new"
    draft.touch(mode=0o600)  # REDIS_URL may carry a password
    draft.write_text(json.dumps(known, indent=2))
    draft.replace(place)  # whoever waits for it never reads half of it
    greeter = asyncio.create_task(_greet(supervisor, found, ports, known, say))
    try:
        await supervisor.run()
    finally:
        greeter.cancel()
        place.unlink(missing_ok=True)


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
    say(f"console   {known['console']}")
    say(f"API docs  {known['docs']}")
    await supervisor.ready("prepare")
    if found.simulator:
        for user in json.loads((found.data_dir / "demo-users.json").read_text()).values():
            say(f"          demo login {user['login']}  password {user['password']}")
    if "rasa" in ports:
        say("loading the model (half a minute)")
        await supervisor.ready("rasa")
    say("ready")
