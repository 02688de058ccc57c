"""A ledger on each database: tests that take ``ledger`` run on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from bot.ledger.columns import Base
from bot.ledger.engine import Ledger, open_ledger
from bot.ledger.schema import upgrade_to_head
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
        yield f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
        return
    server: str = request.getfixturevalue("postgres")
    await _admin(server, "DROP DATABASE IF EXISTS empty", "CREATE DATABASE empty")
    yield server.replace("/postgres", "/empty")


@pytest.fixture
async def empty(url: str) -> AsyncIterator[Ledger]:
    """A ledger without tables."""
    ledger = open_ledger(url)
    yield ledger
    await ledger.close()


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, to be copied: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("tables") / "ledger.db"
    asyncio.run(upgrade_to_head(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgres_tables(postgres: str) -> str:
    """Address of a PostgreSQL database with all tables."""
    asyncio.run(_admin(postgres, "CREATE DATABASE tables"))
    url = postgres.replace("/postgres", "/tables")
    asyncio.run(upgrade_to_head(url))
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def tables_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of a database with all tables, empty."""
    if request.param == "sqlite":
        path = tmp_path / "ledger.db"
        shutil.copyfile(request.getfixturevalue("sqlite_tables"), path)
        return f"sqlite+aiosqlite:///{path}"
    url: str = request.getfixturevalue("postgres_tables")
    asyncio.run(_admin(url, f"TRUNCATE {', '.join(Base.metadata.tables)} RESTART IDENTITY"))
    return url


@pytest.fixture
async def ledger(tables_url: str) -> AsyncIterator[Ledger]:
    """A ledger with all tables, empty."""
    ledger = open_ledger(tables_url)
    yield ledger
    await ledger.close()


@pytest.fixture
async def rival(tables_url: str) -> AsyncIterator[Ledger]:
    """The same ledger as another process has it open."""
    ledger = open_ledger(tables_url)
    yield ledger
    await ledger.close()


async def _admin(url: str, *statements: str) -> None:
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()
