"""GSM 03.38, the alphabet of SMS: rewriting French into it and counting segments.

One ``ê``, ``ç`` or typographic apostrophe turns a message of 160 characters into one of 70, so texts are rewritten
before they are sent. What the alphabet has (é è à ù É Ç ä ö ü ñ) stays. Table: 3GPP TS 23.038, section 6.2.1.
"""

from __future__ import annotations

import re
import unicodedata

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Sent as an escape and a second septet; a pair is never split over two segments.
_EXTENSION = frozenset("^{}\\[~]|€\f")

GSM7_SINGLE = 160
GSM7_JOINED = 153
UCS2_SINGLE = 70
UCS2_JOINED = 67

_REWRITES = {
    **dict.fromkeys("’‘‚‛ʼ`´′", "'"),
    **dict.fromkeys("«»“”„‟″", '"'),
    **dict.fromkeys("–—‐‑‒―−•·", "-"),
    **dict.fromkeys("\u00a0\u202f\u2007\u2009\u200a\u2002\u2003\t", " "),
    **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\ufe0e\ufe0f\u00ad", ""),
    "œ": "oe",
    "Œ": "OE",
    "…": "...",
    "×": "x",
    "÷": "/",
    "°": "o",
    "№": "No",
    "½": "1/2",
    "¼": "1/4",
    "¾": "3/4",
    "²": "2",
    "³": "3",
    "→": "->",
    "←": "<-",
    "✓": "-",
    "✔": "-",
    "‹": "<",
    "›": ">",
    "\u2028": "\n",
    "\u2029": "\n",
}
# Marks of something that could not be written, removed with the blank beside it.
_DROPPED = "\ue000"


def is_gsm7(text: str) -> bool:
    """True when every character of the text is in GSM 03.38 (with its extension table)."""
    return all(char in _BASIC or char in _EXTENSION for char in text)


def to_gsm7(text: str) -> str:
    """Rewrite a text so that it is GSM-7: accents it lacks are lost, signs are spelt, the rest (emoji) is dropped.

    A text that is GSM-7 already comes back unchanged.
    """
    if is_gsm7(text):
        return text
    # Letters typed as base plus combining mark ("e" + U+0301) count as the letter they form.
    rewritten = "".join(_rewrite(char) for char in unicodedata.normalize("NFC", text))
    return _close_gaps(rewritten)


def _rewrite(char: str) -> str:
    if char in _BASIC or char in _EXTENSION:
        return char
    if char in _REWRITES:
        return _REWRITES[char]
    plain = "".join(part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part))
    if plain and is_gsm7(plain):
        return plain
    return "" if unicodedata.combining(char) else _DROPPED


def _close_gaps(text: str) -> str:
    """Take out dropped characters without leaving doubled or dangling blanks where they stood."""
    text = re.sub(rf" (?:{_DROPPED}+ )*{_DROPPED}+ ", " ", text)
    text = re.sub(rf"(^|\n)(?:{_DROPPED}+ ?)+", r"\1", text)
    text = re.sub(rf"(?: ?{_DROPPED}+)+(?=\n|$)", "", text)
    return text.replace(_DROPPED, "")


def units(text: str) -> int:
    """Length in the units its encoding counts: septets for GSM-7, 16-bit units for UCS-2."""
    if is_gsm7(text):
        return sum(2 if char in _EXTENSION else 1 for char in text)
    return sum(_utf16(char) for char in text)


def segments(text: str) -> int:
    """SMS segments the text takes as it stands: GSM-7 160 or 153 each, UCS-2 70 or 67; an empty text takes one."""
    if is_gsm7(text):
        widths = [2 if char in _EXTENSION else 1 for char in text]
        return _pack(widths, GSM7_SINGLE, GSM7_JOINED)
    return _pack([_utf16(char) for char in text], UCS2_SINGLE, UCS2_JOINED)


def _utf16(char: str) -> int:
    return 2 if ord(char) > 0xFFFF else 1


def _pack(widths: list[int], single: int, joined: int) -> int:
    if sum(widths) <= single:
        return 1
    count, room = 1, joined
    for width in widths:
        if width > room:
            count, room = count + 1, joined
        room -= width
    return count
