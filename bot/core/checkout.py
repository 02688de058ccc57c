"""What is still missing before an order can be placed, and how a typed answer is read. Prices are never read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from rapidfuzz import fuzz, process

from bot.core.addresses import normalise_msisdn
from bot.core.basket import Basket, BasketLine, Checkout
from bot.core.catalogue import Product, Zone
from bot.core.messages import Awaiting
from bot.core.words import fold, tokens

CHECKOUT_STEPS = frozenset(
    {
        Awaiting.COMMUNE,
        Awaiting.LANDMARK,
        Awaiting.NAME,
        Awaiting.PHONE,
        Awaiting.PAYMENT,
        Awaiting.CONFIRMATION,
    }
)
"""Questions that are asked only once the shopper has gone to the checkout."""

MAX_LANDMARK = 200
MAX_NAME = 60
_SHORT = 3
"""Words up to which a lone letter is taken for a size."""

_PHONE = re.compile(r"(?<!\w)\+?\d(?:[\d .\-]{6,20})\d(?!\w)")
_PAYMENT_WORDS: tuple[tuple[str, str], ...] = (
    ("wave", r"\b(wave|wav|weve)\b"),
    ("orange_money", r"\b(orange ?money|orange ?mony|om|o\.m)\b"),
    ("mtn_momo", r"\b(mtn|momo|mo ?mo|mobile money mtn)\b"),
    ("moov_money", r"\b(moov|mouv|flooz|flouz|moov ?money)\b"),
    (
        "cash",
        r"\b(cash|especes?|liquide|(a la|ala) livraison|a la reception|main a main|on delivery"
        + r"|quand (vous|tu|il) (livre[sz]?|arrive[sz]?))\b",
    ),
)
_ANSWERS = {
    "orange": "orange_money",
    "wave": "wave",
    "momo": "mtn_momo",
    "moov": "moov_money",
    "flooz": "moov_money",
    "cash": "cash",
    "espece": "cash",
    "especes": "cash",
    "liquide": "cash",
}
"""Single words that answer "how will you pay?"."""
_ALIKE = 80.0
"""Similarity, 0 to 100, at which a word is such an answer misspelt."""
_SPELT = 4
_NAME_LEAD = re.compile(
    r"^\s*(?:(?:oui|ok|bon|alors|non)[ ,]+)?"
    r"(?:je m['’ ]?appell?es?|moi c['’ ]?est|mon nom(?: c['’ ]?est| est)?|c['’ ]?est(?: au nom de)?|au nom de|nom ?:"
    r"|my name is|i am|i['’]m|this is|it['’]?s|je suis|chui[st]|pour|mettez|appelez[- ]moi)\s+",
    re.IGNORECASE,
)
_NOT_NAMES = frozenset(
    {
        "stop",
        "arret",
        "start",
        "annule",
        "annuler",
        "oui",
        "non",
        "ok",
        "menu",
        "aide",
        "help",
        "retour",
        "merci",
    }
    | {"bonjour", "bonsoir", "bjr", "bsr", "salut", "rien", "yes", "no"}
)
_LETTERS = re.compile(r"[^\W\d_]")


def open_options(line: BasketLine, product: Product) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The product's options that the line has not chosen yet, in the product's order."""
    chosen = {name for name, _ in line.options}
    return tuple(option for option in product.options if option[0] not in chosen)


def first_open_line(basket: Basket, products: Mapping[str, Product]) -> int | None:
    """Position of the first line that still lacks an option, or None."""
    for position, line in enumerate(basket.lines):
        product = products.get(line.product_id)
        if product is not None and open_options(line, product):
            return position
    return None


def missing(basket: Basket, products: Mapping[str, Product]) -> Awaiting | None:
    """The next question: product, option, commune, landmark, name, phone, payment; None when all is known."""
    checkout = basket.checkout
    if not basket.lines:
        return Awaiting.PRODUCT
    if first_open_line(basket, products) is not None:
        return Awaiting.OPTION
    if checkout.commune is None or checkout.fee_xof is None:
        return Awaiting.COMMUNE
    if checkout.landmark is None and checkout.latitude is None:
        return Awaiting.LANDMARK
    if checkout.name is None:
        return Awaiting.NAME
    if checkout.phone is None:
        return Awaiting.PHONE
    if checkout.payment is None:
        return Awaiting.PAYMENT
    return None


def prefilled(basket: Basket, name: str | None, phone: str | None) -> Basket:
    """With the name and phone already known of this customer, so that they are not asked; else the same basket."""
    checkout = replace(
        basket.checkout, name=basket.checkout.name or name, phone=basket.checkout.phone or phone
    )
    return basket if checkout == basket.checkout else basket.changed(checkout=checkout)


def under_way(basket: Basket, awaiting: Awaiting | None) -> bool:
    """Has the shopper gone to the checkout, by a question put or by what they told unasked?"""
    told = basket.checkout
    return awaiting in CHECKOUT_STEPS or any((told.commune, told.landmark, told.payment))


