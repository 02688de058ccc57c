"""Signed words: read back by us, by nobody else, within the channels' limits."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from bot.core.addresses import LaneId
from bot.core.tokens import Tokens, lane_of_message
from tests.core.samples import LANE

TOKENS = Tokens(b"k" * 32, "https://relais.example")
OTHER = Tokens(b"x" * 32, "https://relais.example")
NUMBERS = st.integers(0, 999_999)


@given(NUMBERS, NUMBERS, st.integers(0, 99))
def test_a_choice_comes_back_and_fits_telegram(
    epoch: int, question: int, index: int
) -> None:
    payload = TOKENS.sign_choice(LANE, epoch, question, index)
    assert TOKENS.read_choice(LANE, payload) == (epoch, question, index)
    assert len(payload.encode()) <= 64
    assert OTHER.read_choice(LANE, payload) is None
    assert TOKENS.read_choice(LaneId("f" * 20), payload) is None


@given(st.text(max_size=80))
def test_nothing_strangers_write_is_a_choice_or_a_link(text: str) -> None:
    assert TOKENS.read_choice(LANE, text) is None
    assert TOKENS.read_link_token(text) is None


@given(st.integers(0, 2**32 - 1))
def test_a_link_names_its_lane_and_fits_a_start_parameter(nonce: int) -> None:
    token = TOKENS.link_token(LANE, str(nonce))
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", token)
    assert TOKENS.read_link_token(token) == (LANE, str(nonce))
    assert OTHER.read_link_token(token) is None


def test_a_page_token_is_128_bits_and_can_be_derived_again() -> None:
    token = TOKENS.page_token(LANE, "1")
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", token)
    assert token == TOKENS.page_token(LANE, "1")
    assert token != TOKENS.page_token(LANE, "2")


def test_a_message_id_names_its_lane() -> None:
    assert lane_of_message(f"{LANE}-12") == LANE
    for wrong in ("", LANE, f"{LANE}-", f"{LANE}-x", "zz-1", f"{LANE}0-1"):
        assert lane_of_message(wrong) is None
