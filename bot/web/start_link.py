"""The shop's public start link, for flyers, parcels and Google Business: a way in that needs neither Meta nor an app."""

from __future__ import annotations

import qrcode
from qrcode.image.svg import SvgPathFillImage

BORDER = 4
"""Modules of white around it, as ISO/IEC 18004 wants; a reader may fail with less."""


def start_url(public_url: str, shop: str) -> str:
    """Where ``GET`` shows the shop and ``POST`` begins a conversation."""
    return f"{public_url}/s/{shop}"


def qr_svg(url: str) -> str:
    """The link as a QR code, SVG with one unit a module, black on white also where the page is dark. Level M still reads with 15 % of it worn off."""
    code = qrcode.QRCode(
        error_correction=qrcode.constants.ERROR_CORRECT_M, border=BORDER, image_factory=SvgPathFillImage
    )
    code.add_data(url)
    code.make(fit=True)
    svg: str = code.make_image().to_string(encoding="unicode")
    return svg
