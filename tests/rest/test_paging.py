"""A walk through a list shows what was there at its beginning once, whatever is added and changed meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, update

from bot.ledger.engine import open_ledger
from bot.ledger.models import OrderRow, Shop
from bot.ledger.times import instant
from bot.web.ledger_port import BadCursor, OrderFilter, Window
from bot.web.ledger_reads import LedgerReads
from tests.rest.branch import Branch
from tests.web.house import _copied


def row(number: int, second: int) -> dict[str, object]:
    at = instant(1_790_000_000.0 + second)
    return {
        "id": f"ord_{number * 7919 % 1000:04d}", "shop_id": "s", "number": f"S-{number}", "basket_id": f"b{number}",
        "basket_version": 1, "turn_id": "t", "conversation_id": "c", "customer_id": "cu", "status": "confirmed",
        "name": None, "phone": None, "commune": "Cocody", "landmark": None, "fee_xof": 0, "payment_method": "cash",
        "payment_status": "unpaid", "items_total_xof": 0, "total_xof": 0, "channel": "api", "version": 1,
        "created_at": at, "updated_at": at,
    }  # fmt: skip


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    there=st.lists(st.integers(0, 4), min_size=1, max_size=20),
    limit=st.integers(1, 7),
    # Before each page: new orders (of this second or a later one), and one older order that changes.
    between=st.lists(st.tuples(st.lists(st.integers(4, 6), max_size=3), st.integers(0, 40)), max_size=12),
)
def test_a_walk_skips_and_doubles_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    there: list[int],
    limit: int,
    between: list[tuple[list[int], int]],
) -> None:
    folder = tmp_path_factory.mktemp("walk")

    async def walk() -> tuple[list[str], list[str]]:
        ledger = open_ledger(f"sqlite+aiosqlite:///{_copied(Path(folder))}")
        reads = LedgerReads(ledger)
        first = [row(number, second) for number, second in enumerate(there)]
        async with ledger.writing() as connection:
            await connection.execute(
                insert(Shop).values(id="s", settings={}, created_at=instant(0.0), updated_at=instant(0.0))
            )
            await connection.execute(insert(OrderRow), first)
        seen: list[str] = []
        cursor, number, steps = None, len(there), iter(between)
        while True:
            page = await reads.orders("s", Window(limit, cursor))
            seen += [str(order["id"]) for order in page.items]
            if page.next_cursor is None:
                break
            cursor = page.next_cursor
            added, changed = next(steps, ([], 0))
            async with ledger.writing() as connection:
                for second in added:
                    await connection.execute(insert(OrderRow).values(**row(number, 10 + second)))
                    number += 1
                again = update(OrderRow).where(OrderRow.number == f"S-{changed}")
                await connection.execute(again.values(updated_at=instant(1_800_000_000.0), status="packed"))
        await ledger.close()
        return seen, [str(order["id"]) for order in first]

    seen, first = asyncio.run(walk())
    assert len(seen) == len(set(seen))
    assert set(first) <= set(seen)


async def test_a_cursor_is_good_for_its_own_list_and_filter_only(branch: Branch) -> None:
    reads = LedgerReads(branch.ledger)
    page = await reads.products("awa-mode", Window(1))
    with pytest.raises(BadCursor):
        await reads.orders("awa-mode", Window(1, page.next_cursor))
    with pytest.raises(BadCursor):
        await reads.orders("awa-mode", Window(1, page.next_cursor), OrderFilter(status="packed"))
