"""Paying by link, on real processes: the link comes in the chat, Wave's word pays the order once, its loss does no harm."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.system.running import Person, Running, advance, eventually

SHOP = "coton-doux"


@pytest.fixture
def buyer(relais: Running) -> Iterator[Person]:
    """With an order of 4,000 F and the fee, to be paid by Wave."""
    person = Person(relais, SHOP)
    person.ask("Bonjour")
    person.ask("2 serviettes jour", until="serviette")
    person.write("je valide ma commande")
    yield person


def link_of(person: Person) -> str:
    advance(person, "whatsapp", "")
    number = person.the_order()["number"]
    words = person.read(until="/wave/c/")
    assert f"Commande {number} : payez" in words
    links = re.findall(r"https?://\S+/wave/c/\S+", words)
    assert len(links) == 1
    return str(links[0])


def pay(link: str) -> httpx.Response:
    return httpx.post(link, data={"act": "pay"}, timeout=20.0)


def payment(person: Person) -> dict[str, Any]:
    return dict(person.the_order()["payment"])


def thanks(person: Person) -> int:
    return sum("paiement reçu" in m["text"] for m in person.screen("whatsapp") if m["direction"] == "out")


@pytest.mark.parametrize("fault", ["thrice", "lost_callbacks"])
def test_the_link_is_paid_once_and_said_once(relais: Running, buyer: Person, fault: str) -> None:
    link = link_of(buyer)
    assert payment(buyer) == {"method": "wave", "status": "unpaid"}
    relais.fault("wave", fault)
    assert pay(link).status_code == 303
    assert pay(link).status_code == 303  # a double tap
    buyer.read(until="paiement reçu", seconds=60)
    assert payment(buyer) == {"method": "wave", "status": "paid"}
    # What is said next comes after anything said twice: a lane answers in order.
    buyer.ask("Vous livrez à Cocody ?", until="Cocody")
    assert thanks(buyer) == 1


def test_another_amount_pays_nothing_and_calls_a_person(relais: Running, buyer: Person) -> None:
    link = link_of(buyer)
    relais.fault("wave", "wrong_amount")
    pay(link)
    buyer.read(until="une personne de la boutique")
    assert (payment(buyer)["status"], buyer.conversation()["status"], thanks(buyer)) == ("unpaid", "human", 0)


def test_while_wave_is_down_the_order_stands_and_the_link_comes_when_asked(relais: Running, buyer: Person) -> None:
    relais.fault("wave", "down")
    advance(buyer, "whatsapp", "")
    buyer.read(until="bien enregistrée", seconds=60)
    relais.fault("wave", "down", on=False)
    buyer.ask("je veux payer", until="/wave/c/")
    eventually(lambda: payment(buyer)["status"] == "unpaid", 10, "nothing is paid by asking")
