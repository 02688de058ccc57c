"""Files seed a shop; what the ledger changed itself wins until somebody says otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from bot import channels
from bot.channels.accounts import WebAccount
from bot.channels.content import MemoryContentCache
from bot.core.addresses import ChannelName, ShopId
from bot.core.shops import Policy
from bot.ledger import photo_changes
from bot.ledger.catalogue import LedgerCatalogue, put_product, put_zone
from bot.ledger.engine import Ledger
from bot.ledger.importing import Imported, import_shops
from bot.ledger.orders import LedgerOrders
from bot.ledger.problems import ShopFilesError
from bot.ledger.shopfiles import load_accounts
from bot.ledger.shops import LedgerShops
from bot.ledger.times import utc_now
from tests.ledger.samples import (
    ENVIRONMENT,
    PRODUCTS_CSV,
    SHOP,
    SHOP_YML,
    ZONES_CSV,
    open_shop,
    request,
    stock_of,
    write_shop,
)


async def test_the_catalogue_reads_as_the_file_was_written(ledger: Ledger, tmp_path: Path) -> None:
    await open_shop(ledger, tmp_path)
    catalogue = LedgerCatalogue(ledger)

    products, zones = await catalogue.catalogue(SHOP), await catalogue.zones(SHOP)

    assert [(product.id, product.stock) for product in products] == [
        ("foulard", 10),
        ("robe", 3),
        ("sac", None),
    ]
    assert (products[1].options, products[0].aliases) == (
        (("taille", ("S", "M", "L")),),
        ("foular", "foulards"),
    )
    assert [(zone.commune, zone.fee_xof) for zone in zones] == [("Cocody", 1500), ("Yopougon", 2000)]


async def test_the_same_files_are_not_imported_twice(ledger: Ledger, tmp_path: Path) -> None:
    first = await import_shops(ledger, write_shop(tmp_path))
    again = await import_shops(ledger, tmp_path)

    assert (first, again) == ([Imported(SHOP, changed=True)], [Imported(SHOP, changed=False)])


async def test_pictures_beside_the_files_are_the_products_until_a_vendor_changes_them(
    ledger: Ledger, tmp_path: Path
) -> None:
    async def pictured() -> dict[str, str]:
        products = await LedgerCatalogue(ledger).catalogue(SHOP)
        return {product.id: product.photo.removesuffix(product.photo[-16:]) for product in products if product.photo}

    folder = write_shop(tmp_path) / SHOP
    draw(folder, "robe.png", "red")
    draw(folder, "sac.jpg", "blue")
    await import_shops(ledger, tmp_path)
    first = await pictured()
    await photo_changes.drop(ledger, SHOP, "robe", "awa", utc_now())
    draw(folder, "robe.png", "green")
    [again] = await import_shops(ledger, tmp_path)

    assert first == {"robe": "/photos/chez-test/robe/", "sac": "/photos/chez-test/sac/"}
    assert (again.changed, again.kept, list(await pictured())) == (True, ("product robe photo",), ["sac"])
    await import_shops(ledger, tmp_path, replace=True)
    assert set(await pictured()) == {"robe", "sac"}


def draw(folder: Path, name: str, colour: str) -> None:
    (folder / "photos").mkdir(exist_ok=True)
    Image.new("RGB", (20, 20), colour).save(folder / "photos" / name)


async def test_a_picture_that_cannot_be_read_is_told_and_nothing_is_written(ledger: Ledger, tmp_path: Path) -> None:
    folder = write_shop(tmp_path) / SHOP
    (folder / "photos").mkdir()
    (folder / "photos" / "sac.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ShopFilesError, match=r"photos/sac\.jpg"):
        await import_shops(ledger, tmp_path)
    assert await LedgerCatalogue(ledger).catalogue(SHOP) == []


async def test_stock_counts_on_first_import_only(ledger: Ledger, tmp_path: Path) -> None:
    await open_shop(ledger, tmp_path)
    await LedgerOrders(ledger).place(request("b1"))
    write_shop(tmp_path, products=PRODUCTS_CSV.replace("2500,,10", "2600,,50"))

    await import_shops(ledger, tmp_path, replace=True)

    (foulard, *_) = await LedgerCatalogue(ledger).catalogue(SHOP)
    assert (foulard.price_xof, foulard.stock) == (2600, 9)


async def test_a_price_changed_here_outranks_the_file_and_is_said(ledger: Ledger, tmp_path: Path) -> None:
    await open_shop(ledger, tmp_path)
    catalogue = LedgerCatalogue(ledger)
    (foulard, *_) = await catalogue.catalogue(SHOP)
    await put_product(ledger, SHOP, replace(foulard, price_xof=3000), by="console")
    write_shop(tmp_path, products=PRODUCTS_CSV.replace("2500,,10", "2600,,10").replace("foular|", "foulare|"))

    (done,) = await import_shops(ledger, tmp_path)

    (foulard, *_) = await catalogue.catalogue(SHOP)
    assert done.kept == ("product foulard price_xof",)
    assert (foulard.price_xof, foulard.aliases) == (3000, ("foulare", "foulards"))


async def test_replace_overwrites_what_was_changed_here(ledger: Ledger, tmp_path: Path) -> None:
    await open_shop(ledger, tmp_path)
    catalogue = LedgerCatalogue(ledger)
    (cocody, *_) = await catalogue.zones(SHOP)
    await put_zone(ledger, SHOP, replace(cocody, fee_xof=900), by="console")

    (kept,) = await import_shops(ledger, write_shop(tmp_path, zones=ZONES_CSV + "\n"))
    (replaced,) = await import_shops(ledger, tmp_path, replace=True)

    assert (kept.kept, replaced.kept) == (("zone Cocody fee_xof",), ())
    assert (await catalogue.zones(SHOP))[0].fee_xof == 1500


async def test_what_the_file_no_longer_lists_is_no_longer_sold(ledger: Ledger, tmp_path: Path) -> None:
    await open_shop(ledger, tmp_path)
    catalogue = LedgerCatalogue(ledger)
    (foulard, *_) = await catalogue.catalogue(SHOP)
    await put_product(ledger, SHOP, replace(foulard, id="ici", name="Fait ici"), by="rest")
    lines = PRODUCTS_CSV.splitlines()

    await import_shops(ledger, write_shop(tmp_path, products="\n".join(lines[:2])))

    assert [product.id for product in await catalogue.catalogue(SHOP)] == ["foulard", "ici"]


async def test_what_was_withdrawn_comes_back_with_the_file(ledger: Ledger, tmp_path: Path) -> None:
    await open_shop(ledger, tmp_path)
    await import_shops(ledger, write_shop(tmp_path, products="\n".join(PRODUCTS_CSV.splitlines()[:2])))
    await import_shops(ledger, write_shop(tmp_path))

    assert [product.id for product in await LedgerCatalogue(ledger).catalogue(SHOP)] == [
        "foulard",
        "robe",
        "sac",
    ]


async def test_a_stock_set_here_is_kept_and_counted(ledger: Ledger, tmp_path: Path) -> None:
    await open_shop(ledger, tmp_path)
    catalogue = LedgerCatalogue(ledger)
    (foulard, *_) = await catalogue.catalogue(SHOP)

    made = await put_product(ledger, SHOP, replace(foulard, stock=25), by="console")

    assert made is not None
    assert (made.made, made.item["stock"], await stock_of(ledger, "foulard")) == (False, 25, 25)


async def test_the_core_shop_has_policy_and_accounts(ledger: Ledger, tmp_path: Path) -> None:
    await open_shop(ledger, tmp_path)
    accounts = load_accounts(tmp_path, ENVIRONMENT)

    shop = await LedgerShops(ledger, accounts).get(ShopId(SHOP))

    assert shop is not None
    assert (shop.name, shop.phone, shop.templates) == ("Chez Test", "+2250700000199", {"resume": "HX1"})
    assert shop.policy == Policy(quiet_hours=("21:30", "07:00"))
    assert (shop.sms_two_way, shop.sms_price_xof, shop.telegram_username) == (False, 35, "chez_test_bot")


async def test_account_keys_are_those_of_the_channels(ledger: Ledger, tmp_path: Path) -> None:
    await open_shop(ledger, tmp_path)
    accounts = load_accounts(tmp_path, ENVIRONMENT)
    shop = await LedgerShops(ledger, accounts).get(ShopId(SHOP))
    assert shop is not None

    built = {}
    for name in ChannelName:
        account = accounts[shop.id].get(name, WebAccount())
        channel = channels.build(
            shop.id, name, account, public_url="https://a.example", content_cache=MemoryContentCache()
        )
        built[name] = channel.account
        await channel.close()

    assert shop.accounts == built


async def test_a_shop_is_read_again_after_five_seconds(ledger: Ledger, tmp_path: Path) -> None:
    await open_shop(ledger, tmp_path)
    clock = [0.0]
    shops = LedgerShops(ledger, {}, now=lambda: clock[0])
    names = []

    for seconds in (0.0, 4.9, 5.1):
        clock[0] = seconds
        shop = await shops.get(ShopId(SHOP))
        assert shop is not None
        names.append(shop.name)
        await import_shops(ledger, write_shop(tmp_path, shop=SHOP_YML.replace("Chez Test", "Chez Nous")))

    assert names == ["Chez Test", "Chez Test", "Chez Nous"]


@pytest.mark.parametrize("shop", ["inconnue", ""])
async def test_an_unknown_shop_is_none(ledger: Ledger, shop: str) -> None:
    assert await LedgerShops(ledger, {}).get(ShopId(shop)) is None
