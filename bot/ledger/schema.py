"""Bringing a database to the tables this Relais knows, by Alembic, under a lock."""

from __future__ import annotations

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from bot.ledger.engine import Ledger, open_ledger
from bot.ports import Unavailable

_LOCK = 4_102_021
"""Number of the advisory lock on PostgreSQL; any number that nobody else uses."""


def configuration(connection: Connection) -> Config:
    """Alembic's settings for an open connection: there is no alembic.ini to keep in step."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


async def upgrade_to_head(url: str) -> None:
    """Create or bring up the tables; processes that start together wait for the first. Raises Unavailable."""
    ledger = open_ledger(url)
    try:
        for wait in (0.1, 0.2, 0.4, 0.8, 1.6):
            try:
                return await upgrade(ledger)
            except Unavailable:
                # A new SQLite file turns to WAL under a lock that knows no busy time-out.
                await asyncio.sleep(wait)
        await upgrade(ledger)
    finally:
        await ledger.close()


async def upgrade(ledger: Ledger, revision: str = "head") -> None:
    """The same for an open ledger. All of it in one transaction: a crash leaves the old tables."""
    async with ledger.writing() as connection:
        # On SQLite BEGIN IMMEDIATE is the lock.
        if ledger.dialect == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        await connection.run_sync(lambda sync: command.upgrade(configuration(sync), revision))
