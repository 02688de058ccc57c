"""What cannot be reached is Unavailable, what a rival ended is done again, and bugs stay what they are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ledger.engine import Ledger, open_ledger
from bot.ledger.models import Feed
from bot.ports import Unavailable


async def test_a_database_that_does_not_answer_is_unavailable() -> None:
    ledger = open_ledger("postgresql+psycopg://nobody@127.0.0.1:1/none")
    with pytest.raises(Unavailable):
        async with ledger.reading():
            raise AssertionError("not reached")
    await ledger.close()


async def test_a_ledger_that_is_not_prepared_yet_is_unavailable(empty: Ledger) -> None:
    with pytest.raises(Unavailable):
        async with empty.reading() as connection:
            await connection.execute(select(Feed.last))


async def test_a_missing_column_is_a_bug(ledger: Ledger) -> None:
    with pytest.raises((OperationalError, ProgrammingError)):
        async with ledger.reading() as connection:
            await connection.execute(text("SELECT absent FROM feed"))


async def test_an_exception_rolls_back(ledger: Ledger) -> None:
    with pytest.raises(LookupError):
        async with ledger.writing() as connection:
            await connection.execute(insert(Feed).values(shop_id="a", last=1))
            raise LookupError
    async with ledger.reading() as connection:
        assert (await connection.execute(select(Feed.last))).all() == []


async def test_sqlite_is_durable_and_readers_do_not_wait_for_writers(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite+aiosqlite:///{tmp_path}/new/ledger.db")
    async with ledger.writing() as writer:
        await writer.execute(text("CREATE TABLE t (n INTEGER)"))
        async with ledger.reading() as reader:
            assert (await reader.execute(text("SELECT count(*) FROM sqlite_master"))).scalar() == 0
            found = [
                (await reader.execute(text(f"PRAGMA {name}"))).scalar()
                for name in ("journal_mode", "synchronous")
            ]
    await ledger.close()

    assert found == ["wal", 2]
    assert ledger.version.startswith("sqlite 3.")


async def test_a_deadlock_is_done_again(postgres: str) -> None:
    ledger = open_ledger(postgres)
    async with ledger.writing() as connection:
        await connection.execute(text("CREATE TABLE IF NOT EXISTS public.locks (id int PRIMARY KEY, n int)"))
        await connection.execute(text("INSERT INTO public.locks VALUES (1, 0), (2, 0)"))
    tries = 0

    def both(first: int, second: int, met: asyncio.Barrier) -> Awaitable[None]:
        async def work(connection: AsyncConnection) -> None:
            nonlocal tries
            tries += 1
            lock = text("UPDATE public.locks SET n = n + 1 WHERE id = :id")
            await connection.execute(lock, {"id": first})
            if tries <= 2:
                await met.wait()
            await connection.execute(lock, {"id": second})

        return ledger.write(work)

    met = asyncio.Barrier(2)
    await asyncio.gather(both(1, 2, met), both(2, 1, met))

    async with ledger.writing() as connection:
        found = [row.n for row in await connection.execute(text("SELECT n FROM public.locks ORDER BY id"))]
        await connection.execute(text("DROP TABLE public.locks"))
    await ledger.close()
    assert found == [2, 2]
    assert tries >= 3  # one of them was the victim; a busy machine may make another


async def test_a_rival_process_waits_for_the_writer(ledger: Ledger, rival: Ledger) -> None:
    async with ledger.writing() as connection:
        await connection.execute(insert(Feed).values(shop_id="a", last=0))

    async def add(own: Ledger) -> None:
        async def work(connection: AsyncConnection) -> None:
            last = await connection.scalar(select(Feed.last).where(Feed.shop_id == "a").with_for_update())
            await connection.execute(update(Feed).values(last=(last or 0) + 1))

        await own.write(work)

    await asyncio.gather(*(add(own) for own in [ledger, rival] * 10))

    async with ledger.reading() as connection:
        assert await connection.scalar(select(Feed.last)) == 20
