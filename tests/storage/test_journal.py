"""The journal can be read on from any place, and trimmed once it is in the ledger; the store says what it keeps."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.core.addresses import LaneId, partition_of
from bot.ports import Commit
from bot.storage.journal import START
from bot.storage.memory import MemoryJournal
from bot.storage.redis import Level, RedisJournal, connect, durability
from tests.storage.servers import running
from tests.storage.stores import MemoryStore, RedisStore

A = LaneId("01aaaaaaaaaaaaaaaaaa")
B = LaneId("3faaaaaaaaaaaaaaaaaa")


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest, client: Redis) -> MemoryStore | RedisStore:
    return MemoryStore() if request.param == "memory" else RedisStore(client)


async def write(store: MemoryStore | RedisStore, lane: LaneId, *entries: bytes) -> None:
    for entry in entries:
        await store.lanes.put(lane, entry.decode(), entry)
        lease = await store.lanes.take(partition_of(lane))
        assert lease is not None
        await store.lanes.commit(lease, Commit(b"s", (entry.decode(),), None, journal=entry))


async def test_entries_are_read_on_from_where_one_stopped(store: MemoryStore | RedisStore) -> None:
    journal: MemoryJournal | RedisJournal = store.journal
    await write(store, A, b"1", b"2", b"3")
    first = await journal.read(1, START, 2)
    assert [stored.entry for stored in first] == [b"1", b"2"]
    assert [stored.entry for stored in await journal.read(1, first[-1].id, 2)] == [b"3"]


async def test_all_partitions_are_read_in_one_look(store: MemoryStore | RedisStore) -> None:
    await write(store, A, b"1", b"2")
    await write(store, B, b"x")
    everything = await store.journal.read_all({})
    assert [(stored.partition, stored.entry) for stored in everything] == [(1, b"1"), (1, b"2"), (63, b"x")]
    rest = await store.journal.read_all({1: everything[0].id, 63: everything[2].id})
    assert rest == [everything[1]]
    assert len({stored.position for stored in everything}) == 3


async def test_trimming_keeps_what_came_after(store: MemoryStore | RedisStore) -> None:
    await write(store, A, b"1", b"2", b"3")
    await write(store, B, b"x")
    second, other = (await store.journal.read(1, START, 2))[-1], (await store.journal.read(63, START, 1))[-1]
    await store.journal.trim({1: second.id})
    await store.journal.trim({1: second.id})
    assert [stored.entry for stored in await store.journal.read_all({})] == [b"3", b"x"]
    await store.journal.trim({1: second.id, 63: other.id})
    assert [stored.entry for stored in await store.journal.read_all({})] == [b"3"]
    await store.journal.trim({})


@pytest.mark.parametrize(
    ("settings", "level"),
    [
        ({"appendonly": "yes", "appendfsync": "always"}, Level.FSYNC),
        ({"appendonly": "yes", "appendfsync": "everysec"}, Level.SECOND),
        ({"appendonly": "yes", "appendfsync": "no"}, Level.NONE),
        ({"appendonly": "no"}, Level.NONE),
    ],
)
async def test_a_redis_says_what_it_keeps(tmp_path: Path, settings: dict[str, str], level: Level) -> None:
    options = [word for name, value in settings.items() for word in (f"--{name}", value)]
    with running(tmp_path, *options) as url:
        client = connect(url)
        found = await durability(client)
        await client.aclose()
    assert (found.level, found.evicts, found.replicas) == (level, False, 0)
    assert found.trustworthy is (level is not Level.NONE)


async def test_a_redis_that_forgets_under_pressure_is_not_trusted(tmp_path: Path) -> None:
    with running(tmp_path, "--appendonly", "yes", "--maxmemory-policy", "allkeys-lru") as url:
        client = connect(url)
        found = await durability(client)
        await client.aclose()
    assert (found.evicts, found.policy, found.trustworthy) == (True, "allkeys-lru", False)


@pytest.mark.parametrize(("aof", "level"), [("yes", Level.UNKNOWN), ("no", Level.NONE)])
async def test_a_redis_that_hides_its_settings_is_unknown(tmp_path: Path, aof: str, level: Level) -> None:
    with running(tmp_path, "--appendonly", aof, "--rename-command", "CONFIG", "") as url:
        client = connect(url)
        found = await durability(client)
        await client.aclose()
    assert (found.level, found.policy) == (level, "noeviction")


async def test_an_emptied_journal_goes_on_after_what_was_read(store: MemoryStore | RedisStore) -> None:
    far = "99999999999999-7"  # as written by a server whose clock was ahead
    await store.journal.begin_after(1, far)
    await write(store, A, b"1")
    [first] = await store.journal.read(1, far, 10)
    assert first.entry == b"1"
    await store.journal.begin_after(1, "5-0")
    await write(store, A, b"2")
    assert [stored.entry for stored in await store.journal.read(1, first.id, 10)] == [b"2"]
    assert len(await store.journal.read(1, START, 10)) == 2
