"""What a commit tells the ledger: the conversation as it is now, transcript items that changed, public events.

An entry is plain JSON-ready data with ids of our own, so the projector can write it twice without harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.core.addresses import ChannelName, LaneId, ShopId
from bot.core.messages import MessageId, MessageStatus


@dataclass(frozen=True, slots=True)
class TranscriptItem:
    """One message as REST and console show it. The projector upserts by ``id``; ``created_at`` never changes."""

    id: MessageId
    direction: str
    author: str
    channel: ChannelName | None
    text: str
    status: MessageStatus
    created_at: float
    late: bool = False
    superseded_by: MessageId | None = None
    provider_id: str | None = None
    error_code: str | None = None
    reason: str | None = None
    attachments: tuple[dict[str, Any], ...] = ()
    cost_xof: int = 0


@dataclass(frozen=True, slots=True)
class PublicEvent:
    """One line of the events feed. ``id`` is derived from its cause, so a repeat is dropped."""

    id: str
    type: str
    """``message.received``, ``conversation.moved``, ``conversation.handed_over``, ..."""
    occurred_at: float
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One commit. ``conversation`` is the codec's JSON object of the record after it."""

    lane: LaneId
    shop_id: ShopId
    at: float
    conversation: dict[str, Any]
    messages: tuple[TranscriptItem, ...] = ()
    events: tuple[PublicEvent, ...] = ()
