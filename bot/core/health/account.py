"""One account or fault domain: its state, the tests behind it, and how one more observation changes both. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bot.core.health import detector
from bot.core.health.detector import LOSING, REFUSING, SILENCE, Form, Pace, Score, Tests
from bot.core.health.evidence import Evidence, Kind, State, Transition
from bot.core.health.inbound import Inbound
from bot.core.health.recovery import Recovery

KEPT = 20
RECIPIENTS_TO_DOWN = 3
RECIPIENTS_WITH_PROBE = 2
ONCE_IN = 300.0
"""Seconds in which one recipient counts once, on each account."""
COUNTED_KEPT = 16
SILENT_FOR = 8.0
"""Seconds that silence must last before it takes a channel down: a slow provider is not a dead one."""
LIFELESS_FOR = 4.0
"""Seconds without any message getting out that was sent since the silence began."""
PARTLY_SILENT_FOR, PARTLY_SILENT_MORE = 20.0, 18.0
"""Where some do get out, seconds and nats more: slow ones are still on their way, lost ones never come."""
CHECKED_FOR = 15.0
"""Seconds for which the provider's agreement about one silent message holds for the others."""
VOTE_SECONDS = 120.0
MOST_VOTES = 6.0
VOTES = {Kind.PROBE_FAILED: 3.9, Kind.FEED: 2.0, Kind.QUIET: 2.0}
"""Weak evidence, in nats. It lowers what strong evidence must still say; alone it does nothing."""
PROBE_VOTE, CANARY_VOTE = Kind.PROBE_FAILED.value, "canary"
"""What a canary did not reach, an API that answers does not take back; only a canary that arrives does."""
CALM_SHARE = 0.5
"""A suspicion ends at this share of what began it."""

_CAUTIOUS = {REFUSING: 0.01, SILENCE: 0.01, LOSING: 0.3}
"""Usual shares of a fault domain, which cannot learn: it hears of successes only while it is in doubt."""
STEADY = 0.01
"""Share of messages that a phone which is always on does not get in time."""
_DOMAIN_DOWN, _DOMAIN_SUSPECT = 20.0, 8.0
_PROBED_DOWN = 10.0
"""Where a failed probe is needed beside: that alone happens by chance once in thousands of looks."""


@dataclass(frozen=True, slots=True)
class Nature:
    """``learns``: it hears of every outcome. ``sources``: accounts that must fail together, or one and a probe."""

    learns: bool = True
    sources: int = 1
    needs_probe: bool = False
    """It never goes down, nor is suspected, without a failed probe: its accounts also fail for other reasons."""


ACCOUNT = Nature()


@dataclass(frozen=True, slots=True)
class Counted:
    """A recipient whose trouble counted in the present doubt."""

    recipient: str
    source: str
    at: float


@dataclass(frozen=True, slots=True)
class Vote:
    """Weak evidence that stands until it is old or taken back."""

    name: str
    weight: float
    at: float


@dataclass(frozen=True, slots=True)
class AccountHealth:
    """State with the evidence that led to it, newest last."""

    state: State = State.UP
    since: float = 0.0
    evidence: tuple[Evidence, ...] = ()
    forced: str | None = None
    forced_reason: str | None = None
    forced_by: str | None = None
    """The operator who said so in a shell; None: nobody, or a person of the shop, who stands in the reason."""
    forced_until: float | None = None
    """When it ends by itself; None: when somebody ends it."""
    tests: Tests = field(default_factory=Tests)
    pace: Pace = field(default_factory=Pace)
    counted: tuple[Counted, ...] = ()
    votes: tuple[Vote, ...] = ()
    checked_at: float | None = None
    """When the provider's record last agreed that a message is silent."""
    alive_at: float | None = None
    """When a message was last seen to get out that had been sent since a silence began."""
    recovery: Recovery = field(default_factory=Recovery)
    inbound: Inbound = field(default_factory=Inbound)
    looked_at: float = 0.0
    """Time of the newest observation."""

    @property
    def began_at(self) -> float | None:
        """When the first message was sent that speaks for the present doubt or outage; None when there is none."""
        return self.tests.loudest.began_at


