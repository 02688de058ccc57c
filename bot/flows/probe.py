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
from bot.ports import Clock, HealthBoard

BEAT = 5.0
IN_DOUBT, AT_REST = 15.0, 60.0
"""Seconds between probes of one account or address."""
LEARN_EVERY = 600.0
CATCH_UP_EVERY = 15.0
CANARY_FIRST, CANARY_THEN, CANARY_LONG = 60.0, 300.0, 600.0
"""A canary each minute in the first ten minutes of an outage, then one in five: a template costs money."""
LAST_RESORT = 600.0
"""Seconds without any try after which one resting conversation is told its order's status."""
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


class Canary(Protocol):
    """A message to a number of the vendor's own, to see whether a channel delivers."""

    account: str

    async def fly(self) -> tuple[Kind, float] | None:
        """WORKS or FAULT and when it was sent, within 30 s; None when nothing can be said."""
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
        known = await self.board.read([canary.account for canary in self.outside.canaries])
        await asyncio.gather(*(self._canary(canary, known) for canary in self.outside.canaries))

    async def once(self) -> None:
        """Everything that is due now, but canaries."""
        accounts = {one.account: one for one in self.outside.accounts}
        domains = {health.domain_key(name) for one in accounts.values() for name in one.domains}
        known = await self.board.read([*accounts, *sorted(domains), health.domain_key(INGRESS)])
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

    async def _country(self, accounts: Mapping[str, Probed], known: Mapping[str, AccountHealth]) -> None:
        """Who usually writes at this hour and does not. Telegram and the pages silent beside WhatsApp are the country."""
        now = self.clock.now()
        silent = [key for key in accounts if health.quiet(known[key].inbound, now)]
        for key in silent:
            if self._is_due(f"quiet:{key}", AT_REST):
                await self._tell(key, Kind.QUIET, "nobody writes")
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

    async def _canary(self, canary: Canary, known: Mapping[str, AccountHealth]) -> None:
        own = known[canary.account]
        if own.state not in (State.SUSPECT, State.DOWN, State.RECOVERING):
            return
        young = self.clock.now() - own.since < CANARY_LONG
        if not self._is_due(f"canary:{canary.account}", CANARY_FIRST if young else CANARY_THEN):
            return
        flown = await canary.fly()
        if flown is None:
            return
        kind, sent_at = flown
        seen = Evidence(self.clock.now(), kind, "canary", "canary", began_at=sent_at)
        await self.board.observe(canary.account, seen)
        if kind is Kind.FAULT:
            await self._tell(canary.account, Kind.PROBE_FAILED, "the canary did not arrive")

    async def _time(self, key: str, what: AccountHealth) -> None:
        """Lets states end that end with time, and hours in which nobody wrote be counted."""
        calm = health.at_rest(what)
        if self._is_due(f"time:{key}", LEARN_EVERY if calm else IN_DOUBT) and (not calm or what.inbound.heard_at):
            await self._tell(key, Kind.TIME)
