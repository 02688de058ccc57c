"""The check that reads the logs of the running system can fail."""

from __future__ import annotations

import pytest

from tests.logs.leaks import leaks

TOKEN = "7028439015:PUy751X9jWqKbc"


@pytest.mark.parametrize(
    "line",
    [
        f"HTTP Request: POST https://api.telegram.org/bot{TOKEN}/sendMessage",
        '{"event": "x", "to": "whatsapp:+2250700000001"}',
        "GET /webhooks?From=whatsapp%3A%2B2250500000001",
        "tel 002250100000001",
    ],
)
def test_a_line_that_tells_too_much_is_found(line: str) -> None:
    assert leaks(f"quiet\n{line}\nquiet", [TOKEN]) == [line]


@pytest.mark.parametrize("line", ['{"event": "lane.taken", "to": "~a3f9"}', "at 1795652822.5179 took 0.2", "12250700000001"])
def test_an_innocent_line_is_not(line: str) -> None:
    assert leaks(line, [TOKEN, "short"]) == []
