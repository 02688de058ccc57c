"""``REDIS_URL`` beyond one server: ``redis+sentinel://`` and ``redis+cluster://``, several nodes by comma."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote

PORT = 6379
SENTINEL_PORT = 26379


@dataclass(frozen=True, slots=True)
class Nodes:
    """Where to ask for the servers. ``service``: Sentinel's name of the master, None for a cluster."""

    hosts: tuple[tuple[str, int], ...]
    service: str | None
    db: int
    tls: bool
    username: str | None
    password: str | None = field(repr=False)


def nodes_of(url: str) -> Nodes | None:
    """Read an address of several nodes; None for one of a single server. Raises ValueError, never quoting a password.

    ``redis+sentinel://[user:password@]host:port,host:port/service[/db]``: user and password are the servers'.
    ``redis+cluster://[user:password@]host:port,host:port``. ``rediss+...`` speaks TLS.
    """
    scheme, separator, rest = url.partition("://")
    kind = scheme.partition("+")[2]
    if not separator or kind not in ("sentinel", "cluster") or scheme.partition("+")[0] not in ("redis", "rediss"):
        return None
    place, _, path = rest.partition("/")
    account, _, hosts = place.rpartition("@")
    user, _, password = account.partition(":")
    words = [word for word in path.split("/") if word]
    if kind == "cluster" and words not in ([], ["0"]):
        raise ValueError("REDIS_URL: a cluster has no database numbers")
    if kind == "sentinel" and (not words or len(words) > 2 or not all(word.isdigit() for word in words[1:])):
        raise ValueError("REDIS_URL: redis+sentinel://host:port,host:port/service or .../service/0")
    return Nodes(
        hosts=tuple(_host(word, SENTINEL_PORT if kind == "sentinel" else PORT) for word in hosts.split(",")),
        service=words[0] if kind == "sentinel" else None,
        db=int(words[1]) if len(words) == 2 else 0,
        tls=scheme.startswith("rediss"),
        username=unquote(user) or None,
        password=unquote(password) or None,
    )


def _host(word: str, port: int) -> tuple[str, int]:
    host, colon, number = word.rpartition(":")
    if not colon:
        host, number = word, str(port)
    if not host or not number.isdigit():
        raise ValueError("REDIS_URL: each node is host or host:port")
    return host, int(number)
