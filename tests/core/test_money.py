"""Amounts as shoppers read them."""

import pytest

from bot.core.money import francs


@pytest.mark.parametrize(
    ("amount", "written"), [(0, "0 F"), (500, "500 F"), (5000, "5 000 F"), (1234567, "1 234 567 F")]
)
def test_amounts_have_ascii_spaces_between_thousands(amount: int, written: str) -> None:
    assert francs(amount) == written
    assert francs(amount).isascii()
