"""Addresses: one form for one person, and homes that do not depend on how a number was typed."""

from __future__ import annotations

import json
from pathlib import Path

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.addresses import (
    PARTITIONS,
    Address,
    ChannelName,
    Scheme,
    home_lane,
    normalise_msisdn,
    of_phone,
    parse,
    partition_of,
)

SPEC = Path(__file__).parent.parent / "specs" / "ci_numbering_change_2021.json"

SPELLINGS = [
    ("07 00 00 00 01", "+2250700000001"),
    ("00225 07 00 00 00 01", "+2250700000001"),
    ("2250700000001", "+2250700000001"),
    ("+225 07-00-00-00-01", "+2250700000001"),
    ("(07) 00.00.00.01", "+2250700000001"),
    ("07000001", "+2250707000001"),
    ("+22507000001", "+2250707000001"),
    ("22505000001", "+2250505000001"),
    ("01 23 45 67", "+2250101234567"),
    ("+33 6 12 34 56 78", "+33612345678"),
    ("12", None),
    ("", None),
    ("bonjour", None),
    ("+225", None),
]


@pytest.mark.parametrize(("raw", "expected"), SPELLINGS)
def test_a_number_is_one_number_however_it_is_written(raw: str, expected: str | None) -> None:
    assert normalise_msisdn(raw) == expected


def _mobile_prefixes() -> list[tuple[str, str]]:
    rows = json.loads(SPEC.read_text(encoding="utf-8"))["rows"]
    return [(row["old"], row["new"]) for row in rows if row["mobile"]]


@pytest.mark.parametrize(("old", "new"), _mobile_prefixes())
def test_every_mobile_number_of_before_2021_is_mapped_as_the_notice_says(old: str, new: str) -> None:
    assert normalise_msisdn(f"+225{old}123456") == f"+225{new}{old}123456"


def test_the_notice_has_all_its_mobile_prefixes() -> None:
    assert len(_mobile_prefixes()) == 56


ADDRESSES = [
    ("whatsapp:+22507000001", "whatsapp:+2250707000001"),
    ("whatsapp: 2250700000001", "whatsapp:+2250700000001"),
    ("whatsapp:CI.a1B2", "whatsapp:CI.a1B2"),
    ("tel:0700000001", "tel:+2250700000001"),
    ("telegram:4242", "telegram:4242"),
    ("web:0a1b", "web:0a1b"),
    ("tel:CI.a1B2x", None),
    ("fax:+2250700000001", None),
    ("+2250700000001", None),
    ("web:", None),
    ("telegram:a b", None),
]


@pytest.mark.parametrize(("text", "expected"), ADDRESSES)
def test_an_address_is_read_into_its_one_form(text: str, expected: str | None) -> None:
    address = parse(text)
    assert (str(address) if address else None) == expected


@given(st.text(max_size=40))
def test_reading_what_was_written_changes_nothing(text: str) -> None:
    for scheme in Scheme:
        address = parse(f"{scheme}:{text}")
        if address is not None:
            assert parse(str(address)) == address


@given(st.text(max_size=30))
def test_normalising_twice_is_normalising_once(text: str) -> None:
    number = normalise_msisdn(text)
    assert number is None or normalise_msisdn(number) == number


@given(st.from_regex(r"0[157][0-9]{8}", fullmatch=True))
def test_all_ways_to_write_a_number_share_one_home(number: str) -> None:
    spellings = [number, f"+225{number}", f"00225{number}", f"225{number}", " ".join(number)]
    homes = {home_lane("awa", address) for s in spellings if (address := of_phone(Scheme.TEL, s))}
    assert len(homes) <= 1


def test_a_form_that_is_not_normalised_is_refused() -> None:
    with pytest.raises(ValueError, match="normalised"):
        Address(Scheme.TEL, "0700000001")


def test_a_hidden_number_has_no_phone() -> None:
    assert Address(Scheme.WHATSAPP, "CI.a1B2").msisdn is None
    assert Address(Scheme.WHATSAPP, "+2250700000001").msisdn == "+2250700000001"
    assert Address(Scheme.TEL, "+2250700000001").channel is ChannelName.SMS


def test_homes_differ_by_shop_and_name_their_partition() -> None:
    address = Address(Scheme.TEL, "+2250700000001")
    assert home_lane("awa", address) != home_lane("koffi", address)
    partitions = {partition_of(home_lane("awa", f"tel:{n}")) for n in range(2000)}
    assert partitions == set(range(PARTITIONS))


@given(st.from_regex(r"\+2250[0-9]{9}", fullmatch=True))
def test_the_short_way_for_mobile_numbers_says_what_the_library_says(number: str) -> None:
    valid = phonenumbers.is_valid_number(phonenumbers.parse(number))
    assert normalise_msisdn(number) == (number if valid else None)
