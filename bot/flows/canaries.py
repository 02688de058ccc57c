"""Canaries: messages to numbers of the vendor's own, flown where there is doubt, or where nobody writes any more.

A channel that also swallows what shoppers write leaves Relais nothing to send, and so nothing to judge by. Silence is
no evidence (there are holidays), but reason enough to look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from bot.core import health
from bot.core.health import AccountHealth, Evidence, Kind, Silence, State
from bot.ports import Clock, HealthBoard

FIRST, THEN, LONG = 60.0, 300.0, 600.0
"""A canary each minute in the first ten minutes of doubt, then one in five: a template costs money."""
REMEMBERED_FOR = 6 * 3600.0
"""Seconds for which a silence that was harmless makes the next ones less odd: today fewer people write."""
SAMPLE = 4
"""Accounts that speak for a network on which all of them are silent; each flies its own, at its own cost."""


class Canary(Protocol):
    """A message to one number of the vendor's own, to see how far a channel carries it."""

    account: str
    domains: tuple[str, ...]
    recipient: str
    """Stands for the number in evidence."""

    async def fly(self) -> tuple[Kind, float] | None:
        """WORKS, FAULT, SILENT or UNDELIVERED, and when it was sent, within 30 s; None when nothing can be said."""
        ...


@dataclass(slots=True)
class Silences:
    """Which silences were looked into and found harmless, by account: the next look is due when one lasts twice as long."""

    _harmless: dict[str, tuple[float, float]] = field(default_factory=dict)
    """How many seconds it had lasted, and when that was."""

    def looked(self, account: str, silence: Silence, now: float) -> None:
        """What was sent into it arrived, or could not tell."""
        self._harmless[account] = now - silence.since, now

    def odd(self, account: str, silence: Silence, now: float) -> bool:
        """Is it worth a look?"""
        lasted, at = self._harmless.get(account, (0.0, 0.0))
        return now - silence.since >= 2 * lasted or now - at >= REMEMBERED_FOR


@dataclass(slots=True)
class Canaries:
    """Holds nothing that must outlive it: a new holder of the probe lease starts over."""

    board: HealthBoard
    clock: Clock
    canaries: Sequence[Canary]
    _due: dict[str, float] = field(default_factory=dict)
    _silences: Silences = field(default_factory=Silences)

    def has(self, account: str) -> bool:
        """Does this account have one?"""
        return any(one.account == account for one in self.canaries)

    async def fly(self, silent: Mapping[str, Silence]) -> None:
        """Fly all that are due; takes 30 s at most. ``silent``: accounts on which nobody writes. Raises Unavailable."""
        accounts = {one.account: one.domains for one in self.canaries}
        keys = {health.domain_key(name) for domains in accounts.values() for name in domains}
        known = await self.board.read([*accounts, *sorted(keys)])
        fallen = {name for name in health.NETWORKS if _fell(known, name)}
        sample = [account for account in accounts if account in silent][:SAMPLE]
        rounds = []
        for account, domains in accounts.items():
            silence = silent.get(account)
            if silence is not None and account not in sample and (not silence.alone or fallen.intersection(domains)):
                silence = None
            if self._wanted(account, known[account], silence):
                rounds.append(self._round(account, known, silence))
        await asyncio.gather(*rounds)

    def _wanted(self, account: str, own: AccountHealth, silence: Silence | None) -> bool:
        now = self.clock.now()
        if own.state in (State.SUSPECT, State.DOWN, State.RECOVERING):
            every = FIRST if now - own.since < LONG else THEN
        elif own.state is State.UP and silence is not None and self._silences.odd(account, silence, now):
            every = FIRST
        else:
            return False
        if now < self._due.get(account, 0.0):
            return False
        self._due[account] = now + every
        return True

    async def _round(self, account: str, known: Mapping[str, AccountHealth], silence: Silence | None) -> None:
        """All numbers of one account: each is a recipient of its own."""
        flock = [one for one in self.canaries if one.account == account]
        flown = await asyncio.gather(*(one.fly() for one in flock))
        kinds = set()
        for one, result in zip(flock, flown, strict=True):
            if result is not None:
                await self._tell(one, *result, known)
                kinds.add(result[0])
        if kinds and Kind.WORKS not in kinds:
            # Where another arrives, it is a broken phone. Of the account only: for what accounts share, two of them must fail.
            failed = Evidence(self.clock.now(), Kind.PROBE_FAILED, "", "the canary did not arrive", steady=True)
            await self.board.observe(account, failed)
        elif silence is not None:
            self._silences.looked(account, silence, self.clock.now())

    async def _tell(
        self, canary: Canary, kind: Kind, sent_at: float, known: Mapping[str, AccountHealth]
    ) -> None:
        """As of any message: on the account, and on what it shares; good news only where there is doubt."""
        seen = Evidence(self.clock.now(), kind, canary.recipient, "canary", began_at=sent_at, steady=True)
        await self.board.observe(canary.account, seen)
        for key in health.concerned(canary.domains, kind):
            if kind is not Kind.WORKS or not health.at_rest(known[key]):
                await self.board.observe(key, replace(seen, source=canary.account))


def _fell(known: Mapping[str, AccountHealth], domain: str) -> bool:
    own = known.get(health.domain_key(domain))
    return own is not None and own.state is State.DOWN
