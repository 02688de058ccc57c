"""A picture made fit to be sent: small, upright, JPEG, and nothing in it but pixels."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from bot.ledger.pictures import LONGEST_SIDE, MOST_BYTES, MOST_PIXELS, made_fit

GPS, ORIENTATION, MODEL = 0x8825, 0x0112, 0x0110


def file(picture: Image.Image, kind: str, **more: object) -> bytes:
    written = io.BytesIO()
    picture.save(written, kind, **more)
    return written.getvalue()


def noise(width: int, height: int) -> Image.Image:
    return Image.effect_noise((width, height), 100).convert("RGB")


async def opened(body: bytes) -> Image.Image:
    fit = await made_fit(body)
    assert fit is not None and len(fit) <= MOST_BYTES
    return Image.open(io.BytesIO(fit))


async def test_where_and_with_what_it_was_taken_is_not_published() -> None:
    exif = Image.Exif()
    exif[MODEL] = "Tecno Camon 20"
    exif.get_ifd(GPS).update({1: "N", 2: (5.0, 21.0, 32.0), 3: "W", 4: (4.0, 1.0, 2.0)})
    taken = file(Image.new("RGB", (60, 40), "red"), "JPEG", exif=exif, comment=b"chez Awa")
    assert b"Tecno" in taken and b"chez Awa" in taken
    kept = await opened(taken)
    assert dict(kept.getexif()) == {} and kept.getexif().get_ifd(GPS) == {}
    assert set(kept.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


async def test_a_phone_held_upright_gives_an_upright_picture() -> None:
    lying = Image.new("RGB", (80, 40), "blue")
    lying.paste("red", (0, 0, 40, 40))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    kept = await opened(file(lying, "JPEG", exif=exif, quality=95))
    red, blue = kept.getpixel((20, 10)), kept.getpixel((20, 70))
    assert kept.size == (40, 80)
    assert isinstance(red, tuple) and isinstance(blue, tuple)
    assert red[0] > 200 > blue[0] and blue[2] > 200 > red[2]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_every_kind_becomes_a_jpeg_that_whatsapp_takes(kind: str) -> None:
    assert (await opened(file(noise(300, 200), kind))).format == "JPEG"


async def test_what_is_transparent_becomes_white() -> None:
    kept = await opened(file(Image.new("RGBA", (10, 10), (0, 0, 0, 0)), "PNG"))
    assert kept.getpixel((5, 5)) == (255, 255, 255)


async def test_a_large_picture_is_made_small_enough() -> None:
    kept = await opened(file(noise(3000, 2000), "JPEG", quality=90))
    assert max(kept.size) <= LONGEST_SIDE
    assert kept.width * 2 == pytest.approx(kept.height * 3, abs=6)


def bomb(side: int) -> bytes:
    """A PNG of a few hundred kB at most that unpacks to ``side`` x ``side`` x 4 bytes, written by hand."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


WHOLE = file(noise(50, 50), "PNG")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<svg onload=alert(1)>",
        b"GIF89a" + bytes(100),
        WHOLE[: len(WHOLE) // 2],
        b"\xff\xd8\xff" + bytes(1000),
        b"RIFF\x00\x00\x00\x00WEBPVP8 " + bytes(100),
        bomb(int(MOST_PIXELS**0.5) + 1),
        bomb(12_000),
        bomb(60_000),
    ],
    ids=["nothing", "svg", "gif", "cut", "no jpeg", "no webp", "bomb", "large bomb", "larger bomb"],
)
async def test_what_is_no_picture_or_too_large_a_one_is_refused(body: bytes) -> None:
    assert await made_fit(body) is None
