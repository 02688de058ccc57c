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

FALSE_ALARM_EVERY = 10 * 365.25 * 86_400.0
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
HEARD_AFTER = UNDELIVERED_AFTER + 5
"""Seconds after which what was sent is known to be lost or not, with the time it took to leave."""
MOST_UNHEARD = 32


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
    seen: float = 0.0
    """Outcomes it was learnt from, at most ``MEMORY``."""
    began_at: float | None = None
    """When the first message was sent that speaks for the present doubt; None when there is none."""

    def at(self, value: float) -> Score:
        """The same with another sum."""
        return replace(self, value=value, began_at=self.began_at if value > 0 else None)


REFUSING = Form(prior=0.0025, least=0.002, most=0.1, spoilt=0.7)
SILENCE = Form(prior=0.0025, least=0.002, most=0.3, spoilt=0.7)
LOSING = Form(prior=0.1, least=0.03, most=0.6, spoilt=0.85)


@dataclass(frozen=True, slots=True)
class Tests:
    """The tests of one account, side by side."""

    refusing: Score = Score()
    silence: Score = Score()
    losing: Score = Score()
    unheard: tuple[tuple[int, float], ...] = ()
    """Deliveries that the test for losses has yet to hear of: (second in which they were sent, how many)."""
    heard_to: float = 0.0
    """Up to when it has heard of what was sent."""

    @property
    def highest(self) -> float:
        """The highest sum, in nats."""
        return max(self.refusing.value, self.silence.value, self.losing.value)

    @property
    def loudest(self) -> Score:
        """The test with the highest sum."""
        return max((self.refusing, self.silence, self.losing), key=lambda score: score.value)

    def aged(self, at: float, seconds: float, *, learn: bool) -> Tests:
        """The same after some time: doubt fades, and what nobody lost has arrived."""
        tests = self.heard(at - HEARD_AFTER, learn=learn)
        if not tests.highest:
            return tests
        fade = 0.5 ** (max(0.0, seconds) / HALF_LIFE)
        return replace(
            tests,
            refusing=tests.refusing.at(tests.refusing.value * fade),
            silence=tests.silence.at(tests.silence.value * fade),
            losing=tests.losing.at(tests.losing.value * fade),
        )

    def good(self, sent_at: float, *, late: bool, learn: bool) -> Tests:
        """One more delivery. ``late``: it was counted as lost before.

        A loss is known after 20 s, a delivery after two. Were it heard at once, the losses among what was sent
        before would stand alone as soon as traffic ends, and look like an outage. So the test for losses hears of
        deliveries in the order in which they were sent, when the losses of that time are known.
        """
        unheard = self.unheard
        if not late:
            counts = dict(unheard)
            second = int(sent_at)
            counts[second] = counts.get(second, 0.0) + 1
            unheard = tuple(sorted(counts.items()))[-MOST_UNHEARD:]
        return replace(
            self,
            refusing=_good(self.refusing, REFUSING, 1, learn),
            silence=_good(self.silence, SILENCE, 1, learn),
            unheard=unheard,
        )

    def heard(self, until: float, *, learn: bool) -> Tests:
        """Let the test for losses hear of the deliveries among what was sent before ``until``."""
        if not self.unheard or self.unheard[0][0] >= until:
            return self
        count, rest = 0.0, []
        for second, number in self.unheard:
            done = min(max(self.heard_to - second, 0.0), 1.0)
            share = min(max((until - second - done) / (1 - done), 0.0), 1.0) if done < 1 else 1.0
            count += number * share
            if share < 1:
                rest.append((second, number * (1 - share)))
        losing = _good(self.losing, LOSING, count, learn)
        return replace(self, losing=losing, unheard=tuple(rest), heard_to=max(self.heard_to, until))

    def settled(self) -> Tests:
        """No doubt is left; what is usual stays known."""
        return Tests(self.refusing.at(0.0), self.silence.at(0.0), self.losing.at(0.0))


FORMS = (REFUSING, SILENCE, LOSING)


def bad(score: Score, weight: float, began_at: float) -> Score:
    """One more bad outcome, of a message that was begun then."""
    first = began_at if score.began_at is None else min(score.began_at, began_at)
    return replace(score, value=score.value + weight, began_at=first)


def taken_back(score: Score, weight: float) -> Score:
    """What was counted as bad came good, late."""
    return score.at(max(0.0, score.value - weight))


def learnt_bad(score: Score, form: Form) -> Score:
    """One more bad outcome, while all is well: the usual share moves a little, fast at first, slowly later."""
    usual = form.prior if score.usual is None else score.usual
    seen = min(score.seen + 1, MEMORY)
    return replace(score, usual=usual + (1 - usual) / (PRIOR_WEIGHT + seen), seen=seen)


def _good(score: Score, form: Form, count: float, learn: bool) -> Score:
    """So many good outcomes more."""
    if not count or not (learn or score.value):
        return score
    value = max(0.0, score.value + count * form.in_favour) if score.value else 0.0
    began_at = score.began_at if value else None
    if not learn:
        return replace(score, value=value, began_at=began_at)
    usual = form.prior if score.usual is None else score.usual
    seen = min(score.seen + count, MEMORY)
    return Score(value, usual * (1 - 1 / (PRIOR_WEIGHT + seen)) ** count, seen, began_at)


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
    """The sum at which an account is down. Each of the three tests gets a third of the false alarms."""
    return math.log(len(FORMS) * FALSE_ALARM_EVERY * pace.per_second)


def suspect_at(pace: Pace) -> float:
    """The sum at which it is suspect."""
    return max(LEAST_DOUBT, math.log(FALSE_DOUBT_EVERY * pace.per_second))
