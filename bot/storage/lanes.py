"""``ports.Lanes`` on Redis: each step is one script over the keys of one partition."""

from __future__ import annotations

import asyncio
import hashlib
import math
import os
import platform
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import structlog
from redis.asyncio import Redis, RedisCluster
from redis.exceptions import ConnectionError, TimeoutError

from bot.core.addresses import PARTITIONS, LaneId, partition_of
from bot.ports import Commit, Lease, LostLease, Put, Unavailable
from bot.storage.connection import PREFIX, Keys, Script, as_client, listener, reach
from bot.storage.forwarding import ForwardLoop, follow
from bot.storage.parked import encode
from bot.storage.pipelined import Pipelined

LEASE_SECONDS = 10.0
SEEN_SECONDS = 8 * 86400.0
ITEMS_PER_LEASE = 256
"""A flood is handed out in portions; what is left keeps the lane due."""
CARRIED_AT_ONCE = 500
ATTEMPTS = 5
RECONNECT_SECONDS = (0.05, 0.2, 1.0)

_log = structlog.get_logger(__name__)

_PUT = Script("common", "put")
_DUE = Script("common", "due")
_NEXT = Script("common", "next")
_TAKE = Script("common", "take")
_RENEW = Script("common", "renew")
_RELEASE = Script("common", "release")
_COMMIT = Script("common", "commit")
_ANNOUNCE = Script("common", "announce")
_LUGGAGE = Script("common", "luggage")
_CARRY = Script("common", "carry")
_SETTLE = Script("common", "settle")


