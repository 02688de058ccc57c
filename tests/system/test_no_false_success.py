"""Something the order needs is down at "oui": nothing is promised, the turn is asked again and ends right, once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.system.running import Person, Running, advance, eventually, expect_two_uniwax_and_a_scarf
from tests.system.test_orders import begin

Break = Callable[[Running], AbstractContextManager[object]]


@contextmanager
def ledger_locked(relais: Running) -> Iterator[None]:
    """Somebody else holds the ledger's write lock for longer than anybody waits for it."""
    with sqlite3.connect(relais.data / "relais.db", isolation_level=None, timeout=10) as ledger:
        ledger.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            ledger.execute("ROLLBACK")
    ledger.close()


@contextmanager
def redis_gone_for_rasa(relais: Running) -> Iterator[None]:
    relais.gates["rasa_redis"].shut()
    try:
        yield
    finally:
        relais.gates["rasa_redis"].reopen()


@pytest.mark.parametrize(
    "broken",
    [ledger_locked, lambda relais: relais.stopped("actions"), redis_gone_for_rasa],
    ids=["ledger", "action server", "redis for rasa"],
)
def test_oui_while_it_is_down_is_one_order_afterwards(relais: Running, person: Person, broken: Break) -> None:
    begin(person)
    advance(person, "whatsapp", "confirmation")
    person.read(until="confirme")
    gate = relais.gates["rasa"]
    with broken(relais):
        gate.statuses.clear()
        person.write("oui")
        eventually(lambda: gate.statuses[503] >= 2, 60, "the turn asked twice, and refused")
        assert gate.statuses[200] == 0
        assert person.new("whatsapp") == []
        assert person.orders() == []
    person.read(until="confirmée", seconds=60)
    expect_two_uniwax_and_a_scarf(person.the_order(), "whatsapp")
