"""Several workers of one machine: each has a name, a log and an address for its metrics, and the gateway knows them all."""

from __future__ import annotations

from pathlib import Path

from bot import settings
from bot.supervisor import system

SECRET = "a secret of thirty-two bytes or so"


def workers(tmp_path: Path, **environ: str) -> dict[str, str]:
    """Address of each worker's metrics by its name; the gateway's list must be the same."""
    given = settings.load({"RELAIS_DATA": str(tmp_path), "RELAIS_SECRET": SECRET} | environ, simulator=False)
    found, _, _ = system.resolve(given)
    # With a store and a dialogue of one's own nothing but our processes is listed.
    children = system.children(found, {}, 3, print)
    shown = {child.name: child.env["METRICS_ADDRESS"] for child in children if child.name.startswith("worker")}
    gateway = next(child for child in children if child.name == "gateway")
    assert gateway.env["METRICS_ADDRESS"].split(",") == list(shown.values())
    return shown


def test_each_has_an_address_of_its_own(tmp_path: Path) -> None:
    shown = workers(tmp_path, RELAIS_WORKERS="3")
    assert list(shown) == ["worker", "worker-2", "worker-3"]
    assert len(set(shown.values())) == 3


def test_what_was_given_is_used_first(tmp_path: Path) -> None:
    shown = workers(tmp_path, RELAIS_WORKERS="2", METRICS_ADDRESS="127.0.0.1:9100")
    assert shown["worker"] == "127.0.0.1:9100"
    assert shown["worker-2"].startswith("127.0.0.1:")
    assert workers(tmp_path, RELAIS_WORKERS="1", METRICS_ADDRESS="127.0.0.1:9100,127.0.0.1:9101") == {
        "worker": "127.0.0.1:9100"
    }
