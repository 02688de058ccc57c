"""What is asked next, and how typed answers are read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.basket import Basket, BasketLine, Checkout
from bot.core.cart import added, room_for, with_option, with_quantity
from bot.core.catalogue import Product, Zone
from bot.core.checkout import (
    delivered_to,
    missing,
    order_number,
    prefilled,
    read_landmark,
    read_name,
    read_option,
    read_payment,
    read_phone,
    reopened,
)
from bot.core.messages import Awaiting

ROBE = Product("robe", "Robe", "robes", "", (), 12500, (("taille", ("S", "M")), ("couleur", ("noir",))), 5)
FOULARD = Product("foulard", "Foulard", "foulards", "", (), 2500, (), None)
PRODUCTS = {product.id: product for product in (ROBE, FOULARD)}
ALL = ("cash", "wave", "orange_money", "mtn_momo", "moov_money")
KNOWN = Checkout("Aya", "+2250707000001", "Yopougon", 2000, "carrefour", payment="wave")
FILLED = Basket("b", 3, (BasketLine("foulard", "Foulard", (), 2, 2500),), KNOWN)


def test_questions_come_in_one_order() -> None:
    """Each answer taken away makes its question the next one; the first missing one is asked."""
    assert missing(FILLED, PRODUCTS) is None
    order = ["commune", "landmark", "name", "phone", "payment"]
    assert [missing(replace(FILLED, checkout=reopened(KNOWN, field)), PRODUCTS) for field in order] == [
        Awaiting.COMMUNE,
        Awaiting.LANDMARK,
        Awaiting.NAME,
        Awaiting.PHONE,
        Awaiting.PAYMENT,
    ]
    assert missing(replace(FILLED, checkout=Checkout()), PRODUCTS) is Awaiting.COMMUNE
    assert missing(replace(FILLED, lines=()), PRODUCTS) is Awaiting.PRODUCT


def test_an_open_option_is_asked_before_the_delivery() -> None:
    basket = added(Basket("b"), ROBE, (("taille", "M"),), 1)
    assert missing(basket, PRODUCTS) is Awaiting.OPTION
    whole = with_option(basket, 0, ROBE, "couleur", "noir")
    assert missing(whole, PRODUCTS) is Awaiting.COMMUNE
    assert whole.lines[0].options == (("taille", "M"), ("couleur", "noir"))


def test_a_position_on_the_map_is_a_landmark() -> None:
    checkout = replace(KNOWN, landmark=None, latitude=5.3, longitude=-4.0)
    assert missing(replace(FILLED, checkout=checkout), PRODUCTS) is None


def test_another_commune_brings_its_fee_and_forgets_the_landmark() -> None:
    moved = delivered_to(KNOWN, Zone("Cocody", (), 1500, "demain"))
    assert (moved.commune, moved.fee_xof, moved.landmark) == ("Cocody", 1500, None)


def test_what_is_known_of_a_customer_is_not_asked_and_not_overwritten() -> None:
    fresh = replace(FILLED, checkout=Checkout(name="Fatou"))
    known = prefilled(fresh, "Aya", "+2250707000001")
    assert (known.checkout.name, known.checkout.phone) == ("Fatou", "+2250707000001")
    assert prefilled(known, "Aya", "+2250707000001") is known


def test_equal_lines_are_joined() -> None:
    basket = added(added(Basket("b"), FOULARD, (), 2), FOULARD, (), 3)
    assert [line.quantity for line in basket.lines] == [5]
    twice = added(
        added(Basket("b"), ROBE, (("taille", "M"), ("couleur", "noir")), 1), ROBE, (("taille", "M"),), 2
    )
    joined = with_option(twice, 1, ROBE, "couleur", "noir")
    assert [line.quantity for line in joined.lines] == [3]


def test_room_counts_what_is_already_in_the_basket() -> None:
    basket = added(Basket("b"), ROBE, (("taille", "M"),), 3)
    assert room_for(basket, ROBE) == 2
    assert room_for(basket, ROBE, but=0) == 5
    assert room_for(basket, FOULARD) == 999


def test_quantity_zero_takes_the_line_out() -> None:
    assert with_quantity(FILLED, 0, 0).lines == ()


@pytest.mark.parametrize(
    ("text", "method"),
    [
        ("je paye MoMo", "mtn_momo"),
        ("je vais régler avec mtn money", "mtn_momo"),
        ("Wave si possible", "wave"),
        ("OM", "orange_money"),
        ("orange", "orange_money"),
        ("a la livraison c mieux", "cash"),
        ("espèces", "cash"),
        ("flooz", "moov_money"),
        ("wave ou OM ?", None),
        ("par carte visa", None),
        ("le livreur", None),
    ],
)
def test_payments_are_read(text: str, method: str | None) -> None:
    assert read_payment(text, ALL, asked=True) == method


def test_a_payment_the_shop_does_not_take_is_none() -> None:
    assert read_payment("wave", ("cash",), asked=True) is None
    assert read_payment("2 t-shirts orange", ALL, asked=False) is None


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("appelez le 05 06 07 08 09", "+2250506070809"),
        ("00225 0707070707", "+2250707070707"),
        ("07-00-00-00-01 merci", "+2250700000001"),
        ("77889900", "+2250777889900"),
        ("0708", None),
        ("2 foulards", None),
    ],
)
def test_phones_are_read(text: str, phone: str | None) -> None:
    assert read_phone(text) == phone


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("moi c'est Aya Koffi", "Aya Koffi"),
        ("FATOU", "Fatou"),
        ("je m'appelle affoué marie", "Affoué Marie"),
        ("my name is Grace", "Grace"),
        ("Kouassi Jean-Marc", "Kouassi Jean-Marc"),
        ("c'est combien ?", None),
        ("stop", None),
        ("oui", None),
        ("0707000001", None),
        ("x", None),
    ],
)
def test_names_are_read(text: str, name: str | None) -> None:
    assert read_name(text) == name


def test_a_landmark_is_kept_in_the_shoppers_words() -> None:
    assert (
        read_landmark("  juste derrière la station,\ncour blanche ")
        == "juste derrière la station, cour blanche"
    )
    assert read_landmark("c'est où ?") is None
    assert read_landmark("ok") is None
    assert len(read_landmark("rue " * 125) or "") == 200
    assert read_landmark("a" * 500) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("M", "M"),
        ("taille m", "M"),
        ("la m svp", "M"),
        ("je veux m acheter une taille s", "S"),
        ("that's all for me", None),
        ("XL", None),
    ],
)
def test_a_lone_letter_is_a_size_only_in_a_short_answer(text: str, value: str | None) -> None:
    assert read_option(text, ("S", "M", "L")) == value


@pytest.mark.parametrize(
    ("text", "value"), [("14", "iPhone 14"), ("iphone 13", "iPhone 13"), ("le 11", "iPhone 11")]
)
def test_a_number_names_a_model(text: str, value: str) -> None:
    assert read_option(text, ("iPhone 11", "iPhone 13", "iPhone 14")) == value


def test_colours_agree_with_their_noun() -> None:
    assert read_option("noires", ("blanc", "noir")) == "noir"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("ma commande AM-1001 est où ?", "AM-1001"),
        ("am 1001", "AM-1001"),
        ("am1001 svp", "AM-1001"),
        ("où est ma commande", None),
        ("appelez le 07 00 00 00 01", None),
    ],
)
def test_order_numbers_are_read(text: str, number: str | None) -> None:
    assert order_number(text) == number
