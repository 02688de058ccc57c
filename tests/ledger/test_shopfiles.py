"""A shop's files: everything wrong is told with file, line and column; secrets stay out of the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.channels.accounts import TelegramAccount, TwilioAccount
from bot.core.addresses import ChannelName
from bot.core.catalogue import Product
from bot.core.hours import is_open, opens_at
from bot.ledger.csv_files import read_products, write_products
from bot.ledger.problems import Problem, ShopFilesError
from bot.ledger.shopfiles import load_accounts, load_payment_accounts, read_shops
from bot.ledger.shops import week
from bot.payments.accounts import WaveAccount
from tests.ledger.samples import ENVIRONMENT, PRODUCTS_CSV, SHOP_YML, ZONES_CSV, write_shop

MONDAY = datetime(2026, 11, 23, tzinfo=UTC).timestamp()
DEMO = Path(__file__).resolve().parents[2] / "shops"


def problems(folder: Path, **files: str) -> list[str]:
    """What is wrong with the sample shop so changed."""
    with pytest.raises(ShopFilesError) as raised:
        read_shops(write_shop(folder, **files))
    return [str(problem) for problem in raised.value.problems]


def test_a_picture_of_nothing_that_is_sold_is_told(tmp_path: Path) -> None:
    photos = write_shop(tmp_path) / "chez-test" / "photos"
    photos.mkdir()
    for name in ("bottes.jpg", "sac.gif", "sac.jpg", "sac.png"):
        (photos / name).write_bytes(b"")
    assert problems(tmp_path) == [
        "chez-test/photos/bottes.jpg:1:1: no product of this name in products.csv",
        "chez-test/photos/sac.gif:1:1: must be a JPEG, PNG or WebP",
        "chez-test/photos/sac.png:1:1: its product has another picture",
    ]


def test_the_three_demo_shops_are_good() -> None:
    shops = read_shops(DEMO)

    assert [shop.id for shop in shops] == ["awa-mode", "coton-doux", "zoe-accessoires"]
    assert all(shop.products and shop.zones and shop.form.alerts for shop in shops)


def test_the_hours_of_the_demo_shops_are_read_at_any_hour_of_the_week() -> None:
    for shop in read_shops(DEMO):
        spans = week(shop.form.model_dump(mode="json"))
        hours = [MONDAY + hour * 3600.0 for hour in range(7 * 24)]
        assert any(is_open(spans, shop.form.timezone, now) for now in hours)
        for now in hours:
            opens = opens_at(spans, shop.form.timezone, now)
            assert (opens is None) is is_open(spans, shop.form.timezone, now)


def test_a_day_without_a_span_is_closed() -> None:
    spans = week({"hours": {"mon": "08:00-19:30", "tue": ""}})
    assert not is_open(spans, "Africa/Abidjan", MONDAY + 36 * 3600.0)
    assert opens_at(spans, "Africa/Abidjan", MONDAY + 36 * 3600.0) == MONDAY + (7 * 24 + 8) * 3600.0


def test_a_shop_is_read_whole(tmp_path: Path) -> None:
    (shop,) = read_shops(write_shop(tmp_path))

    assert [product.id for product in shop.products] == ["foulard", "robe", "sac"]
    assert shop.products[1].options == (("taille", ("S", "M", "L")),)
    assert (shop.products[1].stock, shop.products[2].stock) == (3, None)
    assert shop.zones[0].aliases == ("Angré", "Riviera")
    assert list(shop.form.payments.offered()) == ["cash", "wave"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("tagline:", "taglin:", "chez-test/shop.yml:3:1: taglin: unknown key"),
        ("two_way: false", "two_ways: false", "chez-test/shop.yml:16:49: channels.sms.two_ways: unknown key"),
        (
            'phone: "+2250700000199"',
            'phone: "0700000199"',
            'chez-test/shop.yml:5:8: phone: not a phone number in the form "+2250700000000"',
        ),
        (
            "payments:\n  cash: true",
            "payments:\n  cash: 1",
            "chez-test/shop.yml:7:9: payments.cash: input should be a valid boolean",
        ),
        ("id: chez-test", "id: autre", "chez-test/shop.yml:1:5: must be the folder's name, chez-test"),
        ("name: Chez Test", "id: autre", "chez-test/shop.yml:2:1: id: twice"),
        (
            'quiet_hours: "21:30-07:00"',
            "quiet_hours: toujours",
            'chez-test/shop.yml:21:64: failover.quiet_hours: not a span of time like "08:00-19:30", nor empty',
        ),
        (
            "[whatsapp, telegram, web, sms]",
            "[whatsapp, fax]",
            "chez-test/shop.yml:21:30: failover.order.1: input should be 'whatsapp', 'telegram', 'web' or 'sms'",
        ),
        (
            "two_way: false",
            "two_way: true",
            "chez-test/shop.yml:16:58: a sender name cannot be answered: two_way must be false",
        ),
        ("name: Chez Test", "name: [", "chez-test/shop.yml:4:1: expected"),
    ],
)
def test_a_wrong_key_or_value_is_told_with_line_and_column(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    found = problems(tmp_path, shop=SHOP_YML.replace(old, new, 1))

    assert any(problem.startswith(expected) for problem in found), found


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("Robe,Robe,robes,,,100,,", "4:product_id: small letters, digits and single hyphens only"),
        ("jupe,,robes,,,100,,", "4:name: 1 to 100 characters"),
        ("jupe,Jupe,robes,,,12 500,,", "4:price_xof: not a whole number from 0 to 100000000"),
        ("jupe,Jupe,robes,,,100,,-1", "4:stock: not a whole number from 0 to 1000000"),
        ("jupe,Jupe,robes,,,100,S|M,", '4:options: must read like "taille=S|M;couleur=rouge|bleu"'),
        ("jupe,Jupe,robes,,,100,t=S;t=M,", "4:options: t: twice"),
        ("jupe,Jupe,robes,,,100", "4:row: 6 cells, there must be 8"),
        ("robe,Robe,robes,,,100,,", "4:product_id: robe: twice"),
    ],
)
def test_a_wrong_cell_is_told_with_line_and_column(tmp_path: Path, row: str, expected: str) -> None:
    lines = PRODUCTS_CSV.splitlines()
    found = problems(tmp_path, products="\n".join([*lines[:3], row]))

    assert found == [f"chez-test/products.csv:{expected}"]


def test_lines_are_counted_over_cells_that_hold_several(tmp_path: Path) -> None:
    lines = PRODUCTS_CSV.splitlines()
    long = 'jupe,Jupe,robes,"Longue\net large",,100,,'

    found = problems(tmp_path, products="\n".join([lines[0], long, "", "veste,Veste,vestes,,,cher,,"]))

    assert found == ["chez-test/products.csv:5:price_xof: not a whole number from 0 to 100000000"]


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        shop=SHOP_YML.replace("cash: true", "cash: oui").replace("language", "langue"),
        products=PRODUCTS_CSV.replace("9000", "neuf mille"),
        zones=ZONES_CSV.replace("eta_text", "delai"),
    )

    assert [line.split(":")[0] for line in found] == [
        "chez-test/shop.yml",
        "chez-test/products.csv",
        "chez-test/zones.csv",
    ]


def test_a_missing_file_and_one_that_is_not_utf_8_are_told(tmp_path: Path) -> None:
    write_shop(tmp_path)
    (tmp_path / "chez-test" / "zones.csv").unlink()
    (tmp_path / "chez-test" / "products.csv").write_bytes(b"product_id\nchaus\xe9e")
    with pytest.raises(ShopFilesError) as raised:
        read_shops(tmp_path)

    assert raised.value.problems == (
        Problem("chez-test/products.csv", 2, 1, "not UTF-8"),
        Problem("chez-test/zones.csv", 1, 1, "missing"),
    )


def test_serving_needs_every_secret(tmp_path: Path) -> None:
    write_shop(tmp_path, shop=SHOP_YML.replace("auth_token: jeton", 'auth_token: ""'))
    with pytest.raises(ShopFilesError) as raised:
        read_shops(tmp_path, {"TEST_SID": "AC0", "TEST_TOKEN": ""}, serve=True)

    assert [str(problem) for problem in raised.value.problems] == [
        "chez-test/shop.yml:14:18: TEST_TOKEN is not set",
        "chez-test/shop.yml:19:12: TEST_TELEGRAM is not set",
        "chez-test/shop.yml:16:110: sms: auth_token is empty",
    ]


def test_accounts_hold_the_secrets(tmp_path: Path) -> None:
    accounts = load_accounts(write_shop(tmp_path), ENVIRONMENT)

    assert list(accounts.values()) == [
        {
            ChannelName.WHATSAPP: TwilioAccount(
                    "AC0", ("nouveau", "ancien"), "+2250700000190", canary_template="HX1"
                ),
            ChannelName.SMS: TwilioAccount("AC1", ("jeton",), "CHEZ TEST", two_way=False, price_xof=35),
            ChannelName.TELEGRAM: TelegramAccount("123:abc", "secret_1", "chez_test_bot"),
        }
    ]


def test_without_its_secrets_a_channel_is_left_out(tmp_path: Path) -> None:
    (found,) = load_accounts(write_shop(tmp_path), {}, serve=False).values()

    assert list(found) == [ChannelName.SMS]


def test_no_secret_is_shown_or_kept(tmp_path: Path) -> None:
    (shop,) = read_shops(write_shop(tmp_path), ENVIRONMENT)

    for text in (repr(shop), repr(shop.form), str(shop.form.settings())):
        assert not any(secret in text for secret in ("nouveau", "ancien", "jeton", "123:abc", "secret_1"))


def with_wave(folder: Path, more: str) -> Path:
    return write_shop(folder, shop=SHOP_YML.replace('"Gardez le reçu"}', f'"Gardez le reçu", {more}}}'))


def test_a_wave_account_has_one_webhook_secret_or_several_and_keeps_them_to_itself(tmp_path: Path) -> None:
    folder = with_wave(tmp_path, "api_key: wave_cle, webhook_secret: [wave_neuf, wave_vieux]")
    assert load_payment_accounts(folder, ENVIRONMENT) == {
        "chez-test": {"wave": WaveAccount("wave_cle", ("wave_neuf", "wave_vieux"))}
    }
    (shop,) = read_shops(folder, ENVIRONMENT)
    assert shop.form.settings()["payments"]["wave"] == {"to": "+2250700000199", "instructions": "Gardez le reçu", "link": True}
    assert not any(word in repr(shop) for word in ("wave_cle", "wave_neuf", "wave_vieux"))


def test_a_shop_without_a_wave_key_is_paid_by_hand(tmp_path: Path) -> None:
    (shop,) = read_shops(write_shop(tmp_path), ENVIRONMENT)
    assert shop.form.settings()["payments"]["wave"] == {"to": "+2250700000199", "instructions": "Gardez le reçu"}
    assert load_payment_accounts(tmp_path, ENVIRONMENT) == {}


def test_half_a_wave_account_is_told_without_the_half(tmp_path: Path) -> None:
    with pytest.raises(ShopFilesError) as raised:
        read_shops(with_wave(tmp_path, "api_key: wave_cle"), ENVIRONMENT)
    (problem,) = map(str, raised.value.problems)
    assert "api_key and webhook_secret go together" in problem and "wave_cle" not in problem


def test_products_survive_a_spreadsheet() -> None:
    nasty = Product(
        "a", "=1+1", "-c", '@x, "y"\nz', ("'a", "b"), 5, (("taille", ("S", "M")), ("c", ("r",))), None
    )
    wrong: list[Problem] = []

    text = write_products([nasty])

    assert not any(cell.startswith(("=", "-", "@")) for cell in text.splitlines()[1].split(","))
    assert (read_products("p", text, wrong), wrong) == ([nasty], [])
