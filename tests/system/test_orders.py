"""The main job, on real processes: an order begins on WhatsApp, WhatsApp dies, the order ends elsewhere, once."""

from __future__ import annotations

import re
import threading

import httpx

from tests.system.running import (
    TWO_WAY_SHOP,
    Person,
    Running,
    advance,
    eventually,
    expect_two_uniwax_and_a_scarf,
)

ORDER = "2 pagnes uniwax rouge et 1 foulard wax"


def begin(person: Person) -> None:
    """Two products in the basket, and the checkout asked for."""
    person.ask("Bonjour")
    person.ask(ORDER, until="uniwax")
    person.write("je valide ma commande")


def test_whatsapp_alone(person: Person) -> None:
    begin(person)
    advance(person, "whatsapp", "")
    expect_two_uniwax_and_a_scarf(person.the_order(), "whatsapp")
    assert re.search(r"AM-\d+", person.read(until="confirmée"))


def link(person: Person) -> None:
    offer = person.ask("je préfère telegram", until="https://t.me/")
    token = re.search(r"start=([A-Za-z0-9_-]+)", offer)
    assert token is not None
    person.running.sim("telegram", person=person.id, shop=person.shop, start=token[1])
    person.read("telegram", until="relié")


def test_a_refusal_moves_the_checkout_to_telegram(relais: Running, person: Person) -> None:
    begin(person)
    link(person)
    advance(person, "whatsapp", "landmark")
    relais.fault("whatsapp", "reject")
    person.write(ORDER_LANDMARK)
    notice = person.read("telegram", until="WhatsApp ne passe plus")
    assert "2 x Pagne Uniwax" in notice
    advance(person, "telegram", "")
    expect_two_uniwax_and_a_scarf(person.the_order(), "telegram")


def test_their_own_number_shared_on_telegram_brings_the_basket_there(relais: Running, person: Person) -> None:
    begin(person)
    advance(person, "whatsapp", "landmark")
    relais.sim("telegram", person=person.id, shop=person.shop, start="")
    person.read("telegram", until="Partagez votre numéro")
    relais.sim("telegram", person=person.id, shop=person.shop, contact=True)
    assert "2 x Pagne Uniwax" in person.read("telegram", until="vous êtes relié ici aussi")
    person.read(until="Telegram relié")
    person.write(ORDER_LANDMARK, "telegram")
    advance(person, "telegram", "")
    expect_two_uniwax_and_a_scarf(person.the_order(), "telegram")


ORDER_LANDMARK = "Rue des Jardins, portail vert"


def test_a_refusal_moves_the_checkout_to_two_way_sms(relais: Running) -> None:
    person = Person(relais, TWO_WAY_SHOP)
    person.ask("Bonjour")
    person.ask("2 colliers de perles", until="collier")
    person.write("je valide ma commande")
    advance(person, "whatsapp", "landmark")
    relais.fault("whatsapp", "reject")
    person.write(ORDER_LANDMARK)
    person.read("sms", until="WhatsApp ne passe plus")
    advance(person, "sms", "")
    order = person.the_order()
    assert [(line["product_id"], line["quantity"]) for line in order["lines"]] == [("collier-perles", 2)]
    assert (order["channel"], order["total_xof"]) == ("sms", 13000 + 1500)


def test_a_one_way_sms_of_one_segment_leads_to_the_page(relais: Running, person: Person) -> None:
    begin(person)
    advance(person, "whatsapp", "payment")
    relais.fault("whatsapp", "reject")
    person.write("wave")
    text = person.read("sms", until="/c/")
    [sms] = [m for m in person.screen("sms") if m["direction"] == "out"]
    assert sms.get("segments", 1) == 1
    found = re.search(r"https?://\S+/c/[A-Za-z0-9_-]+", text)
    assert found is not None
    page = found[0]
    shown = httpx.get(page)
    assert shown.status_code == 200
    assert len(shown.content) < 15_000
    assert "Uniwax" in shown.text
    choices = re.findall(r'name="choice" value="([^"]+)"', shown.text)
    form = re.search(r'name="form" value="([^"]+)"', shown.text)
    assert choices
    fields = {"choice": choices[0]}
    if form is not None:
        fields["form"] = form[1]
    for _ in range(2):  # a double click
        assert httpx.post(page, data=fields, timeout=20.0, follow_redirects=True).status_code == 200
    expect_two_uniwax_and_a_scarf(person.the_order(), "web")


def test_a_shopper_nobody_can_reach_is_on_the_call_list(relais: Running, person: Person) -> None:
    begin(person)
    for channel in ("whatsapp", "sms"):
        relais.fault(channel, "reject_now")
    person.write("je valide ma commande")
    eventually(
        lambda: [c for c in relais.api("call_list")["items"] if c["conversation_id"] == person.conversation()["id"]],
        150,
        "the call list",
    )


def test_every_webhook_three_times_is_one_order(relais: Running, person: Person) -> None:
    relais.fault("whatsapp", "thrice")
    begin(person)
    advance(person, "whatsapp", "")
    expect_two_uniwax_and_a_scarf(person.the_order(), "whatsapp")


def test_silence_moves_the_question_after_12_seconds(relais: Running) -> None:
    person = Person(relais, TWO_WAY_SHOP)
    person.ask("Bonjour")
    relais.fault("whatsapp", "silent_accepted")
    person.write("1 power bank noir")
    person.read("sms", seconds=40, until="WhatsApp ne passe plus")


def test_two_oui_at_the_same_instant_on_two_channels_are_one_order(relais: Running, person: Person) -> None:
    begin(person)
    link(person)
    advance(person, "whatsapp", "confirmation")
    sends = [
        threading.Thread(target=person.write, args=("oui", channel)) for channel in ("whatsapp", "telegram")
    ]
    for send in sends:
        send.start()
    for send in sends:
        send.join()
    # Where the one on Telegram is taken first, it moves the conversation and gets the recap there; the other one is then
    # asked about, as everything from a channel that has come up minutes ago (``relais`` has just forced it).
    asked_again = eventually(lambda: person.orders() or person.conversation()["awaiting"] == "late_confirmation", 40, "an end")
    if asked_again is True:
        advance(person, "telegram", "")
    assert person.the_order()["total_xof"] == 36000