def at_rest(health: AccountHealth) -> bool:
    """Is all well, and nothing in doubt?"""
    return health.state is State.UP and health.tests.highest <= 0


def change(key: str, old: AccountHealth, new: AccountHealth) -> Transition | None:
    """The change of state between two, if there is one."""
    if new.state is old.state:
        return None
    began_at = new.began_at if new.began_at is not None else old.began_at
    return Transition(key, old.state, new.state, new.since, new.evidence, began_at)


def observe(health: AccountHealth, seen: Evidence, nature: Nature = ACCOUNT) -> AccountHealth:
    """What is known after one more observation."""
    health = _aged(health, seen.at, nature)
    match seen.kind:
        case Kind.HEARD:
            heard = replace(health, inbound=health.inbound.heard(seen.at))
            return _without_vote(heard, Kind.QUIET.value)
        case Kind.PROBE_OK:
            return _settled(_without_vote(health, PROBE_VOTE), seen.at, nature)
        case Kind.TIME:
            return _settled(replace(health, inbound=health.inbound.turned(seen.at)), seen.at, nature)
        case Kind.PROBE_FAILED | Kind.FEED | Kind.QUIET:
            return _settled(_voted(health, seen), seen.at, nature)
        case Kind.BROKEN:
            return _into(_kept(health, seen, 0.0), State.BROKEN, seen.at)
        case Kind.SENT:
            return _settled(_taken_back(_alive(health, seen), nature), seen.at, nature)
        case Kind.WORKS:
            return _worked(_without_vote(health, CANARY_VOTE) if seen.steady else health, seen, nature)
        case Kind.FAULT | Kind.SILENT | Kind.UNDELIVERED:
            return _failed(health, seen, nature)


def _aged(health: AccountHealth, at: float, nature: Nature) -> AccountHealth:
    seconds = at - health.looked_at
    if seconds <= 0:
        return health
    learn = nature.learns and health.state is State.UP
    return replace(health, looked_at=at, tests=health.tests.aged(at, seconds, learn=learn))


def _failed(health: AccountHealth, seen: Evidence, nature: Nature) -> AccountHealth:
    """Strong evidence against."""
    if seen.kind is not Kind.FAULT and not seen.checked:
        # Nobody asked the provider about this one: it counts while the answer about another is fresh.
        agreed = health.checked_at
        if agreed is None or seen.at - agreed > CHECKED_FOR:
            return _kept(health, seen, 0.0)
    elif seen.kind is not Kind.FAULT:
        health = replace(health, checked_at=seen.at)
    health = replace(health, pace=health.pace.one_more(seen.at))
    if health.state in (State.DOWN, State.BROKEN) or _belongs_to_the_past(health, seen):
        return _kept(health, seen, 0.0)
    if health.state is State.RECOVERING:
        tried = health.recovery.tried(False, seen.recipient, seen.at)
        health = replace(_kept(health, seen, 0.0), recovery=tried)
        return _into(health, State.DOWN, seen.at) if tried.failed() else health
    if seen.kind is Kind.UNDELIVERED:
        learn = nature.learns and health.state is State.UP
        health = replace(health, tests=health.tests.heard(seen.at - detector.UNDELIVERED_AFTER, learn=learn))
    form, score = _test(health.tests, seen.kind)
    weight = 0.0
    if not _counted_lately(health, seen):
        weight = _weight(score, form, nature, steady=seen.steady)
        score = detector.bad(score, weight, seen.at if seen.began_at is None else seen.began_at)
        health = replace(health, counted=_count(health.counted, seen))
    if nature.learns and health.state is State.UP:
        score = detector.learnt_bad(score, form)
    health = replace(_kept(health, seen, weight), tests=_with(health.tests, seen.kind, score))
    return _settled(health, seen.at, nature)


def _belongs_to_the_past(health: AccountHealth, seen: Evidence) -> bool:
    """Was it sent before the account was up again? That outage is over."""
    up_at = health.recovery.ended_at
    if health.state is State.RECOVERING or up_at is None or seen.began_at is None:
        return False
    return seen.began_at < up_at


