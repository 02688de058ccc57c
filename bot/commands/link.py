"""``relais link``: a shop's public link, and its QR code as a file to print."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bot.commands import on_running
from bot.running import Running


def register(commands: Any) -> None:
    parser = commands.add_parser("link", help="a shop's public link, and its QR code to print")
    parser.add_argument("shop")
    parser.add_argument("--qr", type=Path, metavar="FILE", help="write the QR code there, as SVG")
    parser.set_defaults(run=on_running(link))


async def link(system: Running, arguments: argparse.Namespace) -> str:
    """The address. With PUBLIC_URL as the service has it; without, it leads to this machine."""
    from bot.web.start_link import qr_svg, start_url

    shop = await system.shop(arguments.shop)
    url = start_url(system.found.public_url, shop.id)
    if arguments.qr is not None:
        arguments.qr.write_text(qr_svg(url), encoding="utf-8")
    return url
