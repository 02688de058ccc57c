"""Webhooks call nobody's inside: not by number, not by name, not by a name that changes its mind."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address
from typing import Any

import pytest

from bot.hooks.client import HookClient
from bot.hooks.guard import Guard, GuardedBackend, RefusedAddress, is_public, networks
from tests.rest.branch import open_branch

INSIDE = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.0.1", "198.18.0.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
    "fc00::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_inside_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_what_is_outside_is(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "https://example.com:22/", "ftp://example.com/", "https://u:p@example.com/",
        "https://example.com/#x", "https:///x", "https://127.0.0.1/", "https://[::1]/", "https://2130706433/",
        "https://0x7f.1/", "https://0/", "https://[::ffff:127.0.0.1]/", "https://169.254.169.254/latest/meta-data",
        "https://relais.example/x", "https://RELAIS.example./x", "https://exa mple.com/", "https://example.com:x/",
        "https://example.com\\@127.0.0.1/", "//example.com", "https://[64:ff9b::7f00:1]/", "nonsense",
    ],
)  # fmt: skip
def test_such_a_url_is_refused_when_it_is_given(url: str) -> None:
    assert Guard(own_hosts=frozenset({"relais.example"})).url_problem(url) is not None


def test_a_plain_one_is_not() -> None:
    assert Guard().url_problem("https://example.com:8443/relais?x=1") is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "0", "[::ffff:127.0.0.1]", "127.1"])
async def test_no_connection_is_made_to_the_inside(host: str) -> None:
    reached: list[Any] = []
    server = await asyncio.start_server(lambda r, w: reached.append(w), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(RefusedAddress):
        await GuardedBackend(Guard()).connect_tcp(host.strip("[]"), port)
    server.close()
    assert reached == []


async def test_a_name_with_one_bad_address_among_good_ones_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("8.8.8.8", "127.0.0.1")]

    async def resolve(*_: Any, **__: Any) -> Any:
        return answers

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    with pytest.raises(RefusedAddress):
        await GuardedBackend(Guard()).connect_tcp("rebind.example", 443)


async def test_a_name_is_looked_up_once_and_what_was_checked_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def resolve(host: str, port: int, **_: Any) -> Any:
        asked.append(host)
        ip = "127.0.0.1" if len(asked) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))]

    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", resolve)
    stream = await GuardedBackend(Guard(networks(["127.0.0.0/8"]))).connect_tcp("rebind.example", port)
    peer = stream.get_extra_info("server_addr")
    await stream.aclose()
    server.close()
    # The address went on as a number; a number is not looked up by name again.
    assert (peer[0], [host for host in asked if host == "rebind.example"]) == (
        "127.0.0.1",
        ["rebind.example"],
    )


async def test_a_socket_file_is_never_opened() -> None:
    with pytest.raises(RefusedAddress):
        await GuardedBackend(Guard()).connect_unix_socket("/var/run/docker.sock")


async def test_the_client_says_so_in_one_word() -> None:
    client = HookClient(Guard())
    for url in ("https://localhost/", "https://127.0.0.1:8443/", "http://10.0.0.1/"):
        assert (await client.post(url, b"{}", {})).error == "refused_address"
    await client.close()


async def test_a_private_webhook_is_422_and_says_nothing_of_what_is_there(tmp_path: Any) -> None:
    async with open_branch(tmp_path, guard=Guard()) as branch:
        for url in ("https://127.0.0.1/x", "https://169.254.169.254/x", "http://example.com/x"):
            answer = await branch.call("POST", "/webhooks", json={"url": url})
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "url")
            assert "169.254" not in answer.text
