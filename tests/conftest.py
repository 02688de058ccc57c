"""How the tests share the two processes of ``make test``, and what is printed at its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.outage.report import Report, table

if TYPE_CHECKING:
    from xdist.remote import Producer

_WAITING = ("system", "outage")
"""Folders whose tests mostly wait for processes of their own. One after the other, beside all the others."""


def _share(folder: str) -> str:
    return "waiting" if folder in _WAITING else folder


class ByFolder(LoadScopeScheduling):
    """A folder stays in one process, with its session's Rasa, Redis and browser.

    Not by ``xdist_group`` marks: with pytest 9.2, xdist 3.8 no longer sees them, and says nothing.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _share(Path(nodeid.partition("::")[0]).parts[1])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFolder:
    return ByFolder(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest begin first."""
    tests = config.rootpath / "tests"
    items.sort(key=lambda item: _share(item.path.relative_to(tests).parts[0]) != "waiting")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The test may have run in another process: its reports come with its result."""
    results = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    kept = [value for result in results for name, value in result.user_properties if name == "outage"]
    if kept:
        terminalreporter.section("outages")
        terminalreporter.write_line(table(Report(**fields) for fields in kept))
