"""A key is shown once, stored as a digest, and good for its shop and scopes only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ledger.engine import Ledger
from bot.ledger.keys import SCOPES, LedgerKeys, UnknownScope, make, well_formed
from bot.ledger.models import ApiKey
from bot.ledger.times import utc_now
from bot.ports import Unavailable
from tests.ledger.samples import SHOP, open_shop


@pytest.fixture
async def shop(ledger: Ledger, tmp_path: Path) -> AsyncIterator[Ledger]:
    await open_shop(ledger, tmp_path / "shops")
    yield ledger


@pytest.mark.parametrize(("live", "prefix"), [(True, "relais_live_"), (False, "relais_test_")])
def test_a_key_has_its_shape_and_checksum(live: bool, prefix: str) -> None:
    key = make(live)

    assert key.startswith(prefix) and len(key) == len(prefix) + 38 and well_formed(key)
    wrong = key[:-10] + ("a" if key[-10] != "a" else "b") + key[-9:]
    assert not any(
        well_formed(word) for word in (wrong, key[:-1], key + "a", "", "relais_live_", "sk" + key[2:])
    )


async def test_a_good_key_opens_its_shop_with_its_scopes(shop: Ledger) -> None:
    keys = LedgerKeys(shop)
    some = await keys.verify(await keys.create(SHOP, "caisse", ("orders:read",), live=True))
    every = await keys.verify(await keys.create(SHOP, "tout", live=False))

    assert some is not None and every is not None
    assert (some.shop_id, some.scopes, every.scopes) == (SHOP, {"orders:read"}, set(SCOPES))


async def test_the_key_itself_is_stored_nowhere(shop: Ledger) -> None:
    key = await LedgerKeys(shop).create(SHOP, "caisse", live=True)

    async with shop.reading() as connection:
        row = (await connection.execute(select(ApiKey.__table__))).one()
    assert key[16:-4] not in str(tuple(row))
    assert (row.prefix, row.last4) == (key[:16], key[-4:])


async def test_unknown_expired_and_revoked_are_the_same(shop: Ledger) -> None:
    keys = LedgerKeys(shop)
    expired = await keys.create(SHOP, "a", live=True, expires_at=utc_now() - timedelta(seconds=1))
    revoked = await keys.create(SHOP, "b", live=True)
    async with shop.writing() as connection:
        await connection.execute(update(ApiKey).where(ApiKey.name == "b").values(revoked_at=utc_now()))

    assert [await keys.verify(key) for key in (expired, revoked, make(True), "relais_live_é", "")] == [
        None
    ] * 5


async def test_the_last_use_is_written_once_a_minute(shop: Ledger) -> None:
    keys = LedgerKeys(shop)
    key = await keys.create(SHOP, "caisse", live=True)

    async def last_used() -> object:
        async with shop.reading() as connection:
            return await connection.scalar(select(ApiKey.last_used_at))

    await keys.verify(key)
    first = await last_used()
    await keys.verify(key)

    assert first is not None
    assert await last_used() == first


async def test_an_unknown_scope_is_refused(shop: Ledger) -> None:
    with pytest.raises(UnknownScope, match="orders:destroy"):
        await LedgerKeys(shop).create(SHOP, "x", ("orders:destroy",), live=True)


async def test_a_rotated_key_works_on_for_the_overlap(shop: Ledger) -> None:
    keys = LedgerKeys(shop)
    ends = utc_now() + timedelta(days=30)
    old = await keys.create(SHOP, "caisse", ("orders:read",), live=True, expires_at=ends, rate_per_minute=7)
    (known,) = await keys.listed(SHOP)
    new = await keys.rotate(SHOP, known.id, timedelta(hours=1))

    assert new is not None
    before, after = [await keys.verify(key) for key in (old, new)]
    assert before is not None and after is not None
    assert (before.scopes, before.rate_per_minute) == (after.scopes, after.rate_per_minute)
    rotated, made = await keys.listed(SHOP)
    assert (rotated.replaced_by, made.expires_at) == (made.id, ends)
    assert rotated.expires_at is not None and rotated.expires_at < utc_now() + timedelta(hours=2)
    assert await keys.rotate(SHOP, known.id) is None


async def test_a_rotation_without_overlap_ends_the_old_key_at_once(shop: Ledger) -> None:
    keys = LedgerKeys(shop)
    old = await keys.create(SHOP, "caisse", live=True)
    (known,) = await keys.listed(SHOP)
    new = await keys.rotate(SHOP, known.id, timedelta(0))

    assert new is not None
    assert (await keys.verify(old), (await keys.verify(new)) is None) == (None, False)


async def test_a_revoked_key_is_listed_and_of_no_use(shop: Ledger) -> None:
    keys = LedgerKeys(shop)
    key = await keys.create(SHOP, "caisse", live=True)
    (known,) = await keys.listed(SHOP)

    assert [await keys.revoke(SHOP, known.id) for _ in range(2)] == [True, True]
    assert await keys.verify(key) is None
    assert (await keys.listed(SHOP))[0].revoked_at is not None


async def test_another_shops_key_can_be_neither_rotated_nor_revoked(shop: Ledger) -> None:
    keys = LedgerKeys(shop)
    key = await keys.create(SHOP, "caisse", live=True)
    (known,) = await keys.listed(SHOP)

    assert (await keys.rotate("autre", known.id), await keys.revoke("autre", known.id)) == (None, False)
    assert (await keys.verify(key), await keys.listed("autre")) != (None, [])


async def test_a_key_is_good_while_its_use_cannot_be_noted(shop: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process holds the write lock longer than anybody waits: reading by REST goes on."""
    keys = LedgerKeys(shop)
    key = await keys.create(SHOP, "caisse", live=True)
    asked = 0

    @asynccontextmanager
    async def locked() -> AsyncIterator[AsyncConnection]:
        nonlocal asked
        asked += 1
        raise Unavailable("ledger: database is locked")
        yield

    monkeypatch.setattr(shop, "writing", locked)
    assert [bool(await keys.verify(key)) for _ in range(3)] == [True] * 3
    assert asked == 1
