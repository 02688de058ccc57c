"""What Prometheus is told: every metric of every process, in one place. Knows nothing of where it is shown.

No shop, conversation or address is a label: a thousand shops times the buckets of one histogram would be more series
than the rest of a market's monitoring together. What concerns one shop is in the console and in `relais channels`.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

WEBHOOK = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
STORE = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 3.0)
WAIT = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 12.0, 30.0)
TURN = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
SEND = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
HOOK = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)


class Metrics:
    """The metrics of a process, in the order of a message's route. Labels have few values. Histograms are seconds."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        # In: the gateway.
        self.accepted = self._counter("webhooks_accepted", "Webhooks answered 200 after their message was durable", "hook")
        self.repeats = self._counter("webhooks_repeated", "Webhooks whose message had been seen", "hook")
        self.refused = self._counter("webhooks_refused", "Webhooks not accepted, by reason", "hook", "reason")
        self.surprises = self._counter(
            "webhooks_surprises", "Authentic webhooks kept raw because they were not understood", "hook"
        )
        self.seconds = self._histogram("webhook_seconds", "From the request's head to the answer", WEBHOOK, "hook")
        self.requests = self._counter(
            "http_requests", "Requests other than webhooks, by area and status class", "area", "status"
        )
        # Lanes: both.
        self.store_seconds = self._histogram("store_seconds", "One step of the lanes' store", STORE, "operation")
        self.trouble = self._counter("trouble", "Calls that failed because a party could not be reached", "party")
        # Work: the worker.
        self.lane_wait = self._histogram("lane_wait_seconds", "From a lane's being due to its being taken", WAIT)
        self.lanes_in_hand = self._gauge("lanes_in_hand", "Lanes this worker works on now")
        self.steps_failed = self._counter("steps_failed", "Steps that ended in an exception nobody expected")
        self.leases_lost = self._counter("leases_lost", "Leases that ended while their lane was worked on")
        self.parked = self._counter("items_parked", "Inbox items and turns set aside after repeated failures", "kind")
        self.turn_seconds = self._histogram("turn_seconds", "One turn of the dialogue, by outcome", TURN, "outcome")
        # Out: the worker.
        self.send_seconds = self._histogram(
            "send_seconds", "One call to a provider that sends a message, by outcome", SEND, "channel", "outcome"
        )
        self.events = self._counter("events", "Public events as they got their number (moves, orders, failures)", "type")
        self.hook_seconds = self._histogram("hook_seconds", "One attempt of an outgoing webhook, by outcome", HOOK, "outcome")

    def text(self) -> bytes:
        """The exposition of this process alone."""
        return generate_latest(self.registry)

    def add(self, collector: Collector) -> None:
        """Show what another collector finds as well."""
        self.registry.register(collector)

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(f"relais_{name}", words, labels, registry=self.registry)

    def _gauge(self, name: str, words: str, *labels: str) -> Gauge:
        return Gauge(f"relais_{name}", words, labels, registry=self.registry)

    def _histogram(self, name: str, words: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"relais_{name}", words, labels, registry=self.registry, buckets=buckets)


METRICS = Metrics()
"""Those of this process. Tests that compare figures make their own."""
METRICS.add(ProcessCollector(registry=None))
