"""Files of shoppers on disk: one folder a conversation, each file with its content type beside it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

_LANE = re.compile(r"[a-z0-9]{1,64}")
_NAME = re.compile(r"[a-z0-9]{1,64}-\d{1,12}-\d{1,2}")


class KeptFiles:
    """Names come from us (``<transcript item>-<attachment>``), and still no name leads out of the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, lane: str, name: str, content_type: str, body: bytes) -> None:
        """Whole or not at all: a reader never meets half a file. Raises ValueError for a name that is none."""
        folder = self._place(lane, name).parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for place, content in ((folder / f"{name}.type", content_type.encode()), (folder / name, body)):
            draft = place.with_name(f".{place.name}.{os.getpid()}")
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(place)

    def read(self, lane: str, name: str) -> tuple[bytes, str] | None:
        """A kept file and its content type, or None."""
        try:
            place = self._place(lane, name)
            return place.read_bytes(), place.with_name(f"{name}.type").read_text()
        except (ValueError, FileNotFoundError):
            return None

    def forget(self, lane: str) -> None:
        """Remove all that was kept of a conversation."""
        if _LANE.fullmatch(lane):
            shutil.rmtree(self._folder / lane, ignore_errors=True)

    def _place(self, lane: str, name: str) -> Path:
        if not _LANE.fullmatch(lane) or not _NAME.fullmatch(name):
            raise ValueError("not a name of a kept file")
        return self._folder / lane / name
