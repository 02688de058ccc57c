"""Logs carry fingerprints and field names, never words, tokens or numbers."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bot import logs
from bot.core.addresses import Address, Scheme

SECRET = b"a-secret-of-more-than-thirty-two-bytes"
SHOPPER = Address(Scheme.WHATSAPP, "+2250700000001")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    logs.configure("test", SECRET, stream=stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def only(stream: io.StringIO) -> dict[str, Any]:
    (line,) = stream.getvalue().splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_event_and_fields(stream: io.StringIO) -> None:
    """A line is one object: event, fields, bound context, process."""
    with structlog.contextvars.bound_contextvars(shop="awa-mode"):
        logs.get_logger().info("lane.taken", lane="ab12", waited=0.2)
    line = only(stream)
    assert (line["event"], line["lane"], line["waited"]) == ("lane.taken", "ab12", 0.2)
    assert (line["shop"], line["process"], line["level"]) == ("awa-mode", "test", "info")


@pytest.mark.parametrize("name", ["text", "body", "token", "secret", "auth", "auth_token", "request_body", "reply-text"])
def test_forbidden_fields_are_blanked(stream: io.StringIO, name: str) -> None:
    """By name, at any depth, whatever is in them."""
    logs.get_logger().info("a.b", **{name: "Bonjour", "nested": {"list": [{name: "Bonjour"}]}})
    assert "Bonjour" not in stream.getvalue()
    assert only(stream)[name] == logs.BLANK


@pytest.mark.parametrize("name", ["context", "tokens_left", "author", "authored_at", "bodyguard"])
def test_innocent_names_stay(stream: io.StringIO, name: str) -> None:
    """Only whole words count."""
    logs.get_logger().info("a.b", **{name: "kept"})
    assert only(stream)[name] == "kept"


@pytest.mark.parametrize(
    "value",
    [SHOPPER, str(SHOPPER), "0022507 00 00 00 01", "sent to +2250700000001.", ["tel:+2250700000001"], {"a": SHOPPER}],
)
def test_addresses_become_fingerprints(stream: io.StringIO, value: object) -> None:
    """As objects, in words and in containers."""
    logs.get_logger().info("a.b", to=value)
    assert "0700000001" not in stream.getvalue().replace(" ", "")


def test_a_fingerprint_is_stable_and_keyed(stream: io.StringIO) -> None:
    """One shopper can be followed in one installation only."""
    logs.get_logger().info("a.b", to=SHOPPER, also=str(SHOPPER))
    line = only(stream)
    assert line["to"] == line["also"] == logs.Fingerprint(SECRET)(SHOPPER)
    assert line["to"] != logs.Fingerprint(b"another secret")(SHOPPER)
    assert len(line["to"]) == 12


def test_errors_show_place_and_type_but_no_words(stream: io.StringIO) -> None:
    """An exception's message may quote a shopper."""
    try:
        try:
            raise KeyError("Bonjour")
        except KeyError as cause:
            raise ValueError("je veux un pagne") from cause
    except ValueError:
        logs.get_logger().exception("turn.failed")
    line = only(stream)
    assert line["error"] == ["builtins.ValueError", "builtins.KeyError"]
    assert "test_logs.py" in line["at"][-1]
    assert "pagne" not in stream.getvalue() and "Bonjour" not in stream.getvalue()


def test_libraries_go_the_same_way(stream: io.StringIO) -> None:
    """A library's line is JSON too, with its addresses hidden, and clients' request lines are off."""
    logging.getLogger("some.library").warning("no answer from %s", "whatsapp:+2250700000001")
    logging.getLogger("httpx").info("POST https://api.telegram.org/bot123:abc/sendMessage")
    line = only(stream)
    assert line["logger"] == "some.library" and "0700000001" not in line["event"]
