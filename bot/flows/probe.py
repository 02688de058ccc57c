"""What nobody's message tells: does the provider's API answer, can we be reached, do shoppers write as usual.

One process does it for all, under the probe lease. It weighs nothing itself: everything becomes evidence on the board.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.core import health
from bot.core.health import INGRESS, INTERNET, AccountHealth, Evidence, Kind, State
from bot.flows.canaries import Canaries, Canary, Silences
from bot.ports import Clock, HealthBoard

BEAT = 5.0
IN_DOUBT, AT_REST = 15.0, 60.0
"""Seconds between probes of one account or address."""
LEARN_EVERY = 600.0
CATCH_UP_EVERY = 15.0
LAST_RESORT = 600.0
"""Seconds without any try after which one resting conversation is told its order's status."""
IN_SILENCE = 60.0
MOST_IN_SILENCE = 3
"""Resting conversations told in one silence, and seconds between them: the next only while the first makes us doubt."""
AT_ONCE = 8
LIVELY = 120.0
"""Seconds in which a message from anywhere shows that the country is connected."""


class Probed(Protocol):
    """An account that can be asked whether its provider's API answers."""

    account: str
    domains: tuple[str, ...]

    async def probe(self) -> bool:
        """Within 5 s; never raises for what a provider may do."""
        ...


class Feed(Protocol):
    """A provider's status page, for one fault domain."""

    domain: str

    async def trouble(self) -> str | None:
        """What it admits, in its own words; None for nothing, or when it does not answer."""
        ...


@dataclass(frozen=True, slots=True)
class Outside:
    """What the prober may do. ``reachable``: our public address answers. ``nudge``: see ``LAST_RESORT``."""

    accounts: Sequence[Probed]
    reachable: Callable[[], Awaitable[bool]]
    catch_up: Callable[[], Awaitable[None]]
    nudge: Callable[[str], Awaitable[bool]]
    feeds: Sequence[Feed] = ()
    canaries: Sequence[Canary] = ()


