"""The Rasa project as Rasa's own tools judge it: ``rasa data validate`` is clean."""

from __future__ import annotations

import os
import subprocess

from bot.settings import ROOT
from bot.supervisor import model

SECONDS = 240


def rasa(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Rasa's command line in the project."""
    return subprocess.run(
        [str(model.RASA_PYTHON), "-m", "rasa", *arguments],
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
