"""How soon an outage is known, and how often there is none: ``python -m bench.detection [--trials N] [--draw]``.

Real detector (``bot.core.health``) on simulated traces in virtual time, against three ways others do it. Prints tables,
writes ``var/bench/detection.json``; ``--draw`` also writes the picture and tables of ``docs/detection.md``.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from bench.detection_picture import draw
from bench.returning import returns
from bench.silence import costs, found
from bench.traces import (
    DAY,
    PHONE_OFF,
    Fate,
    Rule,
    Sight,
    all_blame_the_channel,
    events,
    flapping,
    from_then,
    ordinary,
)
from bench.watchers import EPOCH, RIVALS, Relais, Watcher
from bot.core.health import AccountHealth, State, detector
from bot.core.health.recovery import Recovery

RATES = {"1/h": 1 / 3600, "1/min": 1 / 60, "1/s": 1.0, "100/s": 100.0}
WARM_MESSAGES = 3000
NEVER = math.inf
OURS = "Relais"
YEAR = 365.25 * DAY


@dataclass(frozen=True, slots=True)
class Delay:
    """Seconds from the beginning of the trouble to ``down`` over all trials; None where it was never said."""

    trace: str
    rate: str
    watcher: str
    trials: int
    said: int
    median: float | None
    p99: float | None
    worst: float | None


@dataclass(frozen=True, slots=True)
class Alarms:
    """Alarms where there was no outage."""

    trace: str
    rate: str
    watcher: str
    simulated: float
    """Days, or runs of a trace."""
    alarms: int
    rate_of: float
    """A year, or a run."""


OUTAGES: Mapping[str, Callable[[float], Rule]] = {
    "refused": lambda began: from_then(Fate.REFUSED, began),
    "accepted, never sent": lambda began: from_then(Fate.NEVER_SENT, began),
    "sent, never delivered": lambda began: from_then(Fate.NEVER_DELIVERED, began),
    "30 % refused": lambda began: from_then(Fate.REFUSED, began, 0.3),
}
NO_OUTAGES: Mapping[str, Callable[[float], Rule]] = {
    "slow: sent after 3 to 9 s": lambda began: from_then(Fate.SLOW, began, lasts=1800),
    "a list of wrong numbers": lambda began: from_then(Fate.WRONG_NUMBER, began, lasts=120),
    "throttled for a minute": lambda began: from_then(Fate.THROTTLED, began, lasts=60),
}


@cache
def warm(rate: float) -> AccountHealth:
    """An account after 3,000 ordinary messages, 15 minutes at least. Its last ones are settled; time 0 is to come."""
    end = -before(rate) - 60
    seconds = max(WARM_MESSAGES / rate, 900.0)
    watcher = Relais()
    calm = events(
        ordinary, lambda at: rate if at < end - 60 else 0.0, rate, end, random.Random(1), start=end - 60 - seconds
    )
    for at, sight in calm:
        watcher.see(at, sight)
    return watcher.health


def before(rate: float) -> float:
    """Seconds of ordinary traffic that a trace has before its trouble begins at time 0."""
    return max(30 / rate, 60.0)


def delay(watcher: Watcher, rule: Rule, rate: float, seed: int, seconds: float) -> float:
    """Seconds from 0 to the first ``down``, or NEVER within ``seconds``. Messages from a while before are seen as well."""
    for at, sight in events(rule, lambda at: rate, rate, seconds, random.Random(seed), start=-before(rate)):
        if watcher.see(at, sight) and at >= 0:
            return at
    return NEVER


def delays(trials: Mapping[str, int]) -> list[Delay]:
    """Every outage at every rate, seen by everybody."""
    rows = []
    for rate_name, rate in RATES.items():
        known = warm(rate)
        for trace, make in OUTAGES.items():
            found: dict[str, list[float]] = {name: [] for name in (OURS, *RIVALS)}
            seconds = max(600.0, 40 / rate) if rate <= 1 else 310.0
            for seed in range(trials[rate_name]):
                found[OURS].append(delay(Relais(known), make(0.0), rate, seed, seconds))
                for name, rival in RIVALS.items():
                    found[name].append(delay(rival(), make(0.0), rate, seed, seconds))
            rows += [_row(trace, rate_name, name, values) for name, values in found.items()]
    return rows


def _row(trace: str, rate: str, watcher: str, values: list[float]) -> Delay:
    said = sorted(value for value in values if value < NEVER)
    if len(said) * 2 < len(values):
        return Delay(trace, rate, watcher, len(values), len(said), None, None, None)
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, math.ceil(0.99 * len(ordered)) - 1)]
    worst = ordered[-1]
    return Delay(
        trace, rate, watcher, len(values), len(said), round(statistics.median(ordered), 1),
        None if p99 == NEVER else round(p99, 1), None if worst == NEVER else round(worst, 1),
    )


def count(watcher: Watcher, sights: Iterable[tuple[float, Sight]], rearm: Callable[[float], Watcher]) -> int:
    """Times ``down`` was said, each time by a watcher that starts anew then."""
    alarms = 0
    for at, sight in sights:
        if watcher.see(at, sight):
            alarms += 1
            watcher = rearm(at)
    return alarms


def anew(known: AccountHealth) -> Callable[[float], Watcher]:
    """Relais as it is when an outage has just ended."""
    return lambda at: Relais(replace(known, recovery=Recovery(ended_at=EPOCH + at)))


def quiet_days(scale: float) -> list[Alarms]:
    """Ordinary traffic, long; the hardest case (all failures blame the channel) beside it."""
    days = {"1/h": 20 * 365.25, "1/min": 365.25, "1/s": 10.0, "100/s": 0.1}
    rows = []
    for rate_name, rate in RATES.items():
        span = days[rate_name] * scale * DAY
        known = warm(rate)
        for trace, rule in (("ordinary, 2 % fail", ordinary), ("2 % fail, all blame the channel", all_blame_the_channel)):
            makers: dict[str, Callable[[float], Watcher]] = {OURS: anew(known)}
            makers |= {name: lambda at, make=make: make() for name, make in RIVALS.items()}
            for name, make in makers.items():
                part = 1.0 if name == OURS else 0.1
                sights = events(rule, lambda at, rate=rate: rate, rate, span * part, random.Random(7))
                first = Relais(known) if name == OURS else make(0.0)
                alarms = count(first, sights, make)
                simulated = span * part / DAY
                rows.append(Alarms(trace, rate_name, name, round(simulated, 2), alarms, round(alarms * 365.25 / simulated, 1)))
    return rows


def long_run(rate_name: str, days: float, seed: int) -> list[Alarms]:
    """Relais alone over one long stretch without an outage, at one rate: ordinary, and the hardest case."""
    rate, known = RATES[rate_name], warm(RATES[rate_name])
    rows = []
    for trace, rule in (("ordinary, 2 % fail", ordinary), ("2 % fail, all blame the channel", all_blame_the_channel)):
        sights = events(rule, lambda at: rate, rate, days * DAY, random.Random(seed))
        alarms = count(Relais(known), sights, anew(known))
        rows.append(Alarms(trace, rate_name, OURS, days, alarms, round(alarms * 365.25 / days, 1)))
    return rows


def no_outages(trials: int) -> list[Alarms]:
    """Trouble that is no outage, and nights: alarms there."""
    rows = []
    for rate_name, rate in RATES.items():
        known = warm(rate)
        for trace, make in NO_OUTAGES.items():
            for name in (OURS, *RIVALS):
                alarms, runs = 0, trials if rate < 10 else max(1, trials // 20)
                for seed in range(runs):
                    watcher: Watcher = Relais(known) if name == OURS else RIVALS[name]()
                    seconds = max(600.0, 20 / rate) if rate < 10 else 200.0
                    alarms += delay(watcher, make(0.0), rate, seed, seconds) < NEVER
                rows.append(Alarms(trace, rate_name, name, runs, alarms, round(alarms / runs, 2)))
    return rows


def nights(days: float) -> list[Alarms]:
    """Fifty times fewer messages at night, and 40 % of the phones put away."""

    def night(at: float) -> bool:
        return at % DAY < 6 * 3600

    rows = []
    for rate_name, rate in RATES.items():
        if rate > 1:
            continue
        span = days * DAY * (30 if rate < 0.01 else 1)
        for name, kind in {OURS: Relais, **RIVALS}.items():
            sights = events(
                ordinary, lambda at, rate=rate: rate / 50 if night(at) else rate, rate, span, random.Random(3),
                phone_off=lambda at: 0.4 if night(at) else PHONE_OFF,
            )
            alarms = count(kind(), sights, lambda at, kind=kind: kind())
            rows.append(Alarms("nights", rate_name, name, span / DAY, alarms, round(alarms * YEAR / span, 1)))
    return rows


def promise(chance: random.Random, scale: float) -> list[tuple[str, float, float]]:
    """The detector asked for more alarms than we want, to see that it keeps its word: (rate, promised, found) seconds."""
    kept = detector.FALSE_ALARM_EVERY
    rows = []
    try:
        for rate_name, promised, span in (("1/s", 1800.0, 10 * scale * DAY), ("100/s", 60.0, 0.1 * scale * DAY)):
            rate = RATES[rate_name]
            detector.FALSE_ALARM_EVERY = promised
            known = warm.__wrapped__(rate)
            sights = events(all_blame_the_channel, lambda at, rate=rate: rate, rate, span, chance)
            alarms = count(Relais(known), sights, anew(known))
            rows.append((rate_name, promised, span / max(alarms, 1)))
    finally:
        detector.FALSE_ALARM_EVERY = kept
    return rows


def kinds_of_test(trials: int) -> list[tuple[str, str, float]]:
    """CUSUM and a repeated SPRT with the same weights and the same rate of false alarms: mean messages to ``down``.

    The SPRT starts again whenever it has decided for "all is well" (at log(0.01)); an outage begins within such a
    round. Its upper limit is lower by log of a round's length, which makes both raise a false alarm equally often.
    """
    form, lower = detector.REFUSING, math.log(0.01)
    up, down = form.against(form.least), form.in_favour
    limit = detector.down_at(detector.Pace(detector.PACE_SECONDS, 0.0))
    round_length = math.ceil(lower / down)
    rows = []
    for name, share in (("all refused", 1.0), ("30 % refused", 0.3)):
        for test in ("CUSUM", "repeated SPRT"):
            chance, total = random.Random(2), 0
            for _ in range(trials):
                value, count = 0.0, 0
                calm = chance.randrange(200, 400)
                while value < (limit if test == "CUSUM" else limit - math.log(round_length)):
                    count += 1
                    value += up if chance.random() < (form.least if count <= calm else share) else down
                    if test == "CUSUM":
                        value = max(0.0, value)
                    elif value <= lower:
                        value = 0.0
                total += count - calm
            rows.append((name, test, round(total / trials, 2)))
    return rows


def flaps(rate: float) -> dict[str, float]:
    """Twenty minutes of 60 s down, 60 s up: how often it changes its mind, with probes only while it is down."""
    rule = flapping(0.0, 60.0, 60.0)
    watcher = Relais(warm(rate))
    changes, last_probe, last = {State.DOWN: 0, State.UP: 0}, -math.inf, watcher.health.state
    lost = sent = 0
    for at, sight in events(rule, lambda at: rate, rate, 1200.0, random.Random(5)):
        began_down = watcher.health.state is State.DOWN and EPOCH + sight.began >= watcher.health.since
        if began_down:
            # Down: everybody goes elsewhere; one message in 15 s tries.
            if sight.began - last_probe < 15.0:
                continue
            last_probe = sight.began
        sent += 1
        lost += sight.seen.name == "CHANNEL_FAULT"
        watcher.see(at, sight)
        if watcher.health.state is not last and watcher.health.state in changes:
            changes[watcher.health.state] += 1
        last = watcher.health.state
    return {"to_down": changes[State.DOWN], "to_up": changes[State.UP], "refused_there": lost}


def main() -> None:
    """Run, print, write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--trials", type=int, default=200)
    arguments.add_argument("--scale", type=float, default=0.1, help="share of the long runs; 1 for the figures in docs")
    arguments.add_argument("--draw", action="store_true")
    arguments.add_argument("--only", choices=RATES, help="nothing but --days of no outage at this rate, Relais alone")
    arguments.add_argument("--days", type=float, default=365.25)
    arguments.add_argument("--seed", type=int, default=7)
    given = arguments.parse_args()
    if given.only:
        _show_alarms([asdict(row) for row in long_run(given.only, given.days, given.seed)])
        return
    trials = {name: given.trials if rate <= 1 else max(4, given.trials // 20) for name, rate in RATES.items()}
    report: dict[str, Any] = {"settings": {"trials": given.trials, "scale": given.scale}}
    target = Path("var/bench/detection.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    for name, measure, show in (
        ("delays", lambda: [asdict(row) for row in delays(trials)], _show_delays),
        ("no_outages", lambda: [asdict(row) for row in no_outages(max(10, given.trials // 5))], _show_alarms),
        ("returns", lambda: returns(max(10, given.trials // 4)), _show_rows),
        ("silence", lambda: found(max(10, given.trials // 3)), _show_rows),
        ("looking", lambda: costs(3.0), _show_rows),
        ("tests", lambda: kinds_of_test(2000), _show_rows),
        ("flapping", lambda: [flaps(1.0)], _show_rows),
        ("alarms", lambda: [asdict(row) for row in quiet_days(given.scale)], _show_alarms),
        ("nights", lambda: [asdict(row) for row in nights(10 * given.scale)], _show_alarms),
        ("promise", lambda: promise(random.Random(11), given.scale), _show_rows),
    ):
        report[name] = measure()
        print(f"\n{name}")
        show(report[name])
        target.write_text(json.dumps(report, indent=1))
    if given.draw:
        Path("docs/detection.svg").write_text(draw(report["delays"]))


def _show_delays(rows: list[dict[str, Any]]) -> None:
    print(f"{'seconds to down':24}{'rate':8}{'watcher':26}{'said':>8}{'median':>9}{'p99':>9}{'worst':>9}")
    for row in rows:
        figures = "".join(f"{'-' if row[name] is None else row[name]:>9}" for name in ("median", "p99", "worst"))
        print(f"{row['trace']:24}{row['rate']:8}{row['watcher']:26}{row['said']:>4}/{row['trials']:<4}{figures}")


def _show_alarms(rows: list[dict[str, Any]]) -> None:
    print(f"{'':34}{'rate':8}{'watcher':26}{'days|runs':>10}{'alarms':>8}{'a year|run':>12}")
    for row in rows:
        much = "".join(f"{row[name]:>{width}}" for name, width in (("simulated", 10), ("alarms", 8), ("rate_of", 12)))
        print(f"{row['trace']:34}{row['rate']:8}{row['watcher']:26}{much}")


def _show_rows(rows: list[Any]) -> None:
    for row in rows:
        print("  ", row)


if __name__ == "__main__":
    main()
