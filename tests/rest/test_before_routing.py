"""What fails before an operation is reached is a problem too, with a request id."""

from __future__ import annotations

import asyncio

import pytest

from tests.rest.branch import Branch


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /api/v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"TRACE /api/v1/orders HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"GET /api/v1/orders HTTP/1.1\r\nHost x\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /api/v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", 400),
        (b"GET /api/v1/orders HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 413),
    ],
    ids=["unknown", "method", "header", "line", "length", "large"],
)
async def test_it_is_a_problem(branch: Branch, raw: bytes, status: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", branch.http.base_url.port)
    writer.write(raw)
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    writer.close()
    assert int(head.split()[1]) == status
    assert "content-type: application/problem+json" in head
    assert "request-id: " in head
