"""How many SMS segments a text takes, from the GSM 03.38 table; the price the shop pays."""

from __future__ import annotations

_BASIC = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = set("\f^{}\\[~]|€")


def encoding(text: str) -> str:
    """Return `GSM-7` or `UCS-2`."""
    return "GSM-7" if all(c in _BASIC or c in _EXTENDED for c in text) else "UCS-2"


def count_segments(text: str) -> int:
    """Count segments; an escape pair or a surrogate pair is never split."""
    if encoding(text) == "GSM-7":
        widths, single, multi = [2 if c in _EXTENDED else 1 for c in text], 160, 153
    else:
        widths, single, multi = [len(c.encode("utf-16-be")) // 2 for c in text], 70, 67
    if sum(widths) <= single:
        return 1
    segments, used = 1, 0
    for width in widths:
        if used + width > multi:
            segments, used = segments + 1, 0
        used += width
    return segments
