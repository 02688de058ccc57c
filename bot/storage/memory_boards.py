"""Health and leases of one process, with the caller's clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.core import health
from bot.core.addresses import ChannelName, ShopId
from bot.core.health import AccountHealth, Evidence, Transition
from bot.ports import Clock
from bot.storage.forces import domain_force_key, force_key, forced


class MemoryHealthBoard:
    """Health known to one process. ``clock`` times ``may_probe`` only; without one the probe lease never ends."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock
        self._health: dict[str, AccountHealth] = {}
        self._probes: dict[str, float] = {}
        self._transitions: list[Transition] = []

    async def read(self, keys: Sequence[str]) -> Mapping[str, AccountHealth]:
        return {key: health.ruled(key, self._of(key), self._of(health.force_of(key) or "")) for key in keys}

    def _of(self, key: str) -> AccountHealth:
        known = self._health.get(key, AccountHealth())
        ended = known.forced_until is not None and self._clock and self._clock.now() >= known.forced_until
        return AccountHealth() if ended else known

    async def observe(self, key: str, evidence: Evidence) -> Transition | None:
        old = self._health.get(key, AccountHealth())
        new = self._health[key] = health.observe(old, evidence, health.nature_of(key))
        change = health.change(key, old, new)
        if change is not None:
            self._transitions.append(change)
        return change

    async def teach(self, key: str, an_hour: float, now: float) -> None:
        """Let an account know what is usual, as after a week of so many messages each hour."""
        self._health[key] = replace(self._of(key), inbound=health.habit(an_hour, now))

    async def force(
        self,
        shop: ShopId,
        channel: ChannelName,
        state: str,
        reason: str,
        now: float,
        by: str | None = None,
        until: float | None = None,
    ) -> None:
        self._health[force_key(shop, channel)] = forced(state, reason, now, by, until)

    async def force_domain(
        self, domain: str, state: str, reason: str, now: float, by: str, until: float | None = None
    ) -> None:
        self._health[domain_force_key(domain)] = forced(state, reason, now, by, until)

    async def may_probe(self, key: str, every: float) -> bool:
        now = self._clock.now() if self._clock else 0.0
        if key in self._probes and now < self._probes[key]:
            return False
        self._probes[key] = now + every
        return True

    async def transitions(self, after: str = "0-0", count: int = 100) -> list[tuple[str, Transition]]:
        first = int(after.partition("-")[0])
        rows = self._transitions[first : first + count]
        return [(f"{number}-0", change) for number, change in enumerate(rows, first + 1)]


class MemoryLeases:
    """Named leases of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[str, tuple[str, float]] = {}
        self._fence = 0

    async def acquire(self, name: str, seconds: float) -> str | None:
        if name in self._held and self._held[name][1] > self._clock.now():
            return None
        self._fence += 1
        token = f"{self._fence}-memory"
        self._held[name] = (token, self._clock.now() + seconds)
        return token

    async def renew(self, name: str, token: str, seconds: float) -> bool:
        held, until = self._held.get(name, ("", 0.0))
        if held != token or until <= self._clock.now():
            return False
        self._held[name] = (token, self._clock.now() + seconds)
        return True

    async def release(self, name: str, token: str) -> None:
        if self._held.get(name, ("", 0.0))[0] == token:
            del self._held[name]
