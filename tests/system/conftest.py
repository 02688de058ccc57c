"""One running system for the whole session: Rasa takes half a minute to load."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.running import Person, Running, start


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = start(tmp_path_factory.mktemp("relais") / "var")
    yield running
    running.stop()


@pytest.fixture
def relais(system: Running) -> Iterator[Running]:
    """The running system with every fault off and every channel up, before and after."""
    _calm(system)
    yield system
    _calm(system)


def _calm(running: Running) -> None:
    for gate in running.gates.values():
        gate.reopen()
        gate.release()
    running.wait_ready()
    for fault in running.http.get(f"{running.simulator}/sim/faults").json()["on"]:
        running.fault(fault["channel"], fault["fault"], on=False)
    for shop in running.keys:
        for channel in ("whatsapp", "sms", "telegram"):
            running.api(
                f"channels/{channel}/force", shop, "POST", state="up", reason="test"
            )


@pytest.fixture
def person(relais: Running) -> Person:
    return Person(relais)
