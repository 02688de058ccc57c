"""One way to reach Redis: time-outs named, no silent repeats, and its troubles told as ``ports.Unavailable``."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Awaitable, Sequence
from importlib import resources
from typing import Any

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis, RedisCluster, SSLConnection
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import (
    ClusterError,
    ConnectionError,
    NoScriptError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,
    TryAgainError,
)

from bot.core.addresses import PARTITIONS, LaneId, partition_of
from bot.metrics import METRICS
from bot.ports import Unavailable
from bot.redis_url import Nodes, nodes_of

PREFIX = "relais:"
TIMEOUT = 3.0
"""Seconds for one answer. A time-out is an unknown outcome: a timed-out script may have run."""
CONNECTIONS = 64
"""With fsync on every write, parallel connections share one fsync; one connection waits for each of its own."""

_TROUBLE = (ConnectionError, TimeoutError, ClusterError, ReadOnlyError, TryAgainError, OSError)
_REFUSALS = ("MISCONF", "OOM", "READONLY", "LOADING", "CLUSTERDOWN", "MASTERDOWN", "NOREPLICAS")


def connect(url: str, *, timeout: float | None = TIMEOUT, connections: int = CONNECTIONS) -> Redis:
    """A client for scripts: of one server, of the master Sentinel names, or of a cluster. Raises ValueError.

    redis-py repeats a script by itself up to ten times unless told not to. A redirection is no repeat: who says MOVED
    has run nothing.
    """
    nodes = nodes_of(url)
    if nodes is not None:
        return _of_several(nodes, timeout)
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=TIMEOUT,
        socket_timeout=timeout,
        socket_connect_timeout=TIMEOUT,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        decode_responses=False,
    )
    return Redis.from_pool(pool)


def _of_several(nodes: Nodes, timeout: float | None) -> Redis:
    shared: dict[str, Any] = {
        "username": nodes.username,
        "password": nodes.password,
        "socket_timeout": timeout,
        "socket_connect_timeout": TIMEOUT,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        "ssl": nodes.tls,
    }
    if nodes.service is None:
        where = [ClusterNode(host, port) for host, port in nodes.hosts]
        # The first error of a dead node has the layout read again. Half a cluster goes on with its half.
        return RedisCluster(startup_nodes=where, require_full_coverage=False, **shared)  # type: ignore[return-value]
    asked = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT, "ssl": nodes.tls}
    sentinel = Sentinel(nodes.hosts, sentinel_kwargs=asked)  # type: ignore[no-untyped-call]
    master: Redis = sentinel.master_for(nodes.service, redis_class=_Master, db=nodes.db, **shared)
    return master


class _Master(Redis):
    """The master of the moment. Closing it closes the connections to the Sentinels too."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        await super().aclose(close_connection_pool)
        pool = self.connection_pool
        if isinstance(pool, SentinelConnectionPool):
            for one in pool.sentinel_manager.sentinels:
                await one.aclose()


def as_client(client_or_url: Redis | str) -> Redis:
    """A client as it is; an address becomes one. A client must not decode responses."""
    return connect(client_or_url) if isinstance(client_or_url, str) else client_or_url


def listener(client: Redis) -> Redis:
    """A client of its own for a subscription: silence is normal there, so a read never times out."""
    if isinstance(client, RedisCluster):
        # Every node hears what is published on any of them; a dead one is left at the next attempt.
        node = random.choice(list(client.nodes_manager.startup_nodes.values()))
        kept = {name: client.connection_kwargs.get(name) for name in ("username", "password")}
        return Redis(
            host=node.host,
            port=node.port,
            socket_timeout=None,
            socket_connect_timeout=TIMEOUT,
            socket_keepalive=True,
            ssl=client.connection_kwargs.get("connection_class") is SSLConnection,
            **kept,
        )
    pool = client.connection_pool
    kwargs = {**pool.connection_kwargs, "socket_timeout": None, "socket_keepalive": True}
    if isinstance(pool, SentinelConnectionPool):
        del kwargs["connection_pool"]
        again = SentinelConnectionPool(  # type: ignore[no-untyped-call]
            pool.service_name, pool.sentinel_manager, connection_class=pool.connection_class, **kwargs
        )
        return Redis.from_pool(again)
    return Redis.from_pool(ConnectionPool(connection_class=pool.connection_class, **kwargs))


async def reach(call: Awaitable[Any]) -> Any:
    """Await a call. Raises ``Unavailable`` when Redis cannot be reached or refuses to write."""
    try:
        return await call
    except _TROUBLE as error:
        METRICS.trouble.labels("redis").inc()
        raise Unavailable(f"redis: {type(error).__name__}") from error
    except ResponseError as error:
        if any(word in str(error) for word in _REFUSALS):
            METRICS.trouble.labels("redis").inc()
            raise Unavailable("redis refuses to write") from error
        raise


class Script:
    """A Lua file of ours, sent by its hash. Every key it touches is passed in ``keys``."""

    def __init__(self, *files: str) -> None:
        folder = resources.files("bot.storage") / "lua"
        self.source = "\n".join((folder / f"{name}.lua").read_text() for name in files)
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, client: Redis, keys: Sequence[str], arguments: Sequence[Any] = ()) -> Any:
        """Run it once. The server forgets scripts at a restart: only that answer is followed by a second call."""
        return await reach(self._run(client, keys, arguments))

    async def _run(self, client: Redis, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        try:
            return await client.evalsha(self.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await client.eval(self.source, len(keys), *keys, *arguments)


class Keys:
    """Names of all keys. Those of one partition share a hash tag, so that they lie together on a cluster."""

    def __init__(self, prefix: str = PREFIX) -> None:
        self.prefix = prefix
        self.wake = f"{prefix}wake"
        self.due = [self._of(partition, "due") for partition in range(PARTITIONS)]
        self.generation = [self._of(partition, "generation") for partition in range(PARTITIONS)]
        self.fence = [self._of(partition, "fence") for partition in range(PARTITIONS)]
        self.journal = [self._of(partition, "journal") for partition in range(PARTITIONS)]
        self.whole = [self._of(partition, "whole") for partition in range(PARTITIONS)]
        self.tries = [self._of(partition, "tries") for partition in range(PARTITIONS)]
        self.park = [self._of(partition, "park") for partition in range(PARTITIONS)]

    def _of(self, partition: int, name: str) -> str:
        return f"{self.prefix}{{p{partition:02d}}}:{name}"

    def lane(self, lane: LaneId) -> str:
        return self._of(partition_of(lane), f"lane:{lane}")

    def inbox(self, lane: LaneId) -> str:
        return self._of(partition_of(lane), f"inbox:{lane}")

    def items(self, lane: LaneId) -> str:
        return self._of(partition_of(lane), f"items:{lane}")

    def seen(self, lane: LaneId) -> str:
        return self._of(partition_of(lane), f"seen:{lane}")
