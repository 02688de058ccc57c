"""A running Relais for each outage: what one outage teaches about a channel must not help the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.outage.report import Report, table
from tests.system.running import Running, start

_REPORTS: list[Report] = []


@pytest.fixture
def relais(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Everything real but the understanding of words: see ``tests/system/scripted_rasa.py``."""
    running = start(tmp_path_factory.mktemp("outage") / "var", scripted=True)
    yield running
    running.stop()


@pytest.fixture
def keep() -> Callable[[Report], None]:
    """Have a report printed at the end of the session."""
    return _REPORTS.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _REPORTS:
        terminalreporter.section("outages")
        terminalreporter.write_line(table(_REPORTS))
