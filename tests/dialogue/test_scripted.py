"""The scripted dialogue keeps the promises of the real one."""

from __future__ import annotations

import pytest

from bot.core.messages import Awaiting, Purpose
from bot.dialogue.scripted import ScriptedDialogue
from tests.dialogue.memory_ledger import SHOPS, MemoryLedger, read_products, read_zones
from tests.dialogue.shopper import Shopper


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger(SHOPS)


@pytest.fixture
def shopper(ledger: MemoryLedger) -> Shopper:
    folder = SHOPS / "awa-mode"
    return Shopper(ScriptedDialogue(read_products(folder), read_zones(folder), ledger))


async def test_a_whole_order(shopper: Shopper, ledger: MemoryLedger) -> None:
    await shopper.say(
        "bonjour", "2 foulards satin et 1 foulard wax", "rose", "commander", "Yop", "derrière la gare"
    )
    await shopper.say("Aya")
    await shopper.pick("payment=wave")
    assert shopper.awaiting is Awaiting.CONFIRMATION
    answer = await shopper.say("oui")
    assert answer.replies[0].purpose is Purpose.ORDER_CONFIRMATION
    [order] = ledger.orders.values()
    assert order.basket.total_xof == 2 * 2000 + 2500 + 2000
    assert shopper.basket.closed


async def test_a_turn_asked_twice_has_one_answer(shopper: Shopper, ledger: MemoryLedger) -> None:
    await shopper.say("1 foulard wax pour yop wave", "derrière la gare", "Aya")
    turn = shopper.turn("oui")
    dialogue = shopper._dialogue
    assert await dialogue.ask(turn) == await dialogue.ask(turn)
    assert len(ledger.orders) == 1


async def test_yes_without_a_recap_confirms_nothing(shopper: Shopper, ledger: MemoryLedger) -> None:
    await shopper.say("oui", "1 foulard wax", "oui")
    assert ledger.orders == {}


async def test_a_yes_to_an_older_basket_confirms_nothing(shopper: Shopper, ledger: MemoryLedger) -> None:
    await shopper.say("1 foulard wax pour yop wave", "derrière la gare", "Aya")
    shopper.asked_version = 1
    await shopper.say("oui")
    assert ledger.orders == {}


async def test_after_a_cancellation_the_next_item_opens_another_basket(shopper: Shopper) -> None:
    await shopper.say("1 foulard wax", "annule")
    closed = shopper.basket
    await shopper.say("2 foulards wax")
    assert closed.closed
    assert shopper.basket.id != closed.id
    assert (shopper.basket.version, shopper.lines) == (1, [("foulard-wax", "", 2)])
