"""What is stored, as versioned JSON. Version 1 stays readable for ever: lanes live as long as their shoppers.

A reader takes what it knows: unknown fields are left out, missing ones take their default. Only a change that this
cannot bridge raises ``VERSION``, with a step here that brings the older form up.
"""

from __future__ import annotations

import json
from typing import Any, cast

from bot.core.conversations import Conversation
from bot.core.health import AccountHealth, Transition
from bot.core.journal import Entry
from bot.core.messages import Command, Item, Received, Reported
from bot.storage.plans import CodecError, Decoder, dataclass_plan, tagged

VERSION = 1
MARK = "v"

_ITEM = tagged({"Received": Received, "Reported": Reported, "Command": Command})
_CONVERSATION = dataclass_plan(Conversation)
_ENTRY = dataclass_plan(Entry)
_HEALTH = dataclass_plan(AccountHealth)
_TRANSITION = dataclass_plan(Transition)


class NewerVersion(CodecError):
    """Written by a later Relais: this one must not touch it."""


def encode_item(item: Item) -> bytes:
    """Bytes of something that goes into a lane."""
    return _dump(_ITEM[0](item, True))


def decode_item(data: bytes) -> Item:
    """Raises CodecError."""
    return cast(Item, _read(_ITEM[1], _load(data)))


def encode_conversation(conversation: Conversation) -> bytes:
    """Bytes of a lane's state; empty fields are left out."""
    return _dump(_CONVERSATION[0](conversation, True))


def decode_conversation(data: bytes) -> Conversation:
    """Raises CodecError."""
    return cast(Conversation, _read(_CONVERSATION[1], _load(data)))


def conversation_to_json(conversation: Conversation) -> dict[str, Any]:
    """The JSON object of the record, every field present: for the journal and the ledger.

    Addresses are text (``whatsapp:+225...``), enums their value, tuples lists.
    """
    return {MARK: VERSION, **_CONVERSATION[0](conversation, False)}


def conversation_from_json(data: dict[str, Any]) -> Conversation:
    """Raises CodecError."""
    return cast(Conversation, _read(_CONVERSATION[1], data))


def encode_entry(entry: Entry) -> bytes:
    """Bytes of a journal entry."""
    return _dump(_ENTRY[0](entry, True))


def decode_entry(data: bytes) -> Entry:
    """Raises CodecError."""
    return cast(Entry, _read(_ENTRY[1], _load(data)))


def encode_health(health: AccountHealth) -> bytes:
    """Bytes of an account's health."""
    return _dump(_HEALTH[0](health, True))


def decode_health(data: bytes) -> AccountHealth:
    """Raises CodecError."""
    return cast(AccountHealth, _read(_HEALTH[1], _load(data)))


def encode_transition(transition: Transition) -> bytes:
    """Bytes of a change of state."""
    return _dump(_TRANSITION[0](transition, True))


def decode_transition(data: bytes) -> Transition:
    """Raises CodecError."""
    return cast(Transition, _read(_TRANSITION[1], _load(data)))


def _dump(fields: dict[str, Any]) -> bytes:
    text = json.dumps({MARK: VERSION, **fields}, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # Half an emoji from a phone is stored as it came: json.loads reads it back the same way.
    return text.encode(errors="surrogatepass")


def _load(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError as error:
        raise CodecError("not JSON") from error


def _read(decode: Decoder, data: Any) -> Any:
    version = data.get(MARK) if isinstance(data, dict) else None
    if not isinstance(version, int) or version < 1:
        raise CodecError("no version")
    if version > VERSION:
        raise NewerVersion(f"written as version {version}, this Relais reads up to {VERSION}")
    try:
        return decode(data)
    except CodecError:
        raise
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        # Never the value: it may hold what a shopper wrote.
        raise CodecError(f"unreadable: {type(error).__name__}") from error
