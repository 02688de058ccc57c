"""Processor time of a running Relais, process by process, read from /proc (Linux)."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_NAMES = {
    "redis-server": "redis",
    "valkey-server": "redis",
    "bot.simulator": "simulator",
    "bot.web.app": "gateway",
    "bot.worker": "worker",
    "bot.actions": "actions",
    "scripted_rasa": "dialogue",
    "rasa": "rasa",
}


def seconds_by_process(root: int) -> dict[str, float]:
    """User and system seconds so far of ``root``'s descendants by what they are, and of this process (``bench``)."""
    parents, spent = {}, {}
    for place in Path("/proc").iterdir():
        if not place.name.isdigit():
            continue
        try:
            fields = (place / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        parents[int(place.name)] = int(fields[1])
        spent[int(place.name)] = (int(fields[11]) + int(fields[12])) / _TICKS
    found: dict[str, float] = {}
    for pid, seconds in spent.items():
        if pid == os.getpid():
            found["bench"] = found.get("bench", 0.0) + seconds
        elif pid == root or _descends(pid, root, parents):
            name = _name(pid)
            found[name] = found.get(name, 0.0) + seconds
    return dict(sorted(found.items()))


def _descends(pid: int, root: int, parents: dict[int, int]) -> bool:
    while pid in parents:
        pid = parents[pid]
        if pid == root:
            return True
    return False


def _name(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return "gone"
    return next((name for word, name in _NAMES.items() if word in words), "supervisor")
