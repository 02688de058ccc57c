"""What goes wrong in a run, and when. Drawn from the seed: most runs know few kinds of fault ("swarm testing")."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from bot.core.addresses import ChannelName

if TYPE_CHECKING:
    from tests.simulation.market import Market

W, T, S = ChannelName.WHATSAPP, ChannelName.TELEGRAM, ChannelName.SMS


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong at ``at`` (seconds from the start) for ``seconds``."""

    at: float
    kind: str
    seconds: float
    detail: str = ""


KINDS: dict[str, tuple[float, tuple[float, float], tuple[str, ...]]] = {
    # kind: (how many an hour, shortest and longest seconds, details)
    "kill worker": (20.0, (0.2, 8.0), ("worker-1", "worker-2")),
    "freeze worker": (6.0, (4.0, 20.0), ("worker-1", "worker-2")),
    "skew clock": (2.0, (60.0, 600.0), ("-20", "-5", "5", "20")),
    "kill gateway": (4.0, (0.5, 90.0), ("",)),
    "store down": (4.0, (0.5, 30.0), ("",)),
    "store loses answers": (2.0, (30.0, 300.0), ("",)),
    "rasa down": (3.0, (2.0, 90.0), ("",)),
    "rasa forgets": (2.0, (60.0, 600.0), ("",)),
    "ledger down": (3.0, (2.0, 90.0), ("",)),
    "whatsapp": (2.0, (60.0, 2400.0), ("refuse", "refuse_later", "silent", "sent_only", "hang", "throttle")),
    "whatsapp blip": (4.0, (5.0, 40.0), ("refuse", "refuse_later", "silent", "hang")),
    "telegram": (1.0, (60.0, 900.0), ("refuse", "hang")),
    "twilio": (0.7, (60.0, 1800.0), ("refuse", "hang")),
    "webhooks lost": (1.5, (60.0, 900.0), ("",)),
    "webhooks repeated": (1.5, (60.0, 900.0), ("",)),
    "network slow": (2.0, (60.0, 900.0), ("",)),
    "callbacks lost": (1.5, (60.0, 900.0), ("",)),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """Faults in order of time. After the last everything is well again, for ``after_seconds`` at most."""

    faults: tuple[Fault, ...] = ()
    last_seconds: float = 3600.0
    after_seconds: float = 6 * 3600.0

    async def happen(self, market: Market) -> None:
        """Let it all happen; returns when the last fault is over."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        running: set[asyncio.Task[None]] = set()
        for fault in self.faults:
            await asyncio.sleep(max(0.0, start + fault.at - loop.time()))
            running.add(asyncio.create_task(_strike(market, fault)))
        await asyncio.sleep(max(0.0, start + self.last_seconds - loop.time()))
        if running:
            for task in (await asyncio.wait(running))[0]:
                task.result()


def draw(draws: Random, seconds: float = 3600.0, kinds: int | None = None) -> Plan:
    """A plan with a few kinds of fault, each as often as it comes."""
    names = sorted(KINDS)
    chosen = draws.sample(names, kinds if kinds is not None else draws.choice([1, 2, 3, 4, 6]))
    faults = []
    for kind in chosen:
        an_hour, (short, long), details = KINDS[kind]
        at = draws.expovariate(an_hour / 3600)
        while at < seconds:
            length = draws.uniform(short, long)
            faults.append(Fault(at, kind, length, draws.choice(details)))
            at += length + draws.expovariate(an_hour / 3600)
    return Plan(tuple(sorted(faults, key=lambda fault: fault.at)), last_seconds=seconds)


async def _strike(market: Market, fault: Fault) -> None:
    undo = _START[fault.kind](market, fault)
    market.weather.struck[f"fault: {fault.kind}"] += 1
    await asyncio.sleep(fault.seconds)
    undo()


Undo = Callable[[], None]


def _kill_worker(market: Market, fault: Fault) -> Undo:
    market.workers[fault.detail].kill()
    return lambda: market.start_worker(fault.detail)


def _freeze_worker(market: Market, fault: Fault) -> Undo:
    frozen = market.workers[fault.detail]
    frozen.freeze()
    return frozen.thaw


def _skew(market: Market, fault: Fault) -> Undo:
    market.workers["worker-1"].kill()
    market.start_worker("worker-1", skew=float(fault.detail))

    def undo() -> None:
        market.workers["worker-1"].kill()
        market.start_worker("worker-1")

    return undo


def _kill_gateway(market: Market, fault: Fault) -> Undo:
    market.stop_gateway()
    return market.start_gateway


def _party_down(party: str) -> Callable[[Market, Fault], Undo]:
    def start(market: Market, fault: Fault) -> Undo:
        market.weather.down.add(party)
        return lambda: market.weather.down.discard(party)

    return start


def _store_loses(market: Market, fault: Fault) -> Undo:
    market.weather.lost_answers = 0.05

    def undo() -> None:
        market.weather.lost_answers = 0.0

    return undo


def _slow(market: Market, fault: Fault) -> Undo:
    market.weather.slow = 100.0

    def undo() -> None:
        market.weather.slow = 1.0

    return undo


def _rasa_forgets(market: Market, fault: Fault) -> Undo:
    market.rasa.forgets = 0.3

    def undo() -> None:
        market.rasa.forgets = 0.0

    return undo


def _outage(*names: ChannelName) -> Callable[[Market, Fault], Undo]:
    def start(market: Market, fault: Fault) -> Undo:
        for name in names:
            carrier = market.carriers[name]
            carrier.mode = fault.detail
            carrier.holds_inbound = fault.seconds > 60.0 and fault.detail != "throttle"

        def undo() -> None:
            for name in names:
                market.carriers[name].recover()

        return undo

    return start


def _share(field: str, share: float) -> Callable[[Market, Fault], Undo]:
    def start(market: Market, fault: Fault) -> Undo:
        for carrier in market.carriers.values():
            setattr(carrier, field, share)

        def undo() -> None:
            for carrier in market.carriers.values():
                setattr(carrier, field, 0.0)

        return undo

    return start


_START: dict[str, Callable[[Market, Fault], Undo]] = {
    "kill worker": _kill_worker,
    "freeze worker": _freeze_worker,
    "skew clock": _skew,
    "kill gateway": _kill_gateway,
    "store down": _party_down("store"),
    "store loses answers": _store_loses,
    "rasa down": _party_down("rasa"),
    "rasa forgets": _rasa_forgets,
    "ledger down": _party_down("ledger"),
    "network slow": _slow,
    "whatsapp": _outage(W),
    "whatsapp blip": _outage(W),
    "telegram": _outage(T),
    "twilio": _outage(W, S),
    "webhooks lost": _share("webhooks_lost", 0.2),
    "webhooks repeated": _share("repeats", 0.4),
    "callbacks lost": _share("callbacks_lost", 0.5),
}
