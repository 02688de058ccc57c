"""Each process dies exactly where a row of the crash table says, by a gate that holds the bytes, never by luck."""

from __future__ import annotations

import time

from tests.system.gates import Direction
from tests.system.running import Person, Running, eventually


def items(person: Person) -> list[tuple[str, int]]:
    lines = person.conversation()["basket"]["lines"]
    return [(line["product_id"], line["quantity"]) for line in lines]


def die(relais: Running, gate: str) -> None:
    """``kill -9`` the worker while the gate holds, and let nothing of what was held arrive."""
    old = relais.kill("worker")
    relais.gates[gate].shut()
    relais.gates[gate].release()
    eventually(lambda: relais.pid("worker") not in (0, old), 20, "a new worker")
    relais.gates[gate].reopen()


def answers(person: Person) -> list[dict[str, object]]:
    """What the shop said to this person, as the transcript has it."""
    path = f"conversations/{person.conversation()['id']}/messages?limit=100"
    return [m for m in person.running.api(path, person.shop)["items"] if m["direction"] == "out"]


def settled(person: Person, statuses: set[str]) -> bool:
    said = answers(person)
    return bool(said) and {str(m["status"]) for m in said} <= statuses


def holds_two(person: Person) -> None:
    """In the end, when everything said has arrived, the basket holds two pieces."""
    eventually(lambda: items(person), 90, "something in the basket")
    eventually(lambda: settled(person, {"delivered", "read", "superseded"}), 60, "every answer settled")
    assert items(person) == [("pagne-uniwax", 2)]


def test_killed_before_rasa_answered_the_turn_is_asked_again(relais: Running, person: Person) -> None:
    person.ask("Bonjour")
    relais.gates["rasa"].hold("requests")
    person.write("ajoute 2 pagnes uniwax rouge")
    relais.gates["rasa"].caught("requests")
    die(relais, "rasa")
    holds_two(person)


def test_killed_after_rasa_answered_and_before_the_commit_the_basket_holds_two(
    relais: Running, person: Person
) -> None:
    person.ask("Bonjour")
    relais.gates["rasa"].hold("answers")
    person.write("ajoute 2 pagnes uniwax rouge")
    assert relais.gates["rasa"].caught("answers").startswith(b"HTTP/1.1 200 ")
    assert items(person) == []
    die(relais, "rasa")
    holds_two(person)


def test_killed_before_the_provider_heard_of_it_the_reply_is_said_once(relais: Running, person: Person) -> None:
    killed_around_the_call(relais, person, "requests")


def test_killed_after_the_provider_took_it_the_reply_is_said_once(relais: Running, person: Person) -> None:
    killed_around_the_call(relais, person, "answers")


def killed_around_the_call(relais: Running, person: Person, held: Direction) -> None:
    """The attempt is written down; whether it left is settled by the callback, or by the provider's record."""
    relais.gates["providers"].hold(held)
    person.write("Bonjour")
    relais.gates["providers"].caught(held)
    die(relais, "providers")
    eventually(lambda: settled(person, {"delivered", "read", "superseded"}), 60, "every answer settled")
    assert len([m for m in person.screen("whatsapp") if m["direction"] == "out"]) == 1


def test_a_worker_that_slept_through_its_lease_inside_a_call_writes_nothing(
    relais: Running, person: Person
) -> None:
    """The fence keeps its commit out; the call itself had left, so the answer counts as unknown and is looked up."""
    gate = relais.gates["providers"]
    gate.hold("answers")
    person.write("Bonjour")
    gate.caught("answers")
    # What was caught may be the answer to a probe: the provider has taken ours when the phone shows it.
    eventually(lambda: [m for m in person.screen("whatsapp") if m["direction"] == "out"], 20, "the greeting is out")
    with relais.second_worker(), relais.stopped("worker"):
        gate.release()
        time.sleep(12)  # the row says so: longer than a lease
        eventually(lambda: settled(person, {"delivered", "read"}), 90, "the other worker settled it")
    person.write("2 pagnes uniwax rouge")
    holds_two(person)

    def once_each() -> bool:
        shown = [m for m in person.screen("whatsapp") if m["direction"] == "out"]
        return len(shown) == len(answers(person)) == 2

    eventually(once_each, 20, "two answers, on the phone and in the transcript")


def test_redis_that_does_not_answer_is_503_and_red_and_loses_nothing(relais: Running, person: Person) -> None:
    person.ask("Bonjour")
    with relais.stopped("redis"):
        person.write("2 pagnes uniwax rouge")
        ready = relais.http.get(f"{relais.gateway}/readyz")
        assert ready.status_code == 503
    holds_two(person)


def test_killed_before_the_put_the_provider_tries_again(relais: Running, person: Person) -> None:
    gateway_killed(relais, person, "requests")


def test_killed_after_the_put_and_before_its_answer_the_repeat_is_dropped(
    relais: Running, person: Person
) -> None:
    gateway_killed(relais, person, "answers")


def gateway_killed(relais: Running, person: Person, held: Direction) -> None:
    """``kill -9`` of the gateway with a shopper's message on its way in, or its 200 on the way out."""
    person.ask("Bonjour")
    eventually(lambda: settled(person, {"read"}), 20, "no more callbacks")
    gate = relais.gates["webhooks"]
    gate.hold(held)
    person.write("ajoute 2 pagnes uniwax rouge")
    assert gate.caught(held).startswith({"requests": b"POST /webhooks/whatsapp", "answers": b"HTTP/1.1 200"}[held])
    old = relais.kill("gateway")
    gate.shut()
    gate.release()
    eventually(lambda: relais.pid("gateway") not in (0, old) and relais.ready(), 30, "a new gateway")
    gate.reopen()
    holds_two(person)
