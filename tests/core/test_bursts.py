"""How long a shopper may go on typing before the thought is answered."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.addresses import ChannelName, Scheme, ShopId, of_phone
from bot.core.bursts import TYPING, unfinished
from bot.core.messages import Attachment, Received

ADDRESS = of_phone(Scheme.WHATSAPP, "+2250700000001")
assert ADDRESS is not None
WORDS = Received("wa:1", ShopId("awa"), ChannelName.WHATSAPP, ADDRESS, "x", 100.0, "2 pagnes rouges")


def test_a_lone_message_waits_for_nothing() -> None:
    assert TYPING.until(WORDS, previous=None, first=None, now=100.0) == 100.0
    assert TYPING.until(WORDS, previous=90.0, first=None, now=100.0) == 100.0


def test_one_that_follows_closely_waits_for_the_next() -> None:
    assert TYPING.until(WORDS, previous=99.0, first=None, now=100.0) == 100.8


@pytest.mark.parametrize("text", ["slt", "Bonjour !", "je veux 2 pagnes,", "2 foulards et", "1 robe +", "alors..."])
def test_a_beginning_waits_for_its_end(text: str) -> None:
    assert unfinished(text)


@pytest.mark.parametrize("text", ["oui", "wave", "bonjour je veux 2 pagnes", "Yopougon", "c combien ?", "2"])
def test_what_is_whole_does_not(text: str) -> None:
    assert not unfinished(text)


def test_a_tap_and_a_voice_note_wait_for_nothing() -> None:
    tap, voice = replace(WORDS, payload="x"), replace(WORDS, attachments=(Attachment("audio"),))
    assert [TYPING.until(one, 99.9, 99.9, 100.0) for one in (tap, voice)] == [100.0, 100.0]


@given(st.floats(0, 10), st.floats(0, 10), st.sampled_from(["slt", "2 pagnes", "et"]))
def test_no_burst_is_held_beyond_its_limit(since_first: float, since_last: float, text: str) -> None:
    """Never into the past, never more than a pause, never past the limit counted from the first message."""
    now, first = 100.0, 100.0 - max(since_first, since_last)
    until = TYPING.until(replace(WORDS, text=text), 100.0 - since_last, first, now)
    assert now <= until <= now + TYPING.pause
    assert until <= max(now, first + TYPING.most)
