"""Parked items as they are stored: a line of JSON about the item, then the item as it came."""

from __future__ import annotations

import json

from bot.core.addresses import LaneId
from bot.ports import Parked, ParkedKind


def encode(parked: Parked) -> bytes:
    """The item need not be JSON, nor text: it may be parked because nobody could read it."""
    head = {
        "lane": parked.lane,
        "item_id": parked.item_id,
        "kind": parked.kind.value,
        "why": parked.why,
        "attempts": parked.attempts,
        "at": parked.at,
    }
    return json.dumps(head).encode() + b"\n" + parked.item


def decode(data: bytes) -> Parked:
    """The reverse."""
    line, _, item = data.partition(b"\n")
    head = json.loads(line)
    return Parked(
        LaneId(head["lane"]), head["item_id"], item, ParkedKind(head["kind"]), head["why"], head["attempts"], head["at"]
    )