@dataclass(slots=True)
class Prober:
    """Holds nothing that must outlive it: a new holder of the lease starts over."""

    board: HealthBoard
    clock: Clock
    outside: Outside
    _due: dict[str, float] = field(default_factory=dict)
    _silent: Mapping[str, health.Silence] = field(default_factory=dict)
    _silences: Silences = field(default_factory=Silences)
    _told: dict[str, tuple[float, int]] = field(default_factory=dict)
    """By account: since when it was silent, and how many were told in that silence."""
    _flock: Canaries = field(init=False)

    def __post_init__(self) -> None:
        self._flock = Canaries(self.board, self.clock, self.outside.canaries)

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop. Raises Unavailable."""
        loops = [asyncio.ensure_future(loop(stop)) for loop in (self._beats, self._canaries)]
        try:
            await asyncio.gather(*loops)
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

    async def _beats(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.once()
            await self.clock.sleep(BEAT)

    async def _canaries(self, stop: asyncio.Event) -> None:
        """Beside the rest: one takes 20 s."""
        while not stop.is_set() and self.outside.canaries:
            await self.try_canaries()
            await self.clock.sleep(BEAT)

    async def try_canaries(self) -> None:
        """Every canary that is due now."""
        await self._flock.fly(self._silent)

    async def once(self) -> None:
        """Everything that is due now, but canaries."""
        accounts = {one.account: one for one in self.outside.accounts}
        domains = {health.domain_key(name) for one in accounts.values() for name in one.domains}
        known = await self.board.read([*accounts, *sorted(domains), health.domain_key(INGRESS)])
        await self._listen(accounts, known)
        limit = asyncio.Semaphore(AT_ONCE)
        tasks = [self._one(one, known, limit) for one in accounts.values()]
        tasks += [self._feed(feed, accounts) for feed in self.outside.feeds]
        await asyncio.gather(*tasks, self._ingress(known), self._country(accounts, known))
        for key, what in known.items():
            await self._time(key, what)

    def _is_due(self, what: str, every: float) -> bool:
        now = self.clock.now()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every
        return True

    async def _tell(self, key: str, kind: Kind, detail: str = "", **more: str) -> None:
        await self.board.observe(key, Evidence(self.clock.now(), kind, more.get("recipient", ""), detail))

    async def _one(self, one: Probed, known: Mapping[str, AccountHealth], limit: asyncio.Semaphore) -> None:
        """The provider's API."""
        own = known[one.account]
        calm = health.at_rest(own) and not own.votes
        if not self._is_due(f"probe:{one.account}", AT_REST if calm else IN_DOUBT):
            return
        async with limit:
            answers = await one.probe()
        keys = (one.account, *(health.domain_key(name) for name in one.domains if name in health.PROVIDERS))
        for key in keys:
            if not answers:
                await self._tell(key, Kind.PROBE_FAILED, "the provider's API does not answer")
            elif not health.at_rest(known[key]) or known[key].votes:
                await self._tell(key, Kind.PROBE_OK)
        idle = own.state in (State.DOWN, State.RECOVERING) and answers and self._has_rested(own)
        if idle and self._is_due(f"nudge:{one.account}", LAST_RESORT):
            await self.outside.nudge(one.account)

    def _has_rested(self, own: AccountHealth) -> bool:
        """Not up, and for ten minutes nothing was tried there."""
        tries = (Kind.FAULT, Kind.SILENT, Kind.UNDELIVERED, Kind.WORKS)
        last = max((seen.at for seen in own.evidence if seen.kind in tries), default=own.since)
        return self.clock.now() - max(last, own.since) >= LAST_RESORT

    async def _ingress(self, known: Mapping[str, AccountHealth]) -> None:
        """Our own way in: asked as a provider would, and walked around while it is closed."""
        key = health.domain_key(INGRESS)
        own = known[key]
        if self._is_due("reachable", AT_REST if health.at_rest(own) else IN_DOUBT):
            open_ = await self.outside.reachable()
            if not open_ or own.votes:
                await self._tell(key, Kind.PROBE_OK if open_ else Kind.PROBE_FAILED, "our public address")
        if own.state is State.DOWN and self._is_due("catch-up", CATCH_UP_EVERY):
            await self.outside.catch_up()

    async def _listen(self, accounts: Mapping[str, Probed], known: Mapping[str, AccountHealth]) -> None:
        """Who usually writes at this hour and does not? That is no evidence of an outage, but reason enough to look."""
        now = self.clock.now()
        sharing = {
            name: [key for key, one in accounts.items() if name in one.domains] for name in health.NETWORKS
        }
        self._silent = health.silent({key: known[key].inbound for key in accounts}, sharing, now)
        quiet = [key for key in self._silent if self._silent[key].alone]
        together = {key for key in self._silent if not self._silent[key].alone}
        shared = {name for name, keys in sharing.items() if together.intersection(keys)}
        for key in (*quiet, *map(health.domain_key, sorted(shared))):
            if self._is_due(f"quiet:{key}", AT_REST):
                await self._tell(key, Kind.QUIET, "nobody writes")
        for key in quiet:
            await self._ask_somebody(accounts[key], known)

    async def _ask_somebody(self, one: Probed, known: Mapping[str, AccountHealth]) -> None:
        """Nobody writes: tell one resting conversation its order's status, and see whether it arrives."""
        own, silence, now = known[one.account], self._silent[one.account], self.clock.now()
        if any(known[health.domain_key(name)].state is State.DOWN for name in one.domains):
            return
        if own.state is State.UP:
            # A canary costs nobody's attention: where there is one, it begins.
            wanted = not self._flock.has(one.account) and self._silences.odd(one.account, silence, now)
        else:
            wanted = own.state is State.SUSPECT
        since, count = self._told.get(one.account, (silence.since, 0))
        count = count if since == silence.since else 0
        if not wanted or count >= MOST_IN_SILENCE or not self._is_due(f"silence:{one.account}", IN_SILENCE):
            return
        if await self.outside.nudge(one.account):
            self._told[one.account] = silence.since, count + 1
            self._silences.looked(one.account, silence, now)

    async def _country(self, accounts: Mapping[str, Probed], known: Mapping[str, AccountHealth]) -> None:
        """Telegram and the pages silent beside WhatsApp are the country."""
        now = self.clock.now()
        silent = [key for key in self._silent if self._silent[key].alone]
        internet = health.domain_key(INTERNET)
        needing = [key for key, one in accounts.items() if INTERNET in one.domains]
        others = [key for key in needing if not health.NETWORKS.intersection(accounts[key].domains)]
        if not others or not self._is_due("internet", AT_REST):
            return
        heard = health.together(known[key].inbound for key in others)
        lively = [key for key in others if now - (known[key].inbound.heard_at or 0.0) < LIVELY]
        if lively:
            await self._connected(internet, known[internet], lively)
        elif health.quiet(heard, now):
            await self._tell(internet, Kind.PROBE_FAILED, "nobody writes on Telegram or the pages")
            if any(key in silent for key in needing if key not in others):
                await self._tell(internet, Kind.QUIET, "nobody writes on WhatsApp")

    async def _connected(self, internet: str, known: AccountHealth, lively: Sequence[str]) -> None:
        """A message from a phone in the country came over its internet: that way back is as good as a delivery."""
        if known.votes:
            await self._tell(internet, Kind.PROBE_OK)
        if known.state in (State.DOWN, State.RECOVERING):
            for key in lively:
                await self._tell(internet, Kind.WORKS, "somebody writes", recipient=key)

    async def _feed(self, feed: Feed, accounts: Mapping[str, Probed]) -> None:
        if not self._is_due(f"feed:{feed.domain}", AT_REST):
            return
        admitted = await feed.trouble()
        if admitted is None:
            return
        keys = [key for key, one in accounts.items() if feed.domain in one.domains]
        for key in (health.domain_key(feed.domain), *keys):
            await self._tell(key, Kind.FEED, admitted)

    async def _time(self, key: str, what: AccountHealth) -> None:
        """Lets states end that end with time, and hours in which nobody wrote be counted."""
        calm = health.at_rest(what)
        if self._is_due(f"time:{key}", LEARN_EVERY if calm else IN_DOUBT) and (not calm or what.inbound.heard_at):
            await self._tell(key, Kind.TIME)
