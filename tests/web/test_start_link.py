"""The QR code of a shop's public link says that link, and is as readable as the standard wants."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import qrcode

from bot.web.start_link import BORDER, qr_svg, start_url

URL = start_url("https://relais.example", "awa-mode")
FINDER = [[max(abs(x - 3), abs(y - 3)) != 2 for x in range(7)] for y in range(7)]
"""The square in three corners: black, a white ring, black."""


def modules(svg: str) -> list[list[bool]]:
    """The picture read back, one value a module, the white border included."""
    root = ElementTree.fromstring(svg)
    size = int(root.attrib["viewBox"].split()[-1])
    path = next(element for element in root.iter() if element.tag.endswith("path"))
    black = {(int(x), int(y)) for x, y in re.findall(r"M(\d+),(\d+)H", path.attrib["d"])}
    return [[(x, y) in black for x in range(size)] for y in range(size)]


def test_the_link_is_the_shops_page() -> None:
    assert URL == "https://relais.example/s/awa-mode"


def test_the_picture_holds_the_code_of_the_link() -> None:
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=BORDER)
    code.add_data(URL)
    assert modules(qr_svg(URL)) == code.get_matrix()
    assert modules(qr_svg(URL)) != modules(qr_svg(URL + "x"))


def test_it_has_its_corners_and_its_white_border() -> None:
    picture = modules(qr_svg(URL))
    size = len(picture)
    for left, top in ((BORDER, BORDER), (size - BORDER - 7, BORDER), (BORDER, size - BORDER - 7)):
        assert [row[left : left + 7] for row in picture[top : top + 7]] == FINDER
    assert '<rect fill="white"' in qr_svg(URL)
    assert not any(any(row) for row in (*picture[:BORDER], *picture[-BORDER:]))
    assert not any(row[x] for row in picture for x in (*range(BORDER), *range(size - BORDER, size)))
