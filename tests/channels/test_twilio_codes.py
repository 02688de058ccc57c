"""The table of Twilio's codes: complete, and never an outage where one shopper or one text is at fault."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from bot.channels.twilio_codes import TABLE, classify, table
from bot.core.failures import Certainty, Retry, Scope

SPEC = Path(__file__).parent.parent / "specs" / "twilio_error_codes_messaging_2023-05.json"

GROUPS = {
    Scope.CHANNEL: "500 502 503 504 12400 20500 20503 30020 30021 63009 63010 63011 63012 63023",
    Scope.THROTTLE: "429 20429 21611 30001 30017 63017 63018",
    Scope.SENDER: "20003 21212 21606 30002 63001 63002 63007 63008 63020 63022 63026 63038 63051",
    Scope.RECIPIENT: (
        "21211 21214 21408 21610 21612 21614 30003 30005 30006 30008 30036 63003 63005 63014 63015 63024 63032 "
        "63033 63036 63049 63062"
    ),
    Scope.WINDOW: "63016",
    Scope.CONTENT: (
        "21617 21654 21655 21656 30004 30007 63006 63013 63019 63021 63027 63028 63029 63030 63034 63037 63040 63041 63042 "
        "11200 11202 11237 12300 21620"
    ),
}
CASES = [(scope, code) for scope, codes in GROUPS.items() for code in codes.split()]


def test_every_code_that_twilio_publishes_has_a_row() -> None:
    published = {str(code["code"]) for code in json.loads(SPEC.read_text(encoding="utf-8"))["codes"]}
    assert len(published) == 399
    assert published - set(table()) == set()


def test_no_code_has_two_rows() -> None:
    with TABLE.open(encoding="utf-8", newline="") as file:
        codes = [row["code"] for row in csv.DictReader(file)]
    assert len(codes) == len(set(codes)) >= 399
    assert all(failure.note for failure in table().values())


@pytest.mark.parametrize(("scope", "code"), CASES)
def test_a_code_blames_what_is_at_fault(scope: Scope, code: str) -> None:
    assert classify(code).scope is scope


def test_only_trouble_of_the_platform_counts_as_an_outage() -> None:
    outages = {code for code, failure in table().items() if failure.scope is Scope.CHANNEL}
    assert outages == set(GROUPS[Scope.CHANNEL].split())


def test_an_expired_validity_period_means_certainly_not_delivered() -> None:
    assert classify("30036").certainty is Certainty.NOT_DELIVERED


def test_an_error_page_of_503_sent_nothing_and_one_of_500_may_have() -> None:
    assert classify("503", 503).certainty is Certainty.NOT_DELIVERED
    assert classify("500", 500).certainty is Certainty.UNKNOWN


UNKNOWN = [
    ("63999", 400, Scope.RECIPIENT),
    ("30999", None, Scope.RECIPIENT),
    ("21999", 400, Scope.CONTENT),
    ("99999", 503, Scope.CHANNEL),
    ("99999", 429, Scope.THROTTLE),
    ("", None, Scope.RECIPIENT),
    ("nonsense", None, Scope.RECIPIENT),
]


@pytest.mark.parametrize(("code", "status", "scope"), UNKNOWN)
def test_an_unknown_code_is_judged_by_status_and_range(code: str, status: int | None, scope: Scope) -> None:
    assert classify(code, status).scope is scope


def test_what_can_be_sent_by_another_road_says_so() -> None:
    assert {f.retry for f in table().values() if f.scope in (Scope.CHANNEL, Scope.RECIPIENT)} == {
        Retry.OTHER_ROAD, Retry.LATER,
    }
