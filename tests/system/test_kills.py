"""``kill -9`` of each process in the middle of an order: it ends in exactly one exact order."""

from __future__ import annotations

import os
import signal
import time
from contextlib import closing

import pytest
import redis

from tests.system.running import Person, Running, advance, eventually, expect_two_uniwax_and_a_scarf
from tests.system.test_orders import ORDER

PROCESSES = ["gateway", "worker", "actions", "rasa", "redis"]


@pytest.mark.parametrize("name", PROCESSES)
def test_an_order_survives_the_death_of(relais: Running, name: str) -> None:
    person = Person(relais)
    person.ask("Bonjour")
    person.write(ORDER)
    old = relais.kill(name)
    eventually(lambda: relais.pid(name) not in (0, old), 20, f"a new {name}")
    person.read(until="uniwax", seconds=90)
    person.write("je valide ma commande")
    advance(person, "whatsapp", "", seconds=120)
    expect_two_uniwax_and_a_scarf(person.the_order(), "whatsapp")


def test_orders_survive_the_death_of_one_of_two_workers(relais: Running) -> None:
    """Lanes in its hands go on with the other; one that has none of them changes nothing for them."""
    with relais.second_worker():
        people = [Person(relais) for _ in range(4)]
        for person in people:
            person.write("Bonjour")
        for person in people:
            person.read()
            person.write(ORDER)
        relais.kill("worker")
        for person in people:
            person.read(until="uniwax", seconds=60)
            person.write("je valide ma commande")
            advance(person, "whatsapp", "", seconds=60)
    for person in people:
        expect_two_uniwax_and_a_scarf(person.the_order(), "whatsapp")


def test_gateway_dead_for_60_seconds_while_three_shoppers_say_oui(relais: Running) -> None:
    people = [Person(relais) for _ in range(3)]
    for person in people:
        person.ask("Bonjour")
        person.ask(ORDER, until="uniwax")
        person.write("je valide ma commande")
        advance(person, "whatsapp", "confirmation")
    pid = relais.pid("gateway")
    # Stopped, not killed: the supervisor would have another one up in a second. Twilio gives up after 15 s.
    os.kill(pid, signal.SIGSTOP)
    try:
        for person in people:
            person.write("oui")
        time.sleep(60)
    finally:
        os.kill(pid, signal.SIGKILL)
    for person in people:
        order = eventually(person.orders, 90, "the order")
        assert len(order) == 1
        expect_two_uniwax_and_a_scarf(order[0], "whatsapp")


def test_an_order_survives_an_emptied_redis(relais: Running) -> None:
    """Rasa's trackers are gone too: basket, question and checkout come with the turn."""
    person = Person(relais)
    person.ask("Bonjour")
    person.ask(ORDER, until="uniwax")
    person.write("je valide ma commande")
    advance(person, "whatsapp", "payment")
    before = person.conversation()
    person.kept()  # the projector may just have lost its lease to the test before this one
    with closing(redis.Redis.from_url(relais.addresses["redis_url"])) as store:
        store.flushall()
    advance(person, "whatsapp", "", seconds=120)
    assert person.conversation()["id"] == before["id"]
    expect_two_uniwax_and_a_scarf(person.the_order(), "whatsapp")