class RedisLanes:
    """Lanes shared by all processes that use the same Redis and prefix."""

    def __init__(
        self,
        client_or_url: Redis | str,
        prefix: str = PREFIX,
        lease_seconds: float = LEASE_SECONDS,
        seen_seconds: float = SEEN_SECONDS,
        holder: str = "",
    ) -> None:
        """``holder``: the name under which leases are shown to the operator."""
        self._redis = as_client(client_or_url)
        self._puts, self._nexts, self._takes = map(self._for_many, (_PUT, _NEXT, _TAKE))
        self._keys = Keys(prefix)
        self._tokens = list(zip(self._keys.generation, self._keys.fence, strict=True))
        self._holder = holder or f"{platform.node()}:{os.getpid()}"
        self._lease_ms = round(lease_seconds * 1000)
        self._keep_ms = round(seen_seconds * 1000)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def put(self, lane: LaneId, item_id: str, item: bytes) -> Put:
        """Append durably unless seen; follow forwards; mark due; wake a worker."""

        async def at(here: LaneId) -> Any:
            keys = [*self._keys_of(here), self._keys.due[partition_of(here)]]
            return await self._puts(keys, [*self._who(here), self._keep_ms, item_id, item])

        try:
            landed, answer = await follow(lane, at)
        except ForwardLoop:
            # Two lanes never used, led to each other by two that died before they looked: nothing is in either.
            _log.error("lanes.forward_loop", lane=lane)
            await self.unforward(lane)
            landed, answer = await follow(lane, at)
        return Put(landed, fresh=answer[0] == 1)

    async def take(self, partition: int) -> Lease | None:
        """Lease the partition's lane that has been due longest, or None. Moves on what a forward left unfinished."""
        due = self._keys.due[partition]
        for _ in range(ATTEMPTS):
            found = await self._nexts([due], [])
            if found is None:
                return None
            lane = LaneId(found.decode())
            keys = [*self._keys_of(lane)[:3], due, *self._tokens[partition], self._keys.tries[partition]]
            words = [lane, self._lease_ms, os.urandom(8).hex(), ITEMS_PER_LEASE, self._holder]
            answer = await self._takes(keys, words)
            if answer[0] == 1:
                return _lease(lane, answer)
            if answer[0] == 2:
                await self._settle_or_stand(lane)
        return None

    async def renew(self, lease: Lease) -> Lease:
        """Extend to a whole lease from now. Raises LostLease."""
        keys = [self._keys.lane(lease.lane), self._keys.due[partition_of(lease.lane)]]
        answer = await _RENEW(self._redis, keys, [lease.lane, *lease.token, self._lease_ms])
        if not answer:
            raise LostLease(lease.lane)
        return replace(lease, until=answer[0] / 1000, now=answer[1] / 1000)

    async def commit(self, lease: Lease, commit: Commit) -> None:
        """Write all of it or nothing. Done twice is the same. Raises LostLease.

        A connection that breaks leaves the outcome open, so it is asked once more: the operation id tells.
        """
        lane, partition = lease.lane, partition_of(lease.lane)
        lane_key, inbox, items, _seen = self._keys_of(lane)
        theirs = self._keys
        keys = [lane_key, inbox, items, *(k[partition] for k in (theirs.due, theirs.journal, theirs.tries, theirs.park))]
        arguments = [
            *self._who(lane),
            *lease.token,
            operation_id(lease, commit),
            self._lease_ms,
            int(commit.release),
            "" if commit.due_at is None else math.ceil(commit.due_at * 1000),
            commit.state,
            int(commit.journal is not None),
            commit.journal or b"",
            len(commit.parked),
            *(word for parked in commit.parked for word in (parked.id, encode(parked))),
            *commit.handled,
        ]
        try:
            written = await _COMMIT(self._redis, keys, arguments)
        except Unavailable:
            written = await _COMMIT(self._redis, keys, arguments)
        if not written:
            raise LostLease(lane)

    async def release(self, lease: Lease, due_in: float, failure: str | None = None) -> None:
        """Give it back unchanged, due again in so many seconds; at once if something came and nothing failed."""
        partition = partition_of(lease.lane)
        keys = [self._keys.lane(lease.lane), self._keys.due[partition], self._keys.tries[partition]]
        due_ms = math.ceil(due_in * 1000)
        await _RELEASE(self._redis, keys, [*self._who(lease.lane), *lease.token, due_ms, failure or ""])

    async def forward(self, source: LaneId, target: LaneId) -> None:
        """Send what is put into ``source`` to ``target``; seen ids and inbox travel first. Idempotent.

        While a worker holds ``source`` it goes on standing for itself, and moves when that worker lets go: what is
        in hand is not handled twice. Raises ForwardLoop when ``target`` leads back to ``source``.
        """
        if await self.resolve(target) == source:
            raise ForwardLoop(source)
        travels = await self._announce(source, target)
        if not await self._settle_or_stand(source, travels):
            raise ForwardLoop(source)

    async def unforward(self, source: LaneId) -> None:
        """Let the lane stand for itself again. Idempotent."""
        await reach(self._redis.hdel(self._keys.lane(source), "forward", "settled"))

    async def resolve(self, lane: LaneId) -> LaneId:
        """Follow forwards, also those not finished yet. Raises ForwardLoop."""

        async def at(here: LaneId) -> Any:
            target = await reach(self._redis.hget(self._keys.lane(here), "forward"))
            return (1,) if target is None else (2, target)

        landed, _ = await follow(lane, at)
        return landed

    async def peek(self, lane: LaneId) -> bytes | None:
        """The committed state, for readers. Follows no forward."""
        state: bytes | None = await reach(self._redis.hget(self._keys.lane(lane), "state"))
        return state

    async def remember(self, lane: LaneId, seen: Sequence[tuple[str, float]]) -> None:
        """Count items as seen there; those older than ids are kept are left out. Idempotent."""
        known = [(item_id.encode(), b"%d" % round(at * 1000)) for item_id, at in seen]
        await self._carry(lane, [], [], [word for pair in known for word in pair])

    async def due_partitions(self) -> Sequence[int]:
        """Partitions that hold a lane due now, by Redis' clock."""
        if isinstance(self._redis, RedisCluster):
            looks = await asyncio.gather(*(_DUE(self._redis, [key]) for key in self._keys.due))
            return [partition for partition, found in enumerate(looks) if found]
        # One call: four times a second for ever, 64 answers to parse would be most of what an idle worker does.
        return [number - 1 for number in await _DUE(self._redis, self._keys.due)]

    async def forget_parked(self, lane: LaneId) -> None:
        """Remove all that was parked of a lane. Idempotent."""
        park = self._keys.park[partition_of(lane)]
        names = [name for name in await reach(self._redis.hkeys(park)) if name.decode().startswith(f"{lane}-")]
        if names:
            await reach(self._redis.hdel(park, *names))

    async def wakeups(self) -> AsyncIterator[int]:
        """Partitions in which something became due. Listens on a connection of its own that waits for ever."""
        failures = 0
        while True:
            client = listener(self._redis)
            pubsub = client.pubsub(ignore_subscribe_messages=True)
            try:
                await pubsub.subscribe(self._keys.wake)
                while True:
                    message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=None)
                    failures = 0
                    if message is not None and (partition := int(message["data"])) < PARTITIONS:
                        yield partition
            except (ConnectionError, TimeoutError, OSError) as error:
                _log.warning("lanes.wakeups_lost", error=type(error).__name__)
            finally:
                await pubsub.aclose()  # type: ignore[no-untyped-call]
                await client.aclose()
            await asyncio.sleep(RECONNECT_SECONDS[min(failures, len(RECONNECT_SECONDS) - 1)])
            failures += 1

    async def _announce(self, source: LaneId, target: LaneId) -> bool:
        """False: nothing is to travel, it has moved."""
        lane_key, inbox, _items, seen = self._keys_of(source)
        keys = [lane_key, self._keys.due[partition_of(source)], inbox, seen]
        return bool(await _ANNOUNCE(self._redis, keys, [*self._who(source), target]))

    async def _move(self, source: LaneId) -> None:
        """Carry and settle until nothing new came between; stop when a holder has to let go first."""
        for _ in range(ATTEMPTS):
            answer = await _LUGGAGE(self._redis, self._keys_of(source))
            if answer[0] == 0:
                return
            _, target, ids, payloads, seen = answer
            await self._carry(LaneId(target.decode()), ids, payloads, seen)
            if await self._settle(source, target, ids):
                return

    async def _carry(
        self, target: LaneId, ids: list[bytes], payloads: list[bytes], seen: list[bytes]
    ) -> None:
        """First step: into the target, in portions. Ids that still wait travel as items, not as seen."""
        waiting = set(ids)
        known = [(i, at) for i, at in zip(seen[::2], seen[1::2], strict=True) if i not in waiting]
        items = list(zip(ids, payloads, strict=True))
        for start in range(0, max(len(known), len(items)), CARRIED_AT_ONCE):
            known_part = known[start : start + CARRIED_AT_ONCE]
            pairs = [*known_part, *items[start : start + CARRIED_AT_ONCE]]
            flat = [len(known_part), *(word for pair in pairs for word in pair)]

            async def at(here: LaneId, flat: list[Any] = flat) -> Any:
                keys = [*self._keys_of(here), self._keys.due[partition_of(here)]]
                return await _CARRY(self._redis, keys, [*self._who(here), self._keep_ms, *flat])

            await follow(target, at)

    async def _settle(self, source: LaneId, target: bytes, ids: list[bytes]) -> bool:
        """Second step: the forward, unless something came into the source meanwhile."""
        lane_key, inbox, items, _seen = self._keys_of(source)
        partition = partition_of(source)
        keys = [lane_key, inbox, items, self._keys.due[partition], self._keys.tries[partition]]
        return bool(await _SETTLE(self._redis, keys, [source, target, *ids]))

    async def _settle_or_stand(self, source: LaneId, travels: bool = True) -> bool:
        """Finish a forward, unless nothing was in the lane. False for one of two lanes linked to each other at once: it stands for itself again.

        Both were announced before either looks here, so that at least one of them sees the circle.
        """
        try:
            await self.resolve(source)
            if travels:
                await self._move(source)
        except ForwardLoop:
            _log.error("lanes.forward_loop", lane=source)
            await self.unforward(source)
            return False
        return True

    def _for_many(self, script: Script) -> Callable[[Sequence[str], Sequence[Any]], Awaitable[Any]]:
        """A script with little to carry, whose calls of one moment travel together. A cluster's pipelines take none."""
        return partial(script, self._redis) if isinstance(self._redis, RedisCluster) else Pipelined(self._redis, script)

    def _keys_of(self, lane: LaneId) -> list[str]:
        keys = self._keys
        return [keys.lane(lane), keys.inbox(lane), keys.items(lane), keys.seen(lane)]

    def _who(self, lane: LaneId) -> list[Any]:
        return [lane, self._keys.wake, partition_of(lane)]


def operation_id(lease: Lease, commit: Commit) -> str:
    """The same for the same commit under the same lease: how a repeat is told from a rival."""
    parked = tuple(each.id for each in commit.parked)
    text = repr((lease.token, commit.handled, commit.due_at, commit.release, commit.journal is None, parked)).encode()
    digest = hashlib.blake2b(text, digest_size=12)
    for part in (commit.state, commit.journal or b""):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def _lease(lane: LaneId, answer: list[Any]) -> Lease:
    _, generation, fence, until, now, state, ids, payloads, attempts, failure, late, others = answer
    return Lease(
        lane=lane,
        token=(generation.decode(), fence),
        until=until / 1000,
        now=now / 1000,
        state=state,
        items=tuple((i.decode(), payload) for i, payload in zip(ids, payloads, strict=True)),
        attempts=attempts,
        failure=failure.decode() if failure else None,
        late=late / 1000,
        others=others > 0,
    )
