"""The console's own files, from memory, compressed once, under an address that changes with their content."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sanic import HTTPResponse, Request

from bot.web.problems import Problem

_FOLDER = Path(__file__).parent.parent / "static" / "console"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    body: bytes
    packed: bytes | None
    """gzip, where that is smaller."""
    type: str
    version: str


@cache
def assets() -> dict[str, Asset]:
    """All files of the folder with a known ending, by name."""
    return {path.name: _read(path) for path in sorted(_FOLDER.iterdir()) if path.suffix in _TYPES}


def asset_url(name: str) -> str:
    """Where a page finds a file of ours."""
    return f"/console/static/{name}?v={assets()[name].version}"


async def serve(request: Request, name: str) -> HTTPResponse:
    """One file. With its own version in the address it never has to be asked for again."""
    found = assets().get(name)
    if found is None:
        raise Problem("not-found")
    current = request.args.get("v") == found.version
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if current else "public, max-age=300",
        "Vary": "Accept-Encoding",
    }
    body = found.body
    if found.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["Content-Encoding"] = found.packed, "gzip"
    return HTTPResponse(body, headers=headers, content_type=found.type)


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    packed = gzip.compress(body, 9, mtime=0)
    smaller = len(packed) < len(body) * 0.9
    return Asset(
        body, packed if smaller else None, _TYPES[path.suffix], hashlib.sha256(body).hexdigest()[:12]
    )
