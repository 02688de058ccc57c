"""When an account that was down counts as up again: by deliveries, never by an API that answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

SUCCESSES, OF_THE_LAST, RECIPIENTS = 5, 6, 3
FEW_SUCCESSES, QUIET_SECONDS = 2, 600.0
"""Enough where there is under one message a minute."""
RELAPSE_SECONDS = 1800.0
MOST_STRIKES = 2
"""Each relapse doubles what ``up`` needs; more than four times would keep shoppers away for nothing."""
FAULTY_RECIPIENTS = 2
PROBE_EVERY = 15.0
"""Seconds between messages that try a channel that is down."""
DOUBLES_EVERY = 10.0
FASTEST = 80.0


@dataclass(frozen=True, slots=True)
class Try:
    """One message's outcome since the account began to recover."""

    ok: bool
    recipient: str
    at: float


@dataclass(frozen=True, slots=True)
class Recovery:
    """What the present recovery has seen, and what earlier ones teach."""

    tries: tuple[Try, ...] = ()
    """Newest last."""
    strikes: int = 0
    ended_at: float | None = None
    """When it was up again the last time."""

    @property
    def factor(self) -> int:
        return 1 << self.strikes

    def tried(self, ok: bool, recipient: str, at: float) -> Recovery:
        """One more outcome; a recipient who fails again and again is one failure."""
        last = next((one for one in reversed(self.tries) if one.recipient == recipient), None)
        if not ok and last is not None and not last.ok:
            return self
        return replace(self, tries=(*self.tries, Try(ok, recipient, at))[-OF_THE_LAST * self.factor :])

    def begun(self, recipient: str, at: float) -> Recovery:
        """The first delivery."""
        return replace(self, tries=(Try(True, recipient, at),))

    def fell(self, at: float) -> Recovery:
        """Down once more: soon after it was up, it is harder to believe next time."""
        soon = self.ended_at is not None and at - self.ended_at < RELAPSE_SECONDS
        return replace(self, tries=(), strikes=min(self.strikes + 1, MOST_STRIKES) if soon else 0)

    def failed(self) -> bool:
        """Do the tries say that it is down after all? One recipient never does."""
        return len({one.recipient for one in self.tries if not one.ok}) >= FAULTY_RECIPIENTS

    def done(self, since: float, now: float, per_second: float) -> bool:
        """Do they say that it is up?"""
        good = [one for one in self.tries if one.ok]
        if len(good) >= SUCCESSES * self.factor and (
            len({one.recipient for one in good}) >= RECIPIENTS * self.factor
        ):
            return True
        fault_at = max((one.at for one in self.tries if not one.ok), default=since)
        return (
            per_second < 1 / 60
            and len(good) >= FEW_SUCCESSES * self.factor
            and now - max(since, fault_at) >= QUIET_SECONDS * self.factor
        )


def rate(since: float, now: float) -> float:
    """Messages a second that a channel may carry that has been recovering since then."""
    return float(min(2.0 ** min(max(0.0, now - since) / DOUBLES_EVERY, 10.0), FASTEST))
