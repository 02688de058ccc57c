"""GSM-7: rewriting and segment counts, with smsutil as an independent oracle."""

from __future__ import annotations

import pytest
import smsutil
from hypothesis import given
from hypothesis import strategies as st

from bot.core.gsm7 import is_gsm7, segments, to_gsm7, units

_SMS_LETTERS = st.sampled_from(list("abc éèàùÉÇ€[]{}~|^\\\n'\"0123 êç’😀"))

REWRITES = [
    ("Reçu, à demain l’été", "Recu, à demain l'été"),
    ("5\u202f000 F", "5 000 F"),
    ("5\u00a0000 F", "5 000 F"),
    ("êëâçûôîïœŒÈÊÀÂÎÔÙ", "eeacuoiioeOEEEAAIOU"),
    ("« Chez Awa » – “super”…", '" Chez Awa " - "super"...'),
    ("é è ù à É Ç ä ö ü æ Æ ñ ß £ § @ _", "é è ù à É Ç ä ö ü æ Æ ñ ß £ § @ _"),
    ("Merci 🙏 Awa", "Merci Awa"),
    ("🎉 Merci", "Merci"),
    ("Merci 🎉", "Merci"),
    ("Merci 🎉🎉 🎉 Awa", "Merci Awa"),
    ("Un 👩🏽‍🍳\ndeux", "Un\ndeux"),
    ("e\u0301te\u0301", "été"),
    ("2 × 3 €", "2 x 3 €"),
]


@pytest.mark.parametrize(("text", "expected"), REWRITES)
def test_french_is_rewritten_into_the_alphabet_of_sms(text: str, expected: str) -> None:
    assert to_gsm7(text) == expected


SEGMENTS = [
    ("", 1),
    ("a" * 160, 1),
    ("a" * 161, 2),
    ("a" * 306, 2),
    ("a" * 307, 3),
    ("a" * 459, 3),
    ("a" * 460, 4),
    ("ê" * 70, 1),
    ("ê" * 71, 2),
    ("ê" * 134, 2),
    ("ê" * 135, 3),
    ("€" * 80, 1),
    ("€" * 81, 2),
    ("a" * 152 + "€" + "b" * 50, 2),
    ("😀" * 35, 1),
    ("😀" * 36, 2),
]


@pytest.mark.parametrize(("text", "expected"), SEGMENTS)
def test_segments_are_counted_as_twilios_calculator_counts_them(text: str, expected: int) -> None:
    assert segments(text) == expected


@given(st.text(_SMS_LETTERS, max_size=700))
def test_segments_agree_with_an_independent_counter(text: str) -> None:
    assert segments(text) == max(1, len(smsutil.split(text).parts))


# The oracle counts the escape itself as a character.
@given(st.characters(codec="utf-8", exclude_characters="\x1b"))
def test_the_alphabet_agrees_with_an_independent_table(char: str) -> None:
    assert is_gsm7(char) == smsutil.is_valid_gsm(char)


@given(st.text())
def test_whatever_is_rewritten_is_gsm7(text: str) -> None:
    assert is_gsm7(to_gsm7(text))


@given(st.text())
def test_rewriting_twice_changes_nothing_more(text: str) -> None:
    assert to_gsm7(to_gsm7(text)) == to_gsm7(text)


@given(st.text(st.sampled_from(list("abcéèàùÉÇ€ \n.'\"")), max_size=200))
def test_a_text_that_is_gsm7_is_left_alone(text: str) -> None:
    assert to_gsm7(text) == text


def test_units_count_an_escape_twice_and_an_emoji_twice() -> None:
    assert (units("a€"), units("ê😀")) == (3, 3)
