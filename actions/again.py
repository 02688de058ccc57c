"""A shopper who was here before: last address and payment offered, "comme la dernière fois", the same order again."""

from __future__ import annotations

import re
from dataclasses import replace

from actions.absorbing import go_on
from actions.questions import ask_next
from actions.turns import Turn
from bot.core.basket import Checkout
from bot.core.cart import added, room_for
from bot.core.checkout import delivered_to
from bot.core.words import fold

_AGAIN = re.compile(
    r"\b(?:comme|pareil qu\w*|idem|meme chose qu\w*) (?:que )?(?:la |l')?(?:derniere|autre|precedente?|d'?hab\w*|avant|fois passee)"
    r"|\b(?:la |les )?memes? (?:chose|commande|adresse|endroit|articles?|lieu)s?\b"
    r"|\bcomme d'?hab|\bsame (?:as (?:last|before)|order|address|thing)|\blike last time"
)
_CLEAR = 0.45
"""Confidence from which the model is believed."""
_SAME = re.compile(r"(?:oui |ok |c'est )?(?:pareil|la meme|idem|same)(?: svp| please)?")


def meant(turn: Turn) -> bool:
    """Does the text ask for what was before? Only of somebody who has ordered before."""
    if turn.last is None or turn.choice is not None:
        return False
    if turn.intent == "reorder" and turn.confidence >= _CLEAR:
        return True
    text = fold(turn.text)
    return _AGAIN.search(text) is not None or (offered(turn) and _SAME.fullmatch(text.strip(" .!")) is not None)


def offered(turn: Turn) -> bool:
    """Is the pending question the offer of the last address?"""
    return "again=delivery" in turn.offered


def apply(turn: Turn) -> None:
    """An empty basket gets the last order's lines; the address and the payment are the last ones too."""
    if turn.last is None:
        ask_next(turn)
        return
    if not turn.basket.lines:
        take_lines(turn)
    if turn.basket.lines:
        take_delivery(turn)
        ask_next(turn)
    else:
        go_on(turn)


def take_lines(turn: Turn) -> None:
    """The last order's lines, as far as they are sold and in stock, at today's prices."""
    assert turn.last is not None
    missing: list[str] = []
    for line in turn.last.basket.lines:
        product = turn.products.get(line.product_id)
        quantity = 0 if product is None else min(line.quantity, room_for(turn.basket, product))
        options = dict(product.options) if product is not None else {}
        fits = all(value in options.get(name, ()) for name, value in line.options)
        if product is not None and quantity and fits:
            turn.basket = added(turn.basket, product, line.options, quantity)
        if product is None or quantity < line.quantity or not fits:
            missing.append(line.label)
    if missing:
        turn.say("utter_again_missing", items=", ".join(missing))


def take_delivery(turn: Turn) -> None:
    """The last order's place and payment, with today's fee. A zone or a payment that is gone is asked anew."""
    assert turn.last is not None
    before = turn.last.basket.checkout
    zone = next((zone for zone in turn.shelf.zones if zone.commune == before.commune), None)
    if zone is None:
        return
    known = replace(turn.basket.checkout, commune=None, landmark=None, latitude=None, longitude=None)
    checkout = delivered_to(known, zone)
    turn.basket = turn.basket.changed(
        checkout=Checkout(
            name=checkout.name or before.name,
            phone=checkout.phone or before.phone,
            commune=checkout.commune,
            fee_xof=checkout.fee_xof,
            landmark=before.landmark,
            latitude=before.latitude,
            longitude=before.longitude,
            payment=checkout.payment
            or (before.payment if before.payment in turn.shelf.shop.payments else None),
        )
    )


def choose(turn: Turn, value: str) -> None:
    """A tap on the offer: ``delivery``, ``order`` or ``other``."""
    if value == "other":
        turn.fresh_address = True
        ask_next(turn)
    else:
        apply(turn)
