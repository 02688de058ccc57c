"""A key is shown once, stored as a digest, and good for its shop and scopes only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.ledger.engine import Ledger
from bot.ledger.keys import SCOPES, LedgerKeys, UnknownScope, make, well_formed
from bot.ledger.models import ApiKey
from bot.ledger.times import utc_now
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
