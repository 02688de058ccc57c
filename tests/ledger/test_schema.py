"""Migrations give exactly the tables of the models, up and down, also when processes start together."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, inspect, select
from sqlalchemy.exc import IntegrityError, StatementError

from bot.ledger.columns import Base
from bot.ledger.engine import Ledger
from bot.ledger.models import Shop, Zone
from bot.ledger.schema import configuration, upgrade, upgrade_to_head
from bot.ledger.search_index import is_engines

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


async def test_models_and_migrations_agree(ledger: Ledger) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"compare_type": True, "include_name": lambda name, *_: not is_engines(name)}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, Base.metadata))

    async with ledger.writing() as connection:
        found = await connection.run_sync(differences)

    assert found == []


async def test_down_leaves_nothing_behind(empty: Ledger) -> None:
    await upgrade(empty)
    async with empty.writing() as connection:
        await connection.run_sync(lambda sync: command.downgrade(configuration(sync), "base"))
        left = await connection.run_sync(lambda sync: inspect(sync).get_table_names())

    assert left == ["alembic_version"]


async def test_processes_that_start_together_migrate_once(url: str, empty: Ledger) -> None:
    await asyncio.gather(*(upgrade_to_head(url) for _ in range(4)))

    async with empty.reading() as connection:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    assert set(Base.metadata.tables) <= set(tables)


async def test_a_time_comes_back_as_aware_utc(ledger: Ledger) -> None:
    at = datetime(2026, 11, 24, 14, tzinfo=timezone(timedelta(hours=2)))
    async with ledger.writing() as connection:
        await connection.execute(insert(Shop).values(id="s", settings={}, created_at=at, updated_at=NOON))
    async with ledger.reading() as connection:
        found = await connection.scalar(select(Shop.created_at))

    assert (found, found and found.tzinfo) == (NOON, UTC)


async def test_a_naive_time_is_refused(ledger: Ledger) -> None:
    row = {"id": "s", "settings": {}, "created_at": datetime(2026, 11, 24), "updated_at": NOON}

    with pytest.raises(StatementError, match="a time without a zone"):
        async with ledger.writing() as connection:
            await connection.execute(insert(Shop).values(row))


async def test_a_negative_fee_is_refused(ledger: Ledger) -> None:
    shop = {"id": "s", "settings": {}, "created_at": NOON, "updated_at": NOON}
    zone = {
        "shop_id": "s", "commune": "Cocody", "position": 0, "aliases": [], "fee_xof": -1, "eta_text": "",
        "active": True, "version": 1,
    }  # fmt: skip

    with pytest.raises(IntegrityError):
        async with ledger.writing() as connection:
            await connection.execute(insert(Shop).values(shop))
            await connection.execute(insert(Zone).values(zone))
