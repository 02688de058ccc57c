"""Every text as an SMS: GSM-7 once rewritten, and how many segments it takes. SMS are paid by the segment."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from actions import texts
from bot.core import wording
from bot.core.addresses import ChannelName
from bot.core.basket import Basket, BasketLine
from bot.core.gsm7 import is_gsm7, segments, to_gsm7
from bot.core.money import francs
from bot.core.orders import OrderStatus
from bot.settings import ROOT
from tests.dialogue.memory_ledger import SHOPS, read_zones

DOMAIN: dict[str, Any] = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
ZONES = read_zones(SHOPS / "awa-mode")
BASKET = Basket(
    "b",
    3,
    (
        BasketLine("pagne-uniwax", "Pagne Uniwax (6 yards)", (("couleur", "rouge"),), 2, 16000),
        BasketLine("foulard-wax", "Foulard wax", (), 1, 2500),
    ),
)
LINES = "\n".join(f"{line.quantity} x {line.label} : {francs(line.total_xof)}" for line in BASKET.lines)
VALUES: dict[str, str | int] = {
    "shop": "Zoé Accessoires",
    "when": "demain à 8 h 30",
    "item": "Ensemble wax homme (chemise et pantalon)",
    "items": "2 x Pagne Uniwax (6 yards) (rouge), 1 x Foulard wax",
    "price": francs(48000),
    "total": francs(1_048_000),
    "minimum": francs(5000),
    "fee": francs(2000),
    "eta": "le jour même si la commande est passée avant midi",
    "options": "taille : S, M, L, XL ; couleur : orange, blanc, vert",
    "option": "la couleur",
    "values": "orange, blanc, vert",
    "quantity": 12,
    "left": 3,
    "most": 999,
    "lines": LINES,
    "commune": "Grand-Bassam",
    "communes": ", ".join(zone.commune for zone in ZONES),
    "fees": ", ".join(f"{zone.commune} {francs(zone.fee_xof)}" for zone in ZONES),
    "landmark": "derrière la pharmacie Siporex",
    "place": "Yopougon, derrière la pharmacie Siporex",
    "name": "Affoué Marie Kouassi",
    "phone": "+2250700000199",
    "payment": "A la livraison (espèces)",
    "methods": ", ".join(texts.payment(method, "fr") for method in ("cash", "wave", "orange_money", "mtn_momo")),
    "number": "AM-1001",
    "status": texts.status(OrderStatus.PACKED, "fr"),
    "how_to_pay": f"Pour payer : {francs(48000)}, Wave +2250700000199.",
    "hours": "Lundi à samedi 8 h - 19 h 30, dimanche 10 h - 15 h",
    "channel": "Telegram",
    "phrase": "sac à main cuir",
    "phrases": "robe, chemise",
    "category": "jupes et pantalons",
}
LONG = {
    "utter_recap": 2,
    "utter_delivery_all": 3,
    "utter_commune_unknown": 2,
    "utter_place_far": 2,
    "utter_order_placed": 1,
}
"""Segments that a text may take; every other text takes one."""


def texts_of() -> dict[str, str]:
    """Every response in each language, filled, and every sentence of our own."""
    found: dict[str, str] = {}
    for name, forms in DOMAIN["responses"].items():
        for form in forms:
            language = "en" if form.get("condition") else "fr"
            found[f"{name} {language}"] = form["text"].format_map(VALUES)
    for language in ("fr", "en"):
        own = {
            "stopped": wording.stopped("Zoé Accessoires", language),
            "started": wording.started("Zoé Accessoires", language),
            "stop_question": wording.stop_question(language),
            "apology": wording.apology(language),
            "given_back": wording.given_back(language),
            "edit_seen": wording.edit_seen(language),
            "person_late": wording.person_late(None, language),
            "person_late closed": wording.person_late("demain à 8 h 30", language),
            "offer_to_go_on": wording.offer_to_go_on(language),
            "waits_on": wording.waits_on(language),
            "reminder": wording.reminder("Zoé Accessoires", BASKET, language),
            "reminder_promised": wording.reminder_promised(True, language),
            "linked": wording.linked(ChannelName.TELEGRAM, language),
            "order_updated": wording.order_updated("AM-1001", "out_for_delivery", "paid", language),
            **{f"file {kind}": wording.file_kept(kind, language) for kind in ("audio", "image", "video", "contact")},
        }
        found |= {f"{name} {language}": text for name, text in own.items()}
    return found


TEXTS = texts_of()


def test_every_variable_is_filled() -> None:
    assert len(TEXTS) > 150
    assert not [name for name, text in TEXTS.items() if "{" in text]


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_gsm7_and_as_short_as_its_purpose_allows(name: str) -> None:
    sent = to_gsm7(TEXTS[name])
    assert is_gsm7(sent)
    assert segments(sent) <= LONG.get(name.split()[0], 1), (len(sent), sent)


@pytest.mark.parametrize("name", TEXTS)
def test_amounts_are_written_with_plain_blanks(name: str) -> None:
    """``5 000 F``: no narrow or unbreakable blank, no comma or point between thousands."""
    assert not re.search(r"\d[\u00a0\u202f\u2009.,]\d{3} ?F\b|\d{4,} F\b", TEXTS[name])


def test_french_and_english_say_the_same_things() -> None:
    """Each response has both languages, with the same variables."""
    for name, forms in DOMAIN["responses"].items():
        both = [set(re.findall(r"{(\w+)}", form["text"])) for form in forms]
        assert len(both) == 2, name
        assert both[0] == both[1], name


def test_the_table_of_segments(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(segments(to_gsm7(text)), len(to_gsm7(text)), name) for name, text in TEXTS.items()]
    by_segments = {n: sum(row[0] == n for row in rows) for n in sorted({row[0] for row in rows})}
    with capsys.disabled():
        print("\nsegments  characters  text")
        for count, length, name in sorted(rows, reverse=True)[:12]:
            print(f"{count:>8}  {length:>10}  {name}")
        print(f"texts by segments: {by_segments}")
    assert sum(by_segments.values()) == len(TEXTS)
