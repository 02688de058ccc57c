"""What is known of a channel account: evidence with an age -> up, suspect, down, recovering or broken.

First form: three channel faults in a row from two recipients within 60 s take an account down for all; recovery
needs deliveries from it again. A failure of content, recipient, window, throttle or ours is no evidence of an outage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class State(StrEnum):
    """REST ``state`` of a channel."""

    UP = "up"
    SUSPECT = "suspect"
    DOWN = "down"
    RECOVERING = "recovering"
    BROKEN = "broken"


class Kind(StrEnum):
    """What was seen."""

    FAULT = "fault"
    """Refused with scope channel, timed out, or silent: strong evidence against."""
    WORKS = "works"
    """Delivered or read (or answered, where there are no receipts): evidence for."""
    ACCEPTED = "accepted"
    """Taken by the provider: says little, but ends nothing."""
    BROKEN = "broken"
    """The account itself is refused: bad token, suspended sender."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation. ``recipient`` is a fingerprint; ``detail`` a vendor code or word."""

    at: float
    kind: Kind
    recipient: str
    detail: str = ""
    began_at: float | None = None
    """When the message it speaks of was sent: older than the present state's beginning does not end it."""


FAULTS_TO_DOWN = 3
RECIPIENTS_TO_DOWN = 2
WINDOW = 60.0
KEPT = 20
WORKS_TO_UP = 3
QUIET_TO_UP = 600.0
PROBE_EVERY = 15.0


@dataclass(frozen=True, slots=True)
class AccountHealth:
    """State with the evidence that led to it, newest last."""

    state: State = State.UP
    since: float = 0.0
    evidence: tuple[Evidence, ...] = ()
    forced: str | None = None
    forced_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of state, with what caused it."""

    key: str
    old: State
    new: State
    at: float
    evidence: tuple[Evidence, ...]


def observe(health: AccountHealth, evidence: Evidence) -> AccountHealth:
    """The account's health after one more observation. Pure; order of equal observations does not matter."""
    kept = (*health.evidence, evidence)[-KEPT:]
    state = _next(health, kept, evidence)
    if state is health.state:
        return replace(health, evidence=kept)
    return replace(health, state=state, since=evidence.at, evidence=kept)


def _next(health: AccountHealth, kept: tuple[Evidence, ...], new: Evidence) -> State:
    match new.kind:
        case Kind.BROKEN:
            return State.BROKEN
        case Kind.FAULT:
            if health.state in (State.DOWN, State.BROKEN):
                return health.state
            if health.state is State.RECOVERING:
                return State.DOWN
            return State.DOWN if _is_down(kept, new.at) else State.SUSPECT
        case Kind.ACCEPTED:
            return health.state
        case Kind.WORKS:
            return _after_delivery(health, kept, new)


def _is_down(kept: tuple[Evidence, ...], now: float) -> bool:
    """Three faults in a row (no delivery between) from two recipients within the window."""
    run: list[Evidence] = []
    for seen in reversed(kept):
        if seen.kind is Kind.WORKS or seen.at < now - WINDOW:
            break
        if seen.kind is Kind.FAULT:
            run.append(seen)
    return len(run) >= FAULTS_TO_DOWN and len({seen.recipient for seen in run}) >= RECIPIENTS_TO_DOWN


def _after_delivery(health: AccountHealth, kept: tuple[Evidence, ...], new: Evidence) -> State:
    if health.state in (State.UP, State.SUSPECT):
        return State.UP
    if new.began_at is not None and new.began_at < health.since and health.state is State.BROKEN:
        return State.BROKEN
    if health.state in (State.DOWN, State.BROKEN):
        return State.RECOVERING
    works = [seen for seen in kept if seen.kind is Kind.WORKS and seen.at >= health.since]
    enough = len(works) >= WORKS_TO_UP and len({seen.recipient for seen in works}) >= RECIPIENTS_TO_DOWN
    rested = len(works) >= 2 and new.at - health.since >= QUIET_TO_UP
    return State.UP if enough or rested else State.RECOVERING


def effective(account: AccountHealth, force: AccountHealth | None) -> State:
    """The state routing obeys: a shop's force stands above what was measured."""
    if force is not None and force.forced in ("up", "down"):
        return State(force.forced)
    return account.state
