"""The Rasa project as Rasa's own tools judge it: ``rasa data validate`` and ``rasa test core`` are clean."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

from bot.settings import ROOT
from bot.supervisor import model

STORIES = ROOT / "tests" / "dialogue" / "stories"
SECONDS = 240


def rasa(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Rasa's command line in the project."""
    return subprocess.run(
        [str(model.RASA_PYTHON), "-m", "rasa", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **model.QUIET},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def test_the_training_data_is_valid_without_a_warning() -> None:
    """Intents used and known, no conflict between stories and rules, no text under two intents."""
    done = rasa(
        "data",
        "validate",
        "--fail-on-warnings",
        "--max-history",
        "2",
        "--data",
        "data",
        "--domain",
        "domain.yml",
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


def test_stories_run_as_written(tmp_path: Path) -> None:
    """Each message is understood as its intent and answered by its action, by today's model."""
    trained = asyncio.run(model.train(lambda _: None))
    done = rasa(
        "test",
        "core",
        "--model",
        trained,
        "--e2e",
        "--stories",
        STORIES,
        "--out",
        tmp_path,
        "--fail-on-prediction-errors",
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert list(tmp_path.rglob("*report*"))
