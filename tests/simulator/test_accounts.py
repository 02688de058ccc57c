"""Invented secrets have the providers' shapes and stay the same."""

import re
from pathlib import Path

from bot.simulator.accounts import demo_environment, load_shops
from tests.simulator.stage import write_shops


def test_invented_values_have_the_providers_shapes(tmp_path: Path) -> None:
    values = demo_environment(write_shops(tmp_path / "shops"))
    shapes = {"_ACCOUNT_SID": r"AC[0-9a-f]{32}", "_AUTH_TOKEN": r"[0-9a-f]{32}",
              "_TELEGRAM_TOKEN": r"\d{10}:[A-Za-z0-9_-]{35}", "_TELEGRAM_SECRET": r"[A-Za-z0-9_-]{40,}"}
    assert len(values) == 8
    for name, value in values.items():
        assert re.fullmatch(next(shape for end, shape in shapes.items() if name.endswith(end)), value)


def test_same_shops_get_the_same_values(tmp_path: Path) -> None:
    first = demo_environment(write_shops(tmp_path / "one"))
    assert demo_environment(write_shops(tmp_path / "two")) == first
    assert len(set(first.values())) == len(first)


def test_environment_wins_over_invention(tmp_path: Path) -> None:
    shops = load_shops(write_shops(tmp_path / "shops"), {"SAC_TWILIO_AUTH_TOKEN": "0" * 32})
    tokens = {sender.auth_token for shop in shops if shop.id == "sac" for sender in shop.senders}
    assert tokens == {"0" * 32}
