"""A ledger on each database: tests that take ``ledger`` run on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.ledger.engine import Ledger, open_ledger
from bot.ledger.schema import upgrade
from tests.ledger import servers


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a PostgreSQL server. Without one the tests are skipped, but never in CI."""
    programs = servers.find_programs()
    if programs is None:
        if os.environ.get("CI"):
            raise RuntimeError("CI must have a PostgreSQL server")
        pytest.skip("no PostgreSQL server is installed")
    with servers.running(programs) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """Address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}"
        return
    server: str = request.getfixturevalue("postgres")
    schema = f"test_{secrets.token_hex(6)}"
    admin = open_ledger(server)
    async with admin.writing() as connection:
        await connection.execute(text(f"CREATE SCHEMA {schema}"))
        await connection.execute(text(f"ALTER ROLE relais SET search_path = {schema}"))
    yield server
    async with admin.writing() as connection:
        await connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    await admin.close()


@pytest.fixture
async def empty(url: str) -> AsyncIterator[Ledger]:
    """A ledger without tables."""
    ledger = open_ledger(url)
    yield ledger
    await ledger.close()


@pytest.fixture
async def ledger(empty: Ledger) -> Ledger:
    """A ledger with all tables, empty."""
    await upgrade(empty)
    return empty


@pytest.fixture
async def rival(url: str) -> AsyncIterator[Ledger]:
    """The same ledger as another process has it open."""
    ledger = open_ledger(url)
    yield ledger
    await ledger.close()
