"""A journal entry at its place in the journal, read."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.conversations import Conversation
from bot.core.journal import Entry
from bot.storage import codec


@dataclass(frozen=True, slots=True)
class Marked:
    """An entry at its place in the journal, in sortable form, with the record it carries."""

    mark: str
    entry: Entry
    record: Conversation


def marked(position: str, entry: Entry) -> Marked:
    """Read an entry's record. Raises CodecError."""
    return Marked(mark_of(position), entry, codec.conversation_from_json(entry.conversation))


def mark_of(position: str) -> str:
    """A position as text that sorts like the journal: ``07:1700000000000-0`` -> padded numbers."""
    milliseconds, _, nth = position.partition(":")[2].partition("-")
    return f"{int(milliseconds):016d}-{int(nth or 0):08d}"
