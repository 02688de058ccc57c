"""A running Relais for each outage: what one outage teaches about a channel must not help the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict

import pytest

from tests.outage.report import Report
from tests.system.running import Running, start


@pytest.fixture
def relais(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Everything real but the understanding of words: see ``tests/system/scripted_rasa.py``."""
    running = start(tmp_path_factory.mktemp("outage") / "var", scripted=True)
    yield running
    running.stop()


@pytest.fixture
def keep(record_property: Callable[[str, object], None]) -> Callable[[Report], None]:
    """Have a report printed at the end of the session."""
    return lambda report: record_property("outage", asdict(report))
