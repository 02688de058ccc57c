"""How the tests share the two processes of ``make test``, and what is printed at its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.outage.report import Report, table

_WAITING = ("system", "outage")
"""Folders whose tests mostly wait for processes of their own. One after the other, beside all the others."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A folder stays in one process, with its session's Rasa, Redis and browser; the longest begin first."""
    for item in items:
        folder = Path(item.path).relative_to(config.rootpath / "tests").parts[0]
        item.add_marker(pytest.mark.xdist_group("waiting" if folder in _WAITING else folder))
    items.sort(key=lambda item: not _waits(item))


def _waits(item: pytest.Item) -> bool:
    return any(mark.args == ("waiting",) for mark in item.iter_markers("xdist_group"))

def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The test may have run in another process: its reports come with its result."""
    results = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    kept = [value for result in results for name, value in result.user_properties if name == "outage"]
    if kept:
        terminalreporter.section("outages")
        terminalreporter.write_line(table(Report(**fields) for fields in kept))