def _worked(health: AccountHealth, seen: Evidence, nature: Nature) -> AccountHealth:
    """A delivery."""
    pace = health.pace.one_more(seen.at)
    match health.state:
        case State.DOWN | State.BROKEN:
            health = replace(_kept(health, seen, 0.0), pace=pace)
            if not _ends_outage(health, seen):
                return health
            begun = health.recovery.begun(seen.recipient, seen.at)
            return replace(_into(health, State.RECOVERING, seen.at), recovery=begun)
        case State.RECOVERING:
            if seen.began_at is not None and health.began_at is not None and seen.began_at < health.began_at:
                return health
            tried = health.recovery.tried(True, seen.recipient, seen.at)
            return _settled(replace(_kept(health, seen, 0.0), recovery=tried, pace=pace), seen.at, nature)
        case State.UP | State.SUSPECT:
            health = _alive(health, seen)
            late = seen.began_at is not None and seen.at - seen.began_at >= detector.UNDELIVERED_AFTER
            sent = seen.sent_at or seen.began_at or seen.at
            learn = nature.learns and health.state is State.UP
            tests = health.tests.good(sent, late=late, learn=learn)
            if late and tests.losing.value:
                weight = _weight(tests.losing, LOSING, nature)
                tests = replace(tests, losing=detector.taken_back(tests.losing, weight))
            if health.state is State.SUSPECT:
                health = _kept(health, seen, 0.0)
            return _settled(replace(health, tests=tests, pace=pace), seen.at, nature)


def _alive(health: AccountHealth, seen: Evidence) -> AccountHealth:
    began = health.tests.silence.began_at
    if began is None or seen.began_at is None or seen.began_at < began:
        return health
    return replace(health, alive_at=seen.at)


def _ends_outage(health: AccountHealth, seen: Evidence) -> bool:
    """Sent since the account is down; or sent in the outage, stuck, and now through.

    What was on its way in the ordinary manner when the channel died, or got through in a partial outage, says nothing.
    """
    if seen.began_at is None or seen.began_at >= health.since:
        return True
    if health.state is State.BROKEN or health.began_at is None:
        return False
    return seen.began_at >= health.began_at and seen.at - seen.began_at >= detector.OVERDUE


def _taken_back(health: AccountHealth, nature: Nature) -> AccountHealth:
    if health.state not in (State.UP, State.SUSPECT):
        return health
    silence = health.tests.silence
    silence = detector.taken_back(silence, _weight(silence, SILENCE, nature))
    return replace(health, tests=replace(health.tests, silence=silence))


def _settled(health: AccountHealth, at: float, nature: Nature) -> AccountHealth:
    """The state that follows from the tests."""
    if health.state is State.RECOVERING:
        if health.recovery.done(health.since, at, health.pace.per_second):
            return _well(_into(health, State.UP, at), at)
        return health
    if health.state not in (State.UP, State.SUSPECT):
        return health
    value = health.tests.highest
    if value <= 0:
        calm = replace(health, counted=()) if health.counted else health
        return _into(calm, State.UP, at) if health.state is State.SUSPECT else calm
    if nature.needs_probe and not _probe_failed(health, at):
        return _into(health, State.UP, at)
    value += _weight_of_votes(health, at)
    suspect = detector.suspect_at(health.pace) if nature.learns else _DOMAIN_SUSPECT
    shared = _PROBED_DOWN if nature.needs_probe else _DOMAIN_DOWN
    down = detector.down_at(health.pace) if nature.learns else shared
    if value >= down and _enough(health, at, nature) and _silent_enough(health, at, value - down):
        return _into(health, State.DOWN, at)
    if value >= suspect:
        return _into(health, State.SUSPECT, at)
    if health.state is State.SUSPECT and value < suspect * CALM_SHARE:
        return _into(health, State.UP, at)
    return health


def _enough(health: AccountHealth, at: float, nature: Nature) -> bool:
    """Enough different people, and for a fault domain enough different accounts."""
    probe_failed = _probe_failed(health, at)
    recipients = len({one.recipient for one in health.counted})
    if recipients < (RECIPIENTS_WITH_PROBE if probe_failed else RECIPIENTS_TO_DOWN):
        return False
    return probe_failed or len({one.source for one in health.counted}) >= nature.sources


