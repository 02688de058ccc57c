"""One way to reach the ledger's database: transactions, time-outs, and its troubles told as ``ports.Unavailable``."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.metrics import METRICS
from bot.ports import Unavailable

BUSY_SECONDS = 5
ATTEMPTS = 3
"""Of a transaction that PostgreSQL ended for a rival's sake."""

_TO_REPEAT = ("40P01", "40001")
"""deadlock_detected, serialization_failure."""
_NO_TABLE = "42P01"
"""undefined_table: the ledger is not prepared yet, which the gateway does not wait for."""

T = TypeVar("T")


class Ledger:
    """An open ledger. Make it with ``open_ledger``; one per process."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._readers = engine.execution_options(read_only=True)
        # SQLite's busy time-out is unfair polling: within a process writers queue up instead.
        self._queue = asyncio.Lock() if engine.dialect.name == "sqlite" else None

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    @property
    def version(self) -> str:
        """For readiness: SQLite before 3.51.3 may corrupt a database with several writers (its WAL-reset bug)."""
        return f"sqlite {sqlite3.sqlite_version}" if self.dialect == "sqlite" else self.dialect

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction for queries. Keep it short: a long one stops SQLite's checkpoints. Raises Unavailable."""
        with _told():
            async with self._readers.connect() as connection, connection.begin():
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed at the end, or rolled back by an exception. Raises Unavailable."""
        with _told():
            async with AsyncExitStack() as stack:
                if self._queue is not None:
                    await stack.enter_async_context(self._queue)
                yield await stack.enter_async_context(self._engine.begin())

    async def write(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Do the work in one transaction, again when a deadlock or a rival ended it. Raises Unavailable.

        ``work`` may run up to three times, so it must do nothing outside the transaction.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self.writing() as connection:
                    return await work(connection)
            except Unavailable as trouble:
                if attempt == ATTEMPTS or _state(trouble.__cause__) not in _TO_REPEAT:
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.dispose()


def open_ledger(url: str, *, pool_size: int = 8) -> Ledger:
    """Open the ledger at ``sqlite+aiosqlite:///file`` or ``postgresql+psycopg://...``. Connects at the first use."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        if address.database and address.database != ":memory:":
            Path(address.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_async_engine(address)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    else:
        # A dead connection is found before it is used; a statement that waits for a lock gives up like SQLite does.
        engine = create_async_engine(
            address,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=BUSY_SECONDS,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": BUSY_SECONDS,
                "options": f"-c lock_timeout={BUSY_SECONDS}s -c timezone=UTC",
            },
        )
    return Ledger(engine)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # None: the driver begins nothing by itself, ``_begin_sqlite`` does.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_SECONDS * 1000}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once whatever the busy time-out: writers say so first.
    reader = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if reader else "BEGIN IMMEDIATE")


@contextmanager
def _told() -> Iterator[None]:
    """Turn "cannot be reached", "is locked" and "was ended" into Unavailable; bugs stay what they are."""
    try:
        yield
    except (PoolTimeout, OSError) as error:
        METRICS.trouble.labels("ledger").inc()
        raise Unavailable("the ledger cannot be reached") from error
    except (OperationalError, InterfaceError) as error:
        missing = isinstance(error.orig, sqlite3.OperationalError) and str(error.orig).startswith("no such")
        if missing and "table" not in str(error.orig):
            raise
        METRICS.trouble.labels("ledger").inc()
        raise Unavailable(f"the ledger: {type(error.orig).__name__}") from error
    except DBAPIError as error:
        if not error.connection_invalidated and _state(error) not in (*_TO_REPEAT, _NO_TABLE):
            raise
        METRICS.trouble.labels("ledger").inc()
        raise Unavailable(f"the ledger: {type(error.orig).__name__}") from error


def _state(error: BaseException | None) -> str | None:
    """PostgreSQL's SQLSTATE, where there is one."""
    return getattr(getattr(error, "orig", None), "sqlstate", None)
