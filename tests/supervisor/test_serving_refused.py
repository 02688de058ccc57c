"""`make serve` stops where it could not keep its promises, and says what is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.settings import ROOT
from bot.simulator.accounts import demo_environment
from bot.supervisor.system import free_port
from tests.storage.servers import running

DURABLE = ("--appendonly", "yes", "--appendfsync", "always")


def serve(tmp_path: Path, redis_url: str, **variables: str) -> tuple[int, str]:
    """Status and words of `relais up` without the simulator; Rasa is somebody else's."""
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    environment |= {
        **demo_environment(ROOT / "shops"),
        "RELAIS_DATA": str(tmp_path / "var"),
        "RELAIS_SECRET": "for-tests-only-for-tests-only-for-tests-only",
        "REDIS_URL": redis_url,
        "RASA_URL": f"http://127.0.0.1:{free_port()}",
        **variables,
    }
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli", "up"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ((), "this Redis loses minutes when it dies"),
        ((*DURABLE, "--maxmemory-policy", "allkeys-lru"), "this Redis forgets when it is full (maxmemory-policy allkeys-lru)"),
    ],
    ids=["not durable", "evicting"],
)
def test_on_a_store_that_forgets(tmp_path: Path, options: tuple[str, ...], complaint: str) -> None:
    with running(tmp_path, *options) as url:
        status, words = serve(tmp_path, url)
    assert status == 2
    assert complaint in words
    assert not (tmp_path / "var" / "addresses.json").exists()


def test_with_an_empty_channel_secret(tmp_path: Path) -> None:
    with running(tmp_path, *DURABLE) as url:
        status, words = serve(tmp_path, url, AWA_MODE_TELEGRAM_SECRET="")
    assert status == 2
    assert "AWA_MODE_TELEGRAM_SECRET is not set" in words


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"RELAIS_SECRET": ""}, "RELAIS_SECRET: missing"),
        ({"RELAIS_SECRET": "short"}, "RELAIS_SECRET: under 32 bytes"),
        ({"PUBLIC_URL": "http://shop.example"}, "PUBLIC_URL: must be https"),
    ],
    ids=["no secret", "short secret", "plain http"],
)
def test_with_a_weak_environment(tmp_path: Path, variables: dict[str, str], complaint: str) -> None:
    status, words = serve(tmp_path, "redis://127.0.0.1:1/0", **variables)
    assert status == 2
    assert complaint in words
