"""Which addresses webhooks may be sent to: public ones, unless the operator names a private network.

A URL proves nothing: what is checked is the address that is connected to, at every connection, after one look-up whose
answer is used as it was checked (so a name that changes its address between check and use gains nothing).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import httpcore

Ip = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PORTS = (443, 8443)
LOOK_UP_SECONDS = 5.0
_GLOBAL_V6 = IPv6Network("2000::/3")
_TUNNELS = (IPv6Network("2002::/16"), IPv6Network("2001::/32"), IPv6Network("2001:db8::/32"))
_NAT64 = IPv6Network("64:ff9b::/96")


class RefusedAddress(Exception):
    """The target is none that may be called. Carries no address: whoever made the URL must not learn ours."""


@dataclass(frozen=True, slots=True)
class Guard:
    """``allowed``: private networks that may be called all the same, also without TLS and on any port."""

    allowed: tuple[Network, ...] = ()
    own_hosts: frozenset[str] = frozenset()

    def url_problem(self, url: str) -> str | None:
        """What is wrong with a URL, in words for its maker; None when it may be tried."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return "not a URL"
        host = parts.hostname
        if not url.isascii() or any(c.isspace() or c in '\\<>"{}|^`' for c in url) or not host:
            return "not a URL"
        if parts.username is not None or parts.password is not None:
            return "must have no user name or password in it"
        if parts.fragment:
            return "must have no fragment"
        if host.rstrip(".").lower() in self.own_hosts and not self._is_allowed_literal(host):
            return "must not be this server's own"
        if parts.scheme not in ("https", "http"):
            return "must begin with https://"
        if not self.allowed and (parts.scheme != "https" or port not in (None, *PORTS)):
            return "must begin with https:// and use port 443 or 8443"
        literal = _literal(host)
        if literal is not None and not self.may_call(literal, parts.scheme == "https", port or 443):
            return "this address may not be called"
        return None

    def may_call(self, address: Ip, tls: bool, port: int) -> bool:
        """May this very address be connected to?"""
        if self._is_allowed(address):
            return True
        return tls and port in PORTS and is_public(address)

    def _is_allowed(self, address: Ip) -> bool:
        inner = unwrapped(address)
        return any(inner.version == network.version and inner in network for network in self.allowed)

    def _is_allowed_literal(self, host: str) -> bool:
        literal = _literal(host)
        return (host == "localhost" and bool(self.allowed)) or (
            literal is not None and self._is_allowed(literal)
        )


def networks(words: Iterable[str]) -> tuple[Network, ...]:
    """Networks as the operator writes them (``10.1.0.0/16``). Raises ValueError."""
    return tuple(ip_network(word.strip()) for word in words if word.strip())


def unwrapped(address: Ip) -> Ip:
    """The IPv4 address within a mapped or NAT64 one."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Ip) -> bool:
    """``is_global`` alone calls tunnels and translated loopbacks public."""
    address = unwrapped(address)
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return isinstance(address, IPv4Address) or (
        address in _GLOBAL_V6 and not any(address in tunnel for tunnel in _TUNNELS)
    )


def _literal(host: str) -> Ip | None:
    """The address a host is written as, also in the old forms (``2130706433``, ``0x7f.1``) that resolvers take."""
    with suppress(ValueError):
        return ip_address(host.partition("%")[0])
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Connects only to addresses that the guard allows, to the one it has checked."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Look up once, refuse if any answer is not allowed, connect to the first. Raises RefusedAddress."""
        found = await _look_up(host, port)
        # Whether TLS follows is not known here; the port decides, and plain http was refused with its URL.
        if not found or not all(self._guard.may_call(address, True, port) for address in found):
            raise RefusedAddress
        return await self._inner.connect_tcp(str(found[0]), port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise RefusedAddress

    async def sleep(self, seconds: float) -> None:
        """As the inner one does."""
        await self._inner.sleep(seconds)


async def _look_up(host: str, port: int) -> Sequence[Ip]:
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            rows = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError) as error:
        raise httpcore.ConnectError("the name has no address") from error
    return [ip_address(str(row[4][0]).partition("%")[0]) for row in rows]
