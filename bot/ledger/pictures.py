"""A vendor's picture made fit to be sent: a small JPEG of pixels alone, whatever the file was.

What a camera writes beside the pixels (the place of the vendor's home, the phone's name) must not be published, WhatsApp
takes no WebP, and a file that unpacks to gigabytes must not take the process with it.
"""

from __future__ import annotations

import asyncio
import io
import struct
import threading
import zlib
from contextlib import suppress

from PIL import Image, ImageOps

MOST_BYTES = 200_000
"""Of a kept picture: seconds on a slow line, and far below the 5 MB of WhatsApp and of Telegram's fetch by address."""
MOST_PIXELS = 25_000_000
"""A larger picture is refused by its header, before anything is unpacked."""
LONGEST_SIDE = 1280
_SHORTER = 0.75
_QUALITIES = (82, 70, 58)
_FORMATS = ("JPEG", "PNG", "WEBP")
_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
_one_at_a_time = threading.Lock()
"""Unpacked pixels of one picture are memory enough."""


async def made_fit(body: bytes) -> bytes | None:
    """The picture as a JPEG of at most ``MOST_BYTES``, upright, on white; None for what is no JPEG, PNG or WebP.

    Works in a thread: a large picture takes tenths of a second.
    """
    return await asyncio.to_thread(_made_fit, body)


def _made_fit(body: bytes) -> bytes | None:
    with _one_at_a_time, suppress(*_UNREADABLE), Image.open(io.BytesIO(body), formats=_FORMATS) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            return None
        # A camera's JPEG is unpacked at a half, a quarter or an eighth of its size at once.
        picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        return _packed(_on_white(ImageOps.exif_transpose(picture)))
    return None


def _on_white(picture: Image.Image) -> Image.Image:
    """The pixels alone, in a new picture: profile, comment and all else stay behind."""
    paper = Image.new("RGB", picture.size, "white")
    if picture.has_transparency_data:
        seen = picture.convert("RGBA")
        paper.paste(seen, mask=seen)
    else:
        paper.paste(picture.convert("RGB"))
    return paper


def _packed(picture: Image.Image) -> bytes:
    while True:
        for quality in _QUALITIES:
            packed = io.BytesIO()
            picture.save(packed, "JPEG", quality=quality, optimize=True)
            if packed.tell() <= MOST_BYTES:
                return packed.getvalue()
        width, height = (max(1, round(side * _SHORTER)) for side in picture.size)
        picture = picture.resize((width, height))
