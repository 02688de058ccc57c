from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from bot.storage.redis import connect
from tests.storage.servers import running
from tests.storage.stores import Store, build


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


@pytest.fixture(params=["memory", "redis", "pair"])
async def store(request: pytest.FixtureRequest, client: Redis) -> Store:
    """Each store the contract holds for."""
    return build(request.param, client)