def _probe_failed(health: AccountHealth, at: float) -> bool:
    return any(vote.name in (PROBE_VOTE, CANARY_VOTE) and at - vote.at <= VOTE_SECONDS for vote in health.votes)


def _silent_enough(health: AccountHealth, at: float, margin: float) -> bool:
    """If it is silence that speaks loudest: has it lasted, with nothing that got out?"""
    loudest = health.tests.loudest
    if loudest is not health.tests.silence or loudest.began_at is None:
        return True
    seconds = at - loudest.began_at
    if health.alive_at is None or at - health.alive_at >= LIFELESS_FOR:
        return seconds >= SILENT_FOR
    return seconds >= PARTLY_SILENT_FOR and margin >= PARTLY_SILENT_MORE


def _into(health: AccountHealth, state: State, at: float) -> AccountHealth:
    if health.state is state:
        return health
    recovery = health.recovery
    if state in (State.DOWN, State.BROKEN) and health.state is not State.RECOVERING:
        recovery = recovery.fell(at)
    return replace(health, state=state, since=at, recovery=recovery)


def _well(health: AccountHealth, at: float) -> AccountHealth:
    """Up again: what was doubted is settled, what is usual is kept."""
    return replace(
        health,
        tests=health.tests.settled(),
        counted=(),
        votes=(),
        recovery=replace(health.recovery, tries=(), ended_at=at),
    )


def _counted_lately(health: AccountHealth, seen: Evidence) -> bool:
    same = (seen.recipient, seen.source)
    return any((one.recipient, one.source) == same and seen.at - one.at < ONCE_IN for one in health.counted)


def _count(counted: tuple[Counted, ...], seen: Evidence) -> tuple[Counted, ...]:
    same = (seen.recipient, seen.source)
    others = tuple(one for one in counted if (one.recipient, one.source) != same)
    return (*others, Counted(seen.recipient, seen.source, seen.at))[-COUNTED_KEPT:]


def _kept(health: AccountHealth, seen: Evidence, weight: float) -> AccountHealth:
    return replace(health, evidence=(*health.evidence, replace(seen, weight=round(weight, 2)))[-KEPT:])


def _voted(health: AccountHealth, seen: Evidence) -> AccountHealth:
    """Replace the vote of that kind; for people it is written down once, with the time it was last seen."""
    weight = VOTES[seen.kind]
    name = CANARY_VOTE if seen.steady else seen.kind.value
    votes = (*(vote for vote in health.votes if vote.name != name), Vote(name, weight, seen.at))
    same = (seen.kind, seen.detail)
    others = tuple(one for one in health.evidence if (one.kind, one.detail) != same)
    return _kept(replace(health, votes=votes, evidence=others), seen, weight)


def _without_vote(health: AccountHealth, name: str) -> AccountHealth:
    if not any(vote.name == name for vote in health.votes):
        return health
    return replace(health, votes=tuple(vote for vote in health.votes if vote.name != name))


def _weight_of_votes(health: AccountHealth, at: float) -> float:
    fresh = sum(vote.weight for vote in health.votes if at - vote.at <= VOTE_SECONDS)
    return min(fresh, MOST_VOTES)


def _test(tests: Tests, kind: Kind) -> tuple[Form, Score]:
    """The test that strong evidence of this kind belongs to."""
    match kind:
        case Kind.SILENT:
            return SILENCE, tests.silence
        case Kind.UNDELIVERED:
            return LOSING, tests.losing
        case _:
            return REFUSING, tests.refusing


def _with(tests: Tests, kind: Kind, score: Score) -> Tests:
    match kind:
        case Kind.SILENT:
            return replace(tests, silence=score)
        case Kind.UNDELIVERED:
            return replace(tests, losing=score)
        case _:
            return replace(tests, refusing=score)


def _weight(score: Score, form: Form, nature: Nature, *, steady: bool = False) -> float:
    """What one bad outcome adds here, in nats. ``steady``: of a phone that is always on."""
    usual = form.usual(score) if nature.learns else _CAUTIOUS[form]
    return form.against(min(usual, STEADY) if steady else usual)
