"""Showing metrics: a process alone on an address of its own, and several processes of one machine as one page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Metric, generate_latest, start_http_server
from prometheus_client.parser import text_string_to_metric_families

from bot.metrics import METRICS, Metrics


def listen(address: str, metrics: Metrics = METRICS) -> WSGIServer:
    """Serve this process's metrics on ``host:port``, in a thread. Raises OSError when the port is taken."""
    host, _, port = address.rpartition(":")
    server, _ = start_http_server(int(port), host, metrics.registry)
    return server


def together(own: CollectorRegistry, more: Iterable[Metric], others: Mapping[str, str]) -> bytes:
    """One exposition: our own metrics, some more, and those of other processes, which get the label ``process``."""
    return generate_latest(_Together(own, more, others))


class _Together:
    """What ``generate_latest`` asks of a registry. A family may be shown once only, so those of one name are joined."""

    def __init__(self, own: CollectorRegistry, more: Iterable[Metric], others: Mapping[str, str]) -> None:
        self._own = own
        self._more = more
        self._others = others

    def collect(self) -> Iterable[Metric]:
        families: dict[str, Metric] = {family.name: family for family in (*self._own.collect(), *self._more)}
        for process, text in self._others.items():
            for family in text_string_to_metric_families(text):
                into = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    into.samples.append(sample._replace(labels={"process": process, **sample.labels}))
        return families.values()
