"""Entity tags. A tag is a digest of the object as REST shows it to a key that sees everything.

Not the row's version: the stock is part of a product, and a sale does not raise its version.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from bot.web.encoding import dumps

_ONE = re.compile(r'\s*(W/)?"([^"]*)"\s*(?:,|$)')


def tag_of(body: Mapping[str, Any]) -> str:
    """A strong tag, with its quotes."""
    return f'"{hashlib.sha256(dumps(body).encode()).hexdigest()[:24]}"'


def _listed(header: str, weak: bool) -> set[str]:
    return {f'"{value}"' for mark, value in _ONE.findall(header) if weak or not mark}


def unchanged(if_none_match: str | None, tag: str) -> bool:
    """May a GET be answered 304? Weak comparison (RFC 9110, 13.1.2)."""
    return if_none_match is not None and (
        if_none_match.strip() == "*" or tag in _listed(if_none_match, weak=True)
    )


def allows(if_match: str | None, if_none_match: str | None, now: Mapping[str, Any] | None) -> bool:
    """May a change be made to what is there now (None: nothing)? Strong comparison (RFC 9110, 13.1.1)."""
    tag = None if now is None else tag_of(now)
    if if_match is not None:
        wanted = tag is not None if if_match.strip() == "*" else tag in _listed(if_match, weak=False)
        if not wanted:
            return False
    return if_none_match is None or tag is None or not unchanged(if_none_match, tag)
