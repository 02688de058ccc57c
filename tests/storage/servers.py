"""Real Redis for the tests, on free ports: one server, or a cluster."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from bot.supervisor.embedded_redis import find_server

SLOTS = 16_384


@dataclass
class Server:
    """One process. A cluster's node also listens on ``port`` + 10000."""

    port: int
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, folder: Path, *options: str) -> Server:
        folder.mkdir(parents=True, exist_ok=True)
        port = _free_port()
        common = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
        return cls._run(folder, port, *common, *options)

    @classmethod
    def sentinel(cls, folder: Path, *lines: str) -> Server:
        """One that watches; it rewrites its file."""
        folder.mkdir(parents=True)
        port, config = _free_port(), folder / "sentinel.conf"
        config.write_text("\n".join([f"port {port}", "bind 127.0.0.1", f"dir {folder}", *lines, ""]))
        return cls._run(folder, port, str(config), "--sentinel")

    @classmethod
    def _run(cls, folder: Path, port: int, *arguments: str) -> Server:
        with open(folder / "redis.log", "wb") as log:
            process = subprocess.Popen([find_server(), *arguments], stdout=log, stderr=log)
        _wait(port, process)
        return cls(port, process)

    def kill(self) -> None:
        """``kill -9``."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)

    def ask(self, *words: str | int) -> Any:
        with redis.Redis(port=self.port, decode_responses=True) as client:
            return client.execute_command(*words)


@contextmanager
def running(folder: Path, *options: str) -> Iterator[str]:
    """A server with nothing but what the options say; yields its address."""
    server = Server.start(folder, *options)
    try:
        yield f"redis://127.0.0.1:{server.port}/0"
    finally:
        server.stop()


@dataclass
class Cluster:
    """Three masters, each with as many replicas as were asked for."""

    masters: list[Server]
    replicas: list[Server]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in self.masters)

    def master_of(self, slot: int) -> Server:
        """The server among those first made masters that holds a slot."""
        return self.masters[slot * len(self.masters) // SLOTS]


@contextmanager
def cluster(folder: Path, replicas: int = 0) -> Iterator[Cluster]:
    """A cluster on loopback, made by the commands that redis-cli would send."""
    options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--appendonly", "yes"]
    servers: list[Server] = []
    try:
        for number in range(3 * (1 + replicas)):
            servers.append(Server.start(folder / f"node-{number}", *options))
        made = Cluster(servers[:3], servers[3:])
        for number, server in enumerate(made.masters):
            first, last = -(-number * SLOTS // 3), -(-(number + 1) * SLOTS // 3)
            server.ask("CLUSTER ADDSLOTS", *range(first, last))
        for server in servers[1:]:
            server.ask("CLUSTER MEET", "127.0.0.1", servers[0].port)
        _until(lambda: all(int(_info(s)["cluster_known_nodes"]) == len(servers) for s in servers), "all have met")
        for number, replica in enumerate(made.replicas):
            replica.ask("CLUSTER REPLICATE", made.masters[number % 3].ask("CLUSTER MYID"))
        _until(lambda: all(_info(s)["cluster_state"] == "ok" for s in servers), "the cluster is whole")
        if replicas:
            _until(lambda: all(s.ask("INFO", "replication")["connected_slaves"] == replicas for s in made.masters), "copies")
        yield made
    finally:
        for server in servers:
            if server.process.poll() is None:
                server.stop()


@dataclass
class Watched:
    """A master and its copy, watched by three Sentinels under the name ``relais``."""

    master: Server
    copy: Server
    sentinels: list[Server]

    @property
    def url(self) -> str:
        return "redis+sentinel://" + ",".join(f"127.0.0.1:{one.port}" for one in self.sentinels) + "/relais/0"


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """Sentinels that call a master down after a second."""
    servers: list[Server] = []
    try:
        master = Server.start(folder / "master", "--appendonly", "yes")
        servers.append(master)
        copy = Server.start(folder / "copy", "--appendonly", "yes", "--replicaof", "127.0.0.1", str(master.port))
        servers.append(copy)
        watch = (
            f"sentinel monitor relais 127.0.0.1 {master.port} 2",
            "sentinel down-after-milliseconds relais 1000",
            "sentinel failover-timeout relais 5000",
        )
        servers += [Server.sentinel(folder / f"sentinel-{number}", *watch) for number in range(3)]
        sentinels = servers[2:]
        _until(lambda: all(_known(one) == ("1", "2") for one in sentinels), "the Sentinels know of each other")
        yield Watched(master, copy, sentinels)
    finally:
        for server in servers[::-1]:
            if server.process.poll() is None:
                server.stop()


def _known(sentinel: Server) -> tuple[str, str]:
    """How many copies and other Sentinels one knows of."""
    told = sentinel.ask("SENTINEL", "MASTER", "relais")
    fields = told if isinstance(told, dict) else dict(zip(told[::2], told[1::2], strict=True))
    return str(fields["num-slaves"]), str(fields["num-other-sentinels"])


def _info(server: Server) -> dict[str, str]:
    return dict(server.ask("CLUSTER INFO"))


def _until(holds: Callable[[], bool], what: str) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise RuntimeError(f"not within 30 s: {what}")


def _free_port() -> int:
    # A cluster's bus takes the port above by 10,000.
    while True:
        with socket.socket() as probe, socket.socket() as bus:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
            if port >= 55_000:
                continue
            try:
                bus.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            return port


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    with redis.Redis(port=port, retry=Retry(NoBackoff(), 0)) as client:
        for _ in range(500):
            if process.poll() is not None:
                break
            try:
                client.ping()
                return
            except redis.ConnectionError:
                time.sleep(0.02)
    raise RuntimeError("redis-server did not start: see redis.log")