def delivered_to(checkout: Checkout, zone: Zone) -> Checkout:
    """With this commune and its fee; a landmark given for another commune is forgotten."""
    moved = checkout.commune is not None and checkout.commune != zone.commune
    return replace(
        checkout,
        commune=zone.commune,
        fee_xof=zone.fee_xof,
        landmark=None if moved else checkout.landmark,
        latitude=None if moved else checkout.latitude,
        longitude=None if moved else checkout.longitude,
    )


def reopened(checkout: Checkout, field: str) -> Checkout:
    """Without one answer (``commune``, ``landmark``, ``name``, ``phone``, ``payment``), asked again.

    A landmark is in its commune and goes with it.
    """
    if field == "commune":
        return replace(checkout, commune=None, fee_xof=None, landmark=None, latitude=None, longitude=None)
    if field == "landmark":
        return replace(checkout, landmark=None, latitude=None, longitude=None)
    if field == "name":
        return replace(checkout, name=None)
    if field == "phone":
        return replace(checkout, phone=None)
    return replace(checkout, payment=None)


def read_phone(text: str) -> str | None:
    """The E.164 number in a text ("appelez le 07 00 00 00 01"), or None."""
    for found in _PHONE.finditer(text):
        phone = normalise_msisdn(found[0])
        if phone is not None:
            return phone
    return None


_ORDER_NUMBER = re.compile(r"\b([a-z]{1,3})[ -]?(\d{4,7})\b")


def order_number(text: str) -> str | None:
    """The order number a text names ("am 1001" -> "AM-1001"), or None."""
    found = _ORDER_NUMBER.search(fold(text))
    return f"{found[1].upper()}-{found[2]}" if found else None


def without_phone(text: str) -> str:
    """The text without its phone numbers, so that they are not taken for quantities."""
    return _PHONE.sub(" ", text)


def read_payment(text: str, offered: Sequence[str], asked: bool) -> str | None:
    """The payment method a text names, if the shop takes it. Bare "orange" counts only when asked for.

    Two methods in one text ("wave ou OM ?") are a question or a doubt, no answer.
    """
    named = _payments_named(text)
    if len(named) == 1 and named[0] in offered:
        return named[0]
    if named or not asked:
        return None
    meant = {method for word in fold(text).split() for method in _spelt_like(word)}
    return meant.pop() if len(meant) == 1 and meant <= set(offered) else None


def _spelt_like(word: str) -> tuple[str, ...]:
    """The method an answer's word stands for, slips allowed: "oragne" -> orange_money."""
    near = process.extractOne(word, tuple(_ANSWERS), scorer=fuzz.ratio, score_cutoff=_ALIKE)
    return (_ANSWERS[near[0]],) if near is not None and len(word) >= _SPELT else ()


def _payments_named(text: str) -> tuple[str, ...]:
    folded = " ".join(fold(text).replace("'", " ").split())
    return tuple(method for method, pattern in _PAYMENT_WORDS if re.search(pattern, folded))


def unpaid_by(text: str, offered: Sequence[str]) -> bool:
    """Does the text name only payment methods that the shop does not take?"""
    named = _payments_named(text)
    return bool(named) and not set(named) & set(offered)


def names_payment(text: str) -> bool:
    """Does the text name any payment method, taken by the shop or not?"""
    return bool(_payments_named(text))


def read_name(text: str) -> str | None:
    """A person's name in an answer ("moi c'est Aya Koffi" -> "Aya Koffi"), or None if it cannot be one."""
    name = " ".join(_NAME_LEAD.sub("", text).split()).strip(" .,!:;-")
    if not 2 <= len(name) <= MAX_NAME or len(name.split()) > 5 or "?" in text:
        return None
    if any(character.isdigit() for character in name) or len(_LETTERS.findall(name)) < 2:
        return None
    if set(fold(name).split()) <= _NOT_NAMES:
        return None
    return name.title() if name.islower() or name.isupper() else name


_LONGEST_WORD = 120
"""A link to a map has fewer characters; more are no words."""


def read_landmark(text: str) -> str | None:
    """Directions for the rider, in the shopper's words, 3 to 200 characters; None for anything less, or without a blank."""
    words = text.split()
    landmark = " ".join(words)
    endless = any(len(word) > _LONGEST_WORD for word in words)
    if endless or len(_LETTERS.findall(landmark)) < 3 or landmark.endswith("?"):
        return None
    return landmark[:MAX_LANDMARK]


def read_option(text: str, options: Sequence[str]) -> str | None:
    """The value among ``options`` that a short answer means ("taille m", "noire"), or None."""
    typed = tokens(text)
    folded = " ".join(typed)
    for value in sorted(options, key=len, reverse=True):
        wanted = " ".join(tokens(value))
        if (
            len(wanted) == 1
            and len(typed) > _SHORT
            and not re.search(rf"(taille|size|en|du|le) {wanted}\b", folded)
        ):
            continue  # a lone letter in a sentence is an elision as often as a size
        if re.search(rf"(?<!\w){re.escape(wanted)}(?:e?s?)(?!\w)", folded):
            return value
    last = [value for value in options if len(tokens(value)[-1]) > 1 and tokens(value)[-1] in typed]
    if len(last) == 1:
        return last[0]
    digits = [value for value in options if any(token in tokens(value) for token in typed if token.isdigit())]
    return digits[0] if len(digits) == 1 else None
