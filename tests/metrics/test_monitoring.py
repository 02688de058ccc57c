"""Alert rules and dashboard name what exists, in expressions that Prometheus can read, and each alert has its page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import Metric

from bot.core.health import AccountHealth, State
from bot.ledger.backlog import Unfinished
from bot.metrics import METRICS
from bot.storage.backlog import Totals
from bot.storage.memory import MemoryHealthBoard
from bot.web import figures
from bot.web.api import event_kinds
from tests.flows.world import TurnedClock

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
TARGET = frozenset({"instance", "job", "process"})
"""Labels that come with the scrape, or with the gateway's page of both processes."""


class Down(MemoryHealthBoard):
    async def read(self, keys: object) -> Mapping[str, AccountHealth]:
        return {"a": AccountHealth(state=State.DOWN)}


async def shown_figures() -> list[Metric]:
    async def lanes() -> Totals:
        return Totals(0, 0.0, 0, 0)

    async def journal() -> tuple[int, float]:
        return 0, 0.0

    async def ledger() -> Unfinished:
        return Unfinished(0, 0.0, 0, 0.0, 0)

    async def model() -> bool:
        return True

    board = Down(TurnedClock())
    sources = figures.Sources(lanes, journal, ledger, model, board, {"a": "whatsapp"})
    return list(await figures.read(sources))


@pytest.fixture
async def known() -> dict[str, frozenset[str]]:
    """Labels by name of sample: of our registry, of what is read at a scrape, and of Prometheus itself."""
    names: dict[str, frozenset[str]] = {"up": TARGET, "ALERTS": frozenset({"alertstate", "alertname"})}
    for family in [*METRICS.registry.collect(), *await shown_figures()]:
        if family.name.startswith("process_"):
            names |= {sample.name: TARGET for sample in family.samples}
            continue
        labels = {name for sample in family.samples for name in sample.labels}
        for suffix in SUFFIXES[family.type]:
            names[family.name + suffix] = frozenset(labels | TARGET | ({"le"} if suffix == "_bucket" else set()))
    for instrument in vars(METRICS).values():
        declared = getattr(instrument, "_labelnames", ())
        for suffix in SUFFIXES.get(getattr(instrument, "_type", ""), ()):
            name = instrument._name + suffix
            names[name] = names[name] | set(declared)
    return names | {"relais_worker_up": TARGET}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries() -> list[str]:
    board = json.loads((MONITORING / "dashboard.json").read_text())
    panels = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return [*panels, *(note["expr"] for note in board["annotations"]["list"])]


def expressions() -> list[str]:
    return [*(rule["expr"] for rule in rules()), *(query.replace("$__rate_interval", "1m") for query in queries())]


def inside(node: Any) -> Iterator[Any]:
    yield node
    for name in ("expr", "lhs", "rhs", "param", "vector_selector", "vs"):
        child = getattr(node, name, None)
        if child is not None and not isinstance(child, str):
            yield from inside(child)
    for child in getattr(node, "args", None) or ():
        yield from inside(child)


def test_there_is_something_to_check() -> None:
    assert len(rules()) > 20
    assert len(queries()) > 30


@pytest.mark.parametrize("expression", expressions())
def test_every_expression_names_what_exists(expression: str, known: dict[str, frozenset[str]]) -> None:
    nodes = list(inside(promql_parser.parse(expression)))
    selectors = [node for node in nodes if isinstance(node, promql_parser.VectorSelector)]
    used = frozenset[str]()
    for selector in selectors:
        assert selector.name in known
        for matcher in selector.matchers.matchers:
            assert matcher.name in known[selector.name]
        used |= known[selector.name]
    assert selectors
    for node in nodes:
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            assert set(node.modifier.labels) <= used


def test_events_that_are_asked_for_exist() -> None:
    words = {word for text in expressions() for found in re.findall(r'type=~?"([^"]+)"', text) for word in found.split("|")}
    assert words
    assert words <= set(event_kinds.TYPES)


def test_a_wrong_name_would_be_found(known: dict[str, frozenset[str]]) -> None:
    with pytest.raises(AssertionError):
        test_every_expression_names_what_exists("rate(relais_nothing_total[1m])", known)
    with pytest.raises(AssertionError):
        test_every_expression_names_what_exists('relais_up{shop="x"}', known)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_every_alert_says_how_bad_it_is_and_has_its_page(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
    headings = re.findall(r"^### (\S+)$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    assert headings.count(rule["alert"]) == 1


def test_no_page_is_without_its_alert() -> None:
    text = (ROOT / "docs" / "operations.md").read_text().partition("## Alerts")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^### (\S+)$", text, re.MULTILINE)) == sorted(rule["alert"] for rule in rules())
