"""What Prometheus is told. One registry an app, so that tests can make many."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST


class Metrics:
    """Counters of the public side. Labels have few values: never an id, never an address."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.accepted = Counter(
            "relais_webhooks_accepted",
            "Webhooks answered 200 after their message was durable",
            ["hook"],
            registry=self.registry,
        )
        self.repeats = Counter(
            "relais_webhooks_repeated",
            "Webhooks whose message had been seen",
            ["hook"],
            registry=self.registry,
        )
        self.refused = Counter(
            "relais_webhooks_refused",
            "Webhooks not accepted, by reason",
            ["hook", "reason"],
            registry=self.registry,
        )
        self.surprises = Counter(
            "relais_webhooks_surprises",
            "Authentic webhooks kept raw because they were not understood",
            ["hook"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "relais_webhook_seconds",
            "From the request's head to the answer",
            ["hook"],
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
            registry=self.registry,
        )
        self.requests = Counter(
            "relais_http_requests",
            "Requests other than webhooks, by area and status class",
            ["area", "status"],
            registry=self.registry,
        )

    def text(self) -> bytes:
        return generate_latest(self.registry)
