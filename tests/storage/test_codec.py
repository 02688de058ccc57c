"""What is stored can be read again: every field, every later version of the classes, never a newer format."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.addresses import Address, ChannelName, Scheme
from bot.core.basket import BasketLine
from bot.core.conversations import Conversation
from bot.core.health import AccountHealth, Transition
from bot.core.journal import Entry
from bot.core.messages import Command, Item, Received, Reported
from bot.storage import codec
from bot.storage.codec import NewerVersion
from bot.storage.plans import CodecError, dataclass_plan, plan

SAMPLES = Path(__file__).parent / "samples"
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(max_size=20)
ADDRESSES = st.sampled_from(
    [
        Address(Scheme.WHATSAPP, "+2250700000001"),
        Address(Scheme.WHATSAPP, "CI.opaque1"),
        Address(Scheme.TEL, "+2250500000002"),
        Address(Scheme.TELEGRAM, "123456789"),
        Address(Scheme.WEB, "abc_DEF-1"),
    ]
)
JSON_OBJECTS = st.dictionaries(
    TEXTS, st.none() | st.booleans() | st.integers() | TEXTS | st.lists(TEXTS), max_size=3
)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type, every field of a dataclass filled."""
    hint = getattr(hint, "__supertype__", hint)
    simple = {str: TEXTS, int: st.integers(), float: NUMBERS, bool: st.booleans(), type(None): st.none()}
    if hint in simple:
        return simple[hint]
    if hint is Address:
        return ADDRESSES
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        if arguments[1:] == (...,):
            return st.lists(values(arguments[0]), max_size=2).map(tuple)
        return st.tuples(*map(values, arguments))
    if origin is dict:
        return JSON_OBJECTS if arguments[1] is Any else st.dictionaries(*map(values, arguments), max_size=2)
    if origin is not None:
        return st.one_of(*map(values, arguments))
    if dataclasses.is_dataclass(hint):
        return filled(hint)
    return st.sampled_from(list(hint))


def filled(cls: Any) -> st.SearchStrategy[Any]:
    if cls is BasketLine:
        options = st.lists(st.tuples(TEXTS, TEXTS), max_size=2).map(tuple)
        return st.builds(
            BasketLine, TEXTS, TEXTS, options, st.integers(1, 999), st.integers(min_value=0, max_value=10**9)
        )
    hints = get_type_hints(cls)
    fields = {field.name: values(hints[field.name]) for field in dataclasses.fields(cls)}
    return st.builds(cls, **fields)


CONVERSATIONS = filled(Conversation)


@given(st.one_of(filled(Received), filled(Reported), filled(Command)))
def test_items_come_back_as_they_were(item: Item) -> None:
    assert codec.decode_item(codec.encode_item(item)) == item


@settings(max_examples=60, deadline=None)
@given(CONVERSATIONS)
def test_conversations_come_back_as_they_were(conversation: Conversation) -> None:
    assert codec.decode_conversation(codec.encode_conversation(conversation)) == conversation
    through_json = json.loads(json.dumps(codec.conversation_to_json(conversation)))
    assert codec.conversation_from_json(through_json) == conversation


@given(filled(Entry))
def test_journal_entries_come_back_as_they_were(entry: Entry) -> None:
    assert codec.decode_entry(codec.encode_entry(entry)) == entry


@given(filled(AccountHealth), filled(Transition))
def test_health_comes_back_as_it_was(health: AccountHealth, transition: Transition) -> None:
    assert codec.decode_health(codec.encode_health(health)) == health
    assert codec.decode_transition(codec.encode_transition(transition)) == transition


READERS = {
    "received": codec.decode_item,
    "reported": codec.decode_item,
    "command": codec.decode_item,
    "conversation": codec.decode_conversation,
    "entry": codec.decode_entry,
    "health": codec.decode_health,
    "transition": codec.decode_transition,
}
WRITERS = {
    **dict.fromkeys(("received", "reported", "command"), codec.encode_item),
    "conversation": codec.encode_conversation,
    "entry": codec.encode_entry,
    "health": codec.encode_health,
    "transition": codec.encode_transition,
}


def test_there_is_a_stored_sample_of_every_kind() -> None:
    assert sorted(path.stem for path in SAMPLES.glob("v1-*.json")) == sorted(f"v1-{kind}" for kind in READERS)


@pytest.mark.parametrize("kind", READERS)
def test_what_version_1_stored_is_read_and_nothing_of_it_is_lost(kind: str) -> None:
    stored = (SAMPLES / f"v1-{kind}.json").read_bytes()
    again = json.loads(WRITERS[kind](READERS[kind](stored)))  # type: ignore[operator]
    assert _only(again, json.loads(stored)) == json.loads(stored)


def _only(new: Any, old: Any) -> Any:
    """``new`` without the fields that came after ``old`` was stored."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {name: _only(new.get(name), value) for name, value in old.items()}
    if isinstance(old, list) and isinstance(new, list):
        return [_only(a, b) for a, b in zip(new, old, strict=True)]
    return new


def test_a_missing_field_takes_its_default_and_an_unknown_one_is_ignored() -> None:
    stored = b'{"v":1,"is":"Command","id":"c","name":"release","at":1.0,"later":{"x":1}}'
    assert codec.decode_item(stored) == Command(id="c", name="release", at=1.0)


def test_a_newer_version_is_refused_by_name() -> None:
    with pytest.raises(NewerVersion, match="version 2"):
        codec.decode_item(b'{"v":2,"is":"Command","id":"c","name":"release","at":1.0}')


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"[]",
        b"not json",
        b'{"is":"Command"}',
        b'{"v":1}',
        b'{"v":1,"is":"Nothing"}',
        b'{"v":1,"is":"Command","id":"c"}',
        b'{"v":1,"is":"Received","id":"c","shop_id":"s","channel":"pigeon","address":"web:a","reply_to":"",'
        b'"received_at":1}',
        b'{"v":1,"is":"Command","id":"c","name":"say","at":1,"arguments":7}',
    ],
)
def test_what_is_no_item_is_a_codec_error_without_its_words(stored: bytes) -> None:
    with pytest.raises(CodecError) as caught:
        codec.decode_item(stored)
    assert "pigeon" not in str(caught.value)


def test_half_an_emoji_survives() -> None:
    item = Command(id="c", name="say", at=1.0, arguments=(("text", "\ud83d"),))
    assert codec.decode_item(codec.encode_item(item)) == item


def test_not_a_number_is_never_stored() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        codec.encode_item(Command(id="c", name="say", at=float("nan")))


def test_addresses_are_readable_text_in_the_json_object() -> None:
    address = Address(Scheme.TEL, "+2250500000002")
    received = Received("id", "shop", ChannelName.SMS, address, "+225", 1.0)  # type: ignore[arg-type]
    assert json.loads(codec.encode_item(received))["address"] == "tel:+2250500000002"


def test_a_type_without_a_json_form_is_refused_when_the_plan_is_made() -> None:
    @dataclasses.dataclass
    class Odd:
        what: bytes

    Odd.__annotations__["what"] = bytes
    with pytest.raises(TypeError, match="no JSON form"):
        dataclass_plan(Odd)
    with pytest.raises(TypeError, match="no JSON form"):
        plan(set[str])
