"""Sequential tests of one account: has the share of bad outcomes risen far above what is usual here?

Three tests run side by side, one for each form of failure. Each is a CUSUM of log-likelihood ratios (Page 1954):
a bad outcome adds log(p1/p0), a good one log((1-p1)/(1-p0)), and the sum never falls below 0. By Lorden (1971) a
sum that must reach h is reached by chance once in at least e^h outcomes; with r outcomes a second,
h = log(r x T) therefore means at most one false alarm in T seconds, at any rate. Constant cost, constant size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

OVERDUE = 5.0
"""Seconds after which a message that was accepted and not ``sent`` counts as silent."""
UNDELIVERED_AFTER = 20.0
"""Seconds after which a message that was ``sent`` and not delivered counts as not delivered."""

FALSE_ALARM_EVERY = 30 * 365.25 * 86_400.0
"""Seconds between false alarms of one account, at least."""
FALSE_DOUBT_EVERY = 3600.0
"""Seconds between groundless suspicions: they cost a shorter patience and nothing else."""
LEAST_DOUBT = 3.0
PACE_SECONDS = 1800.0
"""Memory of the rate of outcomes."""
HALF_LIFE = 12 * 3600.0
"""Old doubt fades where nothing is sent that could settle it."""
MEMORY = 5000
"""Outcomes after which what was usual has mostly been replaced."""
PRIOR_WEIGHT = 400


@dataclass(frozen=True, slots=True)
class Form:
    """One form of failure. Shares are of outcomes, 0 to 1."""

    prior: float
    """What is usual before anything was learnt."""
    least: float
    most: float
    """What is believed to be usual stays between these two."""
    spoilt: float
    """Share of otherwise good outcomes that an outage worth acting on turns bad."""

    def usual(self, score: Score) -> float:
        return min(max(score.usual if score.usual is not None else self.prior, self.least), self.most)

    def against(self, usual: float) -> float:
        """What one bad outcome adds, in nats."""
        return math.log((usual + self.spoilt * (1 - usual)) / usual)

    @property
    def in_favour(self) -> float:
        """What one good outcome adds: log((1 - p1)/(1 - p0)) is the same whatever is usual; negative."""
        return math.log(1 - self.spoilt)


@dataclass(frozen=True, slots=True)
class Score:
    """The running sum of one test, and what it has learnt."""

    value: float = 0.0
    usual: float | None = None
    seen: int = 0


REFUSING = Form(prior=0.0025, least=0.002, most=0.1, spoilt=0.7)
SILENCE = Form(prior=0.0025, least=0.002, most=0.3, spoilt=0.7)
LOSING = Form(prior=0.1, least=0.03, most=0.6, spoilt=0.85)


@dataclass(frozen=True, slots=True)
class Tests:
    """The tests of one account, side by side."""

    refusing: Score = Score()
    silence: Score = Score()
    losing: Score = Score()

    @property
    def highest(self) -> float:
        """The highest sum, in nats."""
        return max(self.refusing.value, self.silence.value, self.losing.value)

    @property
    def only_silence(self) -> bool:
        """Is it silence that speaks loudest?"""
        return self.silence.value >= max(self.refusing.value, self.losing.value)

    def faded(self, seconds: float) -> Tests:
        """The same doubt after some time."""
        if seconds <= 0 or not self.highest:
            return self
        share = 0.5 ** (seconds / HALF_LIFE)
        return Tests(*(replace(one, value=one.value * share) for one in self._all()))

    def good(self) -> Tests:
        """One more delivery."""
        if not self.highest:
            return self
        pairs = zip(self._all(), FORMS, strict=True)
        return Tests(*(replace(one, value=max(0.0, one.value + form.in_favour)) for one, form in pairs))

    def settled(self) -> Tests:
        """No doubt is left; what is usual stays known."""
        return Tests(*(replace(one, value=0.0) for one in self._all()))

    def learnt(self, *, late: bool) -> Tests:
        """One more delivery, while all is well; ``late``: its lateness was learnt before."""
        return Tests(
            _learnt(self.refusing, REFUSING, False),
            _learnt(self.silence, SILENCE, False),
            self.losing if late else _learnt(self.losing, LOSING, False),
        )

    def _all(self) -> tuple[Score, Score, Score]:
        return self.refusing, self.silence, self.losing


FORMS = (REFUSING, SILENCE, LOSING)


def bad(score: Score, weight: float) -> Score:
    """One more bad outcome."""
    return replace(score, value=score.value + weight)


def taken_back(score: Score, weight: float) -> Score:
    """What was counted as bad came good, late."""
    return replace(score, value=max(0.0, score.value - weight))


def learnt_bad(score: Score, form: Form) -> Score:
    """One more bad outcome, while all is well."""
    return _learnt(score, form, True)


def _learnt(score: Score, form: Form, was_bad: bool) -> Score:
    """The usual share, moved a little: fast at first, slowly later."""
    usual = form.prior if score.usual is None else score.usual
    seen = min(score.seen + 1, MEMORY)
    return Score(score.value, usual + (was_bad - usual) / (PRIOR_WEIGHT + seen), seen)


@dataclass(frozen=True, slots=True)
class Pace:
    """How many outcomes there are: a count that forgets, with the time it was last moved."""

    count: float = 0.0
    at: float = 0.0

    def one_more(self, at: float) -> Pace:
        return Pace(self.count * math.exp(-max(0.0, at - self.at) / PACE_SECONDS) + 1, max(at, self.at))

    @property
    def per_second(self) -> float:
        return max(self.count, 1.0) / PACE_SECONDS


def down_at(pace: Pace) -> float:
    """The sum at which an account is down."""
    return math.log(FALSE_ALARM_EVERY * pace.per_second)


def suspect_at(pace: Pace) -> float:
    """The sum at which it is suspect."""
    return max(LEAST_DOUBT, math.log(FALSE_DOUBT_EVERY * pace.per_second))
