"""A client for each form of ``REDIS_URL``, for the Redis library that Rasa is tied to.

The gateway's side reads the same address by ``bot.redis_url``; nothing of the gateway may run here but that one file,
which needs nothing.
"""

from __future__ import annotations

from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.sentinel import Sentinel

from bot.redis_url import nodes_of

TIMEOUT = 2.0
"""Seconds for one answer of Redis."""
_CONNECTIONS = 16


def connect(url: str) -> Any:
    """One server, the master that Sentinel names, or a cluster. Raises ValueError.

    A retried script would be refused by its own first run; a retry is the gateway's to decide.
    """
    shared: dict[str, Any] = {
        "socket_timeout": TIMEOUT,
        "socket_connect_timeout": TIMEOUT,
        "decode_responses": True,
    }
    nodes = nodes_of(url)
    if nodes is None:
        pool = BlockingConnectionPool.from_url(
            url, max_connections=_CONNECTIONS, timeout=TIMEOUT, retry_on_timeout=False, **shared
        )
        return Redis(connection_pool=pool)
    shared.update(username=nodes.username, password=nodes.password, ssl=nodes.tls)
    if nodes.service is None:
        where = [ClusterNode(host, port) for host, port in nodes.hosts]
        return RedisCluster(
            startup_nodes=where, require_full_coverage=False, cluster_error_retry_attempts=0, connection_error_retry_attempts=0, **shared
        )
    asked = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT, "ssl": nodes.tls}
    return Sentinel(nodes.hosts, sentinel_kwargs=asked).master_for(nodes.service, db=nodes.db, **shared)
