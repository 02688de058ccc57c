"""Lanes under random puts, repeats, crashes, stale commits and forwards: nothing lost, reordered or held twice."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from redis.asyncio import Redis

from bot.core.addresses import LaneId, partition_of
from bot.ports import Commit, Lease, LostLease
from bot.storage.forwarding import ForwardLoop
from bot.storage.redis import connect
from tests.storage.stores import LEASE, MemoryStore, PairStore, RedisStore, Store

T = TypeVar("T")

TOGETHER = (LaneId("01aaaaaaaaaaaaaaaaaa"), LaneId("01bbbbbbbbbbbbbbbbbb"), LaneId("02cccccccccccccccccc"))
"""Two of them share a partition."""
APART = (LaneId("01aaaaaaaaaaaaaaaaaa"), LaneId("03bbbbbbbbbbbbbbbbbb"), LaneId("02cccccccccccccccccc"))
"""One a partition, so that two stores need not agree about which of two equally late lanes comes first."""
WHICH = st.integers(0, 2)
SIZE = 10 if os.environ.get("RELAIS_TEST_SIZE") == "large" else 1


class LanesMachine(RuleBasedStateMachine):
    """A shopper's items are named ``<lane number>-<n>``; ``log`` is what commits say was handled."""

    lanes: ClassVar[tuple[LaneId, ...]] = TOGETHER

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.store = self.run(self.open())
        self.puts: list[list[str]] = [[], [], []]
        self.log: list[str] = []
        self.held: dict[LaneId, Lease] = {}
        self.stale: list[Lease] = []
        self.written = 0

    def run(self, step: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(step)

    async def open(self) -> Store:
        return MemoryStore()

    async def shut(self) -> None:
        """Nothing to close."""

    @rule(which=WHICH)
    def put(self, which: int) -> None:
        name = f"{which}-{len(self.puts[which])}"
        assert self.run(self.store.lanes.put(self.lanes[which], name, name.encode())).fresh
        self.puts[which].append(name)

    @rule(which=WHICH, back=st.integers(1, 4))
    def put_again(self, which: int, back: int) -> None:
        if len(self.puts[which]) >= back:
            name = self.puts[which][-back]
            assert not self.run(self.store.lanes.put(self.lanes[which], name, b"other")).fresh

    @rule(which=WHICH)
    def take(self, which: int) -> None:
        lease = self.run(self.store.lanes.take(partition_of(self.lanes[which])))
        if lease is not None:
            assert lease.lane not in self.held
            assert all(item_id not in self.log for item_id, _ in lease.items)
            self.held[lease.lane] = lease

    @rule(which=WHICH, share=st.integers(0, 3), release=st.booleans(), twice=st.booleans())
    def commit(self, which: int, share: int, release: bool, twice: bool) -> None:
        lease = self.held.get(self.lanes[which])
        if lease is None:
            return
        handled = [item_id for item_id, _ in lease.items[: len(lease.items) * share // 3]]
        commit = self.commit_of(handled, release=release)
        self.run(self.store.lanes.commit(lease, commit))
        self.log += handled
        if twice:
            self.run(self.store.lanes.commit(lease, commit))
        if release:
            del self.held[lease.lane]
            self.stale.append(lease)
        else:
            self.held[lease.lane] = replace(lease, items=lease.items[len(handled) :])

    @rule(which=WHICH, due_in=st.sampled_from([0, 30]))
    def release(self, which: int, due_in: float) -> None:
        lease = self.held.pop(self.lanes[which], None)
        if lease is not None:
            self.run(self.store.lanes.release(lease, due_in))
            self.stale.append(lease)

    @rule()
    def everybody_dies(self) -> None:
        self.stale += self.held.values()
        self.held.clear()
        self.run(self.store.advance(LEASE + 1))

    @rule()
    def time_passes(self) -> None:
        """Less than a lease, and holders renew."""
        self.run(self.store.advance(LEASE / 2))
        self.held = {lane: self.run(self.store.lanes.renew(lease)) for lane, lease in self.held.items()}

    @rule(pick=st.integers(0, 9))
    def commit_stale(self, pick: int) -> None:
        """A paused worker wakes. Its commit may still count when nobody took the lane; never when somebody did."""
        if not self.stale:
            return
        lease = self.stale[pick % len(self.stale)]
        handled = [item_id for item_id, _ in lease.items]
        try:
            self.run(self.store.lanes.commit(lease, self.commit_of(handled, release=True)))
        except LostLease:
            return
        assert lease.lane not in self.held
        self.log += handled

    @rule(source=WHICH, onto=WHICH)
    def forward(self, source: int, onto: int) -> None:
        """A lane is linked once: sending a moved lane elsewhere promises no order between the two."""
        lane = self.lanes[source]
        if self.run(self.store.lanes.resolve(lane)) != lane:
            return
        try:
            self.run(self.store.lanes.forward(lane, self.lanes[onto]))
        except ForwardLoop:
            assert self.run(self.store.lanes.resolve(self.lanes[onto])) == lane

    @invariant()
    def nothing_was_handled_twice_or_out_of_order(self) -> None:
        for which, names in enumerate(self.puts):
            mine = [name for name in self.log if name.startswith(f"{which}-")]
            assert mine == names[: len(mine)]

    def teardown(self) -> None:
        try:
            self.everybody_dies()
            for _ in range(200):
                partitions = self.run(self.store.lanes.due_partitions())
                for partition in partitions:
                    if lease := self.run(self.store.lanes.take(partition)):
                        handled = [item_id for item_id, _ in lease.items]
                        self.run(self.store.lanes.commit(lease, self.commit_of(handled, release=True)))
                        self.log += handled
                self.run(self.store.advance(31))
                if sorted(self.log) == sorted(self.everything()) and not partitions:
                    break
            self.nothing_was_handled_twice_or_out_of_order()
            assert sorted(self.log) == sorted(self.everything())
            assert sorted(self.run(self.journalled())) == sorted(self.log)
        finally:
            self.run(self.shut())
            self.runner.close()

    def commit_of(self, handled: list[str], release: bool) -> Commit:
        self.written += 1
        journal = ",".join(handled).encode()
        return Commit(b"%d" % self.written, tuple(handled), None, journal=journal, release=release)

    def everything(self) -> list[str]:
        return [name for names in self.puts for name in names]

    async def journalled(self) -> list[str]:
        entries = [
            entry
            for p in {partition_of(lane) for lane in self.lanes}
            for entry in await self.store.entries(p)
        ]
        return [name for entry in entries for name in entry.decode().split(",") if name]


class _OnServer(LanesMachine):
    url: ClassVar[str]
    client: Redis

    async def connected(self) -> Redis:
        self.client = connect(self.url, connections=2)
        await self.client.flushall()
        return self.client

    async def shut(self) -> None:
        await self.client.aclose()


class RedisMachine(_OnServer):
    async def open(self) -> Store:
        return RedisStore(await self.connected())


class PairMachine(_OnServer):
    lanes = APART

    async def open(self) -> Store:
        return PairStore(await self.connected())


@pytest.fixture
def server(redis_url: str) -> Iterator[None]:
    _OnServer.url = redis_url
    yield


def run_machine(machine: type[LanesMachine], examples: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples * SIZE,
            print_blob=True,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_memory_lanes_lose_double_and_reorder_nothing() -> None:
    run_machine(LanesMachine, 200)


def test_redis_lanes_lose_double_and_reorder_nothing(server: None) -> None:
    run_machine(RedisMachine, 40)


def test_memory_and_redis_give_equal_answers_to_any_sequence(server: None) -> None:
    run_machine(PairMachine, 40)
