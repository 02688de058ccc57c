"""What an operator types: ``relais shops check|import`` and ``relais keys create``."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.cli import main
from bot.ledger.catalogue import LedgerCatalogue, put_product
from bot.ledger.engine import open_ledger
from bot.ledger.keys import LedgerKeys, VerifiedKey
from tests.ledger.samples import PRODUCTS_CSV, SHOP, write_shop


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Shops and data of their own; returns the shops' folder."""
    for name in ("DATABASE_URL", "REDIS_URL", "PORT", "PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RELAIS_SHOPS", str(tmp_path / "shops"))
    monkeypatch.setenv("RELAIS_DATA", str(tmp_path / "var"))
    return write_shop(tmp_path / "shops")


def address(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder.parent}/var/relais.db"


def test_check_says_what_is_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shops", "check"]) == 0
    assert capsys.readouterr().out == "chez-test: 3 products, 2 zones\n"


def test_check_says_what_is_wrong(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_shop(folder, products=PRODUCTS_CSV.replace("9000", "cher"))

    assert main(["shops", "check"]) == 2
    assert capsys.readouterr().err.startswith("chez-test/products.csv:4:price_xof: ")


def test_check_for_serving_asks_for_secrets(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shops", "check", "--serve"]) == 2
    assert "chez-test/shop.yml:13:18: TEST_SID is not set" in capsys.readouterr().err


def test_import_says_what_it_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def change() -> None:
        ledger = open_ledger(address(folder))
        catalogue = LedgerCatalogue(ledger)
        (_, robe, _) = await catalogue.catalogue(SHOP)
        await put_product(ledger, SHOP, replace(robe, price_xof=999), by="console")
        await ledger.close()

    assert main(["shops", "import"]) == 0
    asyncio.run(change())
    write_shop(folder, products=PRODUCTS_CSV + "\n")
    assert main(["shops", "import"]) == 0
    assert main(["shops", "import"]) == 0
    assert main(["shops", "import", "--replace"]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "chez-test: imported",
        "chez-test: imported",
        "chez-test: kept product robe price_xof as it was changed here (--replace overwrites)",
        "chez-test: unchanged",
        "chez-test: imported",
    ]


def test_a_key_stands_alone_on_the_last_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["shops", "import"])
    assert main(["keys", "create", "--shop", SHOP, "--name", "caisse", "--scope", "orders:read"]) == 0
    key = capsys.readouterr().out.splitlines()[-1]

    async def verify() -> VerifiedKey | None:
        ledger = open_ledger(address(folder))
        try:
            return await LedgerKeys(ledger).verify(key)
        finally:
            await ledger.close()

    found = asyncio.run(verify())
    assert found is not None
    assert (found.shop_id, found.scopes) == (SHOP, {"orders:read"})


@pytest.mark.parametrize(
    ("shop", "scope", "told"),
    [("inconnue", "orders:read", "no shop inconnue"), (SHOP, "tout", "unknown scope tout")],
)
def test_a_key_for_nothing_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], shop: str, scope: str, told: str
) -> None:
    main(["shops", "import"])

    assert main(["keys", "create", "--shop", shop, "--name", "x", "--scope", scope]) == 2
    assert told in capsys.readouterr().err


def test_keys_are_listed_rotated_and_revoked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["shops", "import"])
    main(["keys", "create", "--shop", SHOP, "--name", "caisse", "--days", "30", "--rate", "60"])
    first = capsys.readouterr().out.strip().splitlines()[-1]
    main(["keys", "list", "--shop", SHOP])
    listed = capsys.readouterr().out.strip()
    assert "caisse" in listed and "60/min" in listed and first not in listed
    key_id = listed.split()[0]
    assert main(["keys", "rotate", "--shop", SHOP, "--id", key_id]) == 0
    assert capsys.readouterr().out.strip().splitlines()[-1] != first
    assert main(["keys", "revoke", "--shop", SHOP, "--id", key_id]) == 0
    assert main(["keys", "revoke", "--shop", SHOP, "--id", "key_none"]) == 2
