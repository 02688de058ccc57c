"""Ports with a stop-watch: each does what the one inside does, and counts it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from time import perf_counter

from bot.core.addresses import ChannelName, LaneId, ShopId
from bot.core.failures import Accepted, Failure, Outcome, Refused
from bot.core.messages import Reported
from bot.metrics import METRICS, Metrics
from bot.ports import (
    Answer,
    Channel,
    Channels,
    Commit,
    Dialogue,
    Lanes,
    Lease,
    LostLease,
    Outgoing,
    Put,
    Turn,
    TurnFailed,
    Unavailable,
)


class MeasuredLanes:
    """``ports.Lanes``."""

    def __init__(self, lanes: Lanes, metrics: Metrics = METRICS) -> None:
        self._lanes = lanes
        self._metrics = metrics
        seconds = metrics.store_seconds
        self._put, self._take, self._commit = (seconds.labels(name) for name in ("put", "take", "commit"))

    async def put(self, lane: LaneId, item_id: str, item: bytes) -> Put:
        with self._put.time():
            return await self._lanes.put(lane, item_id, item)

    async def take(self, partition: int) -> Lease | None:
        with self._take.time():
            lease = await self._lanes.take(partition)
        if lease is not None:
            self._metrics.lane_wait.observe(lease.late)
        return lease

    async def renew(self, lease: Lease) -> Lease:
        return await self._lanes.renew(lease)

    async def commit(self, lease: Lease, commit: Commit) -> None:
        try:
            with self._commit.time():
                await self._lanes.commit(lease, commit)
        except LostLease:
            self._metrics.leases_lost.inc()
            raise
        for parked in commit.parked:
            self._metrics.parked.labels(parked.kind.value).inc()

    async def release(self, lease: Lease, due_in: float, failure: str | None = None) -> None:
        if failure is not None:
            self._metrics.steps_failed.inc()
        await self._lanes.release(lease, due_in, failure)

    async def forward(self, source: LaneId, target: LaneId) -> None:
        await self._lanes.forward(source, target)

    async def unforward(self, source: LaneId) -> None:
        await self._lanes.unforward(source)

    async def resolve(self, lane: LaneId) -> LaneId:
        return await self._lanes.resolve(lane)

    async def peek(self, lane: LaneId) -> bytes | None:
        return await self._lanes.peek(lane)

    def wakeups(self) -> AsyncIterator[int]:
        return self._lanes.wakeups()

    async def due_partitions(self) -> Sequence[int]:
        return await self._lanes.due_partitions()

    async def remember(self, lane: LaneId, seen: Sequence[tuple[str, float]]) -> None:
        await self._lanes.remember(lane, seen)

    async def forget_parked(self, lane: LaneId) -> None:
        await self._lanes.forget_parked(lane)


class MeasuredDialogue:
    """``ports.Dialogue``: answered, failed (the turn's own fault) or unavailable."""

    def __init__(self, dialogue: Dialogue, metrics: Metrics = METRICS) -> None:
        self._dialogue = dialogue
        self._seconds = metrics.turn_seconds

    async def ask(self, turn: Turn) -> Answer:
        began, outcome = perf_counter(), "failed"
        try:
            answer = await self._dialogue.ask(turn)
            outcome = "answered"
            return answer
        except Unavailable as error:
            outcome = "failed" if isinstance(error, TurnFailed) else "unavailable"
            raise
        finally:
            self._seconds.labels(outcome).observe(perf_counter() - began)


class MeasuredChannels:
    """``ports.Channels``."""

    def __init__(self, channels: Channels, metrics: Metrics = METRICS) -> None:
        self._channels = channels
        self._metrics = metrics

    def of(self, shop: ShopId, channel: ChannelName) -> Channel | None:
        found = self._channels.of(shop, channel)
        return None if found is None else _MeasuredChannel(found, self._metrics)


class _MeasuredChannel:
    """``ports.Channel``: accepted, refused or unknown."""

    def __init__(self, channel: Channel, metrics: Metrics) -> None:
        self._channel = channel
        self._metrics = metrics
        self.name = channel.name
        self.account = channel.account
        self.domains = channel.domains
        self.capabilities = channel.capabilities

    async def send(self, outgoing: Outgoing) -> Outcome:
        began, word = perf_counter(), "unknown"
        try:
            outcome = await self._channel.send(outgoing)
            match outcome:
                case Accepted():
                    word = "accepted"
                case Refused():
                    word = "refused"
            return outcome
        finally:
            self._metrics.send_seconds.labels(self.name.value, word).observe(perf_counter() - began)

    async def look_up(self, provider_id: str | None, outgoing: Outgoing) -> Reported | None:
        return await self._channel.look_up(provider_id, outgoing)

    def classify(self, code: str) -> Failure:
        return self._channel.classify(code)
