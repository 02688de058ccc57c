"""Trackers are kept on one server, behind Sentinel and on a cluster, by the library that Rasa is tied to."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.storage.servers import cluster, running, watched

ROOT = Path(__file__).resolve().parents[2]
ROUND = """
import asyncio, sys
from bot.dialogue.inside_rasa.store import Taken, TrackerStore

async def main(url):
    store = TrackerStore(url, "t")
    for number in range(8):
        talk = f"talk-{number}"
        assert (await store.load(talk, "1")).events is None
        await store.save(talk, 0, Taken("1", "{}", [{"event": "slot"}], "model"))
        found = await store.load(talk, "1")
        assert (found.answer, found.count, found.model, found.events) == ("{}", 1, "model", [{"event": "slot"}])
        assert (await store.load(talk, "2")).answer is None
        await store.forget(talk)
        assert (await store.load(talk, "1")).count == 0
    await store.close()
    print("kept", number + 1)

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.parametrize("kind", ["server", "sentinel", "cluster"])
def test_a_turn_is_kept_and_forgotten(kind: str, tmp_path: Path) -> None:
    with {"server": running, "sentinel": watched, "cluster": cluster}[kind](tmp_path) as made:
        url = made if isinstance(made, str) else made.url
        python = ROOT / ".venv-rasa" / "bin" / "python"
        told = subprocess.run([python, "-c", ROUND, url], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (told.stdout, told.returncode) == ("kept 8\n", 0), told.stderr
