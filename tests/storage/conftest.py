from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from bot.storage.redis import connect
from tests.storage.servers import cluster, running
from tests.storage.stores import MemoryStore, PairStore, RedisStore, Store


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for all tests of the store."""
    with running(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    """A client on an empty server."""
    client = connect(redis_url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture(scope="session")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Three masters for all tests of the store."""
    with cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made.url


@pytest.fixture(params=["memory", "redis", "pair", "cluster"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """Each store the contract holds for, empty."""
    if request.param == "memory":
        yield MemoryStore()
        return
    client = connect(request.getfixturevalue("cluster_url" if request.param == "cluster" else "redis_url"))
    await client.flushall()
    yield PairStore(client) if request.param == "pair" else RedisStore(client)
    await client.aclose()
