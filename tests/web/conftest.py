from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from bot.storage.redis import connect
from tests.storage.servers import running
from tests.web.house import House, open_house
from tests.web.office import Office, open_office


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as found:
        yield found


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Redis for the sessions of all console tests."""
    with running(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
async def redis(redis_server: str) -> AsyncIterator[Redis]:
    client = connect(redis_server)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
async def office(redis: Redis) -> AsyncIterator[Office]:
    """A console whose lanes are stepped by the test."""
    async with open_office(redis) as found:
        yield found


@pytest.fixture
async def busy(redis: Redis) -> AsyncIterator[Office]:
    """A console with a worker beside it."""
    async with open_office(redis, work=True) as found:
        yield found
