"""Figures that no process counts: they are read from store and ledger when Prometheus asks.

Every gateway shows the same ones, so an alert takes their maximum. They stand also while every worker is dead, which
is when they matter.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from bot.core.health import AccountHealth
from bot.ledger.backlog import Unfinished
from bot.metrics import Metrics
from bot.metrics.exposition import together
from bot.ports import HealthBoard, Unavailable
from bot.storage.backlog import Totals

T = TypeVar("T")

SECONDS = 2.0
"""For each of the questions. Prometheus itself waits ten."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where figures come from. Each may raise Unavailable or take too long; the others are shown all the same."""

    lanes: Callable[[], Awaitable[Totals]]
    journal: Callable[[], Awaitable[tuple[int, float]]]
    """Entries that the ledger has not yet, and the age of the first in seconds."""
    ledger: Callable[[], Awaitable[Unfinished]]
    model: Callable[[], Awaitable[bool]]
    board: HealthBoard
    accounts: Mapping[str, str]
    """Channel by account."""


async def read(sources: Sources) -> Iterable[Metric]:
    """All that can be had now."""
    lanes, journal, ledger, model, states = await asyncio.gather(
        _had(sources.lanes()), _had(sources.journal()), _had(sources.ledger()), _had(sources.model()), _had(_states(sources))
    )
    up = GaugeMetricFamily("relais_up", "1 while a party answers", labels=["party"])
    for party, answer in (("redis", lanes), ("ledger", ledger), ("model", model or None)):
        up.add_metric([party], 0.0 if answer is None else 1.0)
    found: list[Metric] = [up]
    if lanes is not None:
        found += [
            _one("relais_lanes_due", "Lanes due now", lanes.due),
            _one("relais_lanes_late_seconds", "By how much the most overdue lane is late", lanes.late),
            _one("relais_lanes_failing", "Lanes whose last attempts failed", lanes.failing),
            _one("relais_parked", "What was set aside and still waits for the operator", lanes.parked),
        ]
    if journal is not None:
        found += [
            _one("relais_journal_entries", "Commits the ledger has not been told of", journal[0]),
            _one("relais_journal_lag_seconds", "Age of the first of them", journal[1]),
        ]
    if ledger is not None:
        found += [
            _one("relais_outbox_events", "Events without a place in their feed", ledger.unnumbered),
            _one("relais_outbox_lag_seconds", "Age of the first of them", ledger.unnumbered_age),
            _one("relais_unconfirmed_messages", "Messages of the last 15 minutes without a receipt", ledger.unconfirmed),
            _one("relais_unconfirmed_seconds", "Age of the first of them", ledger.unconfirmed_age),
            _one("relais_hooks_failing", "Outgoing webhooks whose last attempt was not taken", ledger.hooks_failing),
        ]
    return [*found, *(states or ())]


async def page(metrics: Metrics, sources: Sources, workers: Mapping[str, str]) -> bytes:
    """All of ``/metrics``: this process, the figures, and the metrics of the workers beside us (name -> ``host:port``)."""
    pages = asyncio.gather(*(_had(_fetch(address)) for address in workers.values()))
    figures, shown = await asyncio.gather(read(sources), pages)
    theirs = dict(zip(workers, shown, strict=True))
    up = GaugeMetricFamily("relais_worker_up", "1 while a worker shows its metrics", labels=["process"])
    for name, text in theirs.items():
        up.add_metric([name], 0.0 if text is None else 1.0)
    found = [*figures, *([up] if theirs else [])]
    return together(metrics.registry, found, {name: text for name, text in theirs.items() if text is not None})


async def _fetch(address: str) -> str:
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(f"http://{address}/metrics") as answer:
            return await answer.text()
    except aiohttp.ClientError as error:
        raise Unavailable("the worker shows nothing") from error


def _one(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


async def _states(sources: Sources) -> Sequence[Metric]:
    """How many accounts of each channel are in which state; one that is not up is also named, by its last 4 digits."""
    channels = sources.accounts
    known = await sources.board.read(sorted(channels))
    counts = Counter(
        (channel, known.get(account, AccountHealth()).state) for account, channel in channels.items()
    )
    accounts = GaugeMetricFamily(
        "relais_channel_accounts", "Provider accounts by channel and state", labels=["channel", "state"]
    )
    for (channel, state), count in sorted(counts.items()):
        accounts.add_metric([channel, state.value], count)
    troubled = GaugeMetricFamily(
        "relais_account_trouble",
        "Accounts that are not up, by the end of their number",
        labels=["account", "channel", "state"],
    )
    # Counted: two numbers with the same end would be one series twice, and Prometheus would refuse the page.
    ends = Counter(
        (_end(account), channel, known.get(account, AccountHealth()).state)
        for account, channel in channels.items()
    )
    for (end, channel, state), count in sorted(ends.items()):
        if state.value != "up":
            troubled.add_metric([end, channel, state.value], count)
    return accounts, troubled


def _end(account: str) -> str:
    """Return the last four characters of the account's own number: enough for who runs it, no number to anybody else."""
    return account.rpartition(":")[2][-4:]


async def _had(work: Awaitable[T]) -> T | None:
    try:
        async with asyncio.timeout(SECONDS):
            return await work
    except (Unavailable, TimeoutError, OSError):
        return None
