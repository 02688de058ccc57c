"""What this Redis keeps when it dies: read at start, shown by ``/readyz``, refused by ``make serve`` when too little."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import NoPermissionError, ResponseError

from bot.storage.connection import reach


class Level(StrEnum):
    """How much of what was acknowledged survives a power cut of this node."""

    FSYNC = "fsync"
    """Everything: written and synced before the answer."""
    SECOND = "second"
    """All but about the last second."""
    NONE = "none"
    """Snapshots or nothing: minutes may be lost."""
    UNKNOWN = "unknown"
    """A managed Redis that does not say."""


@dataclass(frozen=True, slots=True)
class Durability:
    """``evicts`` is None when unknown. ``replicas``: they copy late, so a failover may lose what was acknowledged."""

    level: Level
    policy: str | None
    evicts: bool | None
    replicas: int
    version: str

    @property
    def trustworthy(self) -> bool:
        """Good enough to promise that nothing acknowledged is lost."""
        return self.complaint is None

    @property
    def complaint(self) -> str | None:
        """Why nothing can be promised on this server, in words for its operator."""
        if self.level is Level.NONE:
            return "this Redis loses minutes when it dies: set appendonly yes, appendfsync always (or everysec)"
        if self.evicts:
            return f"this Redis forgets when it is full (maxmemory-policy {self.policy}): set noeviction"
        return None


async def durability(client: Redis) -> Durability:
    """Ask CONFIG, and INFO where CONFIG is forbidden; of a cluster, the weakest master. Raises ``ports.Unavailable``."""
    if not isinstance(client, RedisCluster):
        return await _of_server(client)
    await reach(client.initialize())
    found = [await _of_server(client, target_nodes=node) for node in client.get_primaries()]
    return min(found, key=lambda one: (one.trustworthy, list(Level)[::-1].index(one.level)))


async def _of_server(client: Redis, **which: Any) -> Durability:
    info = await reach(client.info(**which))
    settings = await _settings(client, which)
    policy = info.get("maxmemory_policy") or settings.get("maxmemory-policy")
    return Durability(
        level=_level(settings, aof=info.get("aof_enabled")),
        policy=policy,
        evicts=None if policy is None else policy != "noeviction",
        replicas=int(info.get("connected_slaves", 0)),
        version=str(info.get("redis_version", "")),
    )


async def _settings(client: Redis, which: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("appendonly", "appendfsync", "maxmemory-policy"):
        try:
            answer: dict[bytes | str, bytes | str] = await reach(client.config_get(name, **which))
        except (ResponseError, NoPermissionError):
            # Managed services rename or forbid CONFIG: the caller then falls back to INFO.
            return {}
        found |= {_text(key): _text(value) for key, value in answer.items()}
    return found


def _level(settings: dict[str, str], aof: int | None) -> Level:
    if not settings:
        return Level.NONE if aof == 0 else Level.UNKNOWN
    if settings["appendonly"] != "yes":
        return Level.NONE
    return {"always": Level.FSYNC, "everysec": Level.SECOND}.get(settings["appendfsync"], Level.NONE)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
