"""What the shop remembers of a shopper, and what comes after an order: through real Rasa and a real ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count

import pytest
from sqlalchemy import select

from bot.core.messages import Awaiting
from bot.dialogue.rasa import RasaDialogue
from bot.ledger.engine import Ledger, open_ledger
from bot.ledger.models import OrderRow, Product
from tests.dialogue.conftest import Backend
from tests.dialogue.shopper import Shopper

_numbers = count(1)
CLOSED = 1_795_651_200.0
"""Thursday, 26 November 2026, 00:00 in Abidjan: the shop opens at 8 h."""
OPEN = CLOSED + 12 * 3600


@pytest.fixture
async def ledger(backend: Backend) -> AsyncIterator[Ledger]:
    opened = open_ledger(backend.database_url)
    yield opened
    await opened.close()


@pytest.fixture
def shopper(dialogue: RasaDialogue) -> Shopper:
    found = Shopper(dialogue, lane=f"memory-{next(_numbers)}")
    found.now = OPEN
    return found


async def statuses(ledger: Ledger, shopper: Shopper) -> list[str]:
    async with ledger.reading() as connection:
        found = await connection.scalars(
            select(OrderRow.status).where(OrderRow.conversation_id == shopper.lane).order_by(OrderRow.number)
        )
        return list(found)


async def stock(ledger: Ledger, product_id: str) -> int | None:
    async with ledger.reading() as connection:
        return await connection.scalar(
            select(Product.stock).where(Product.shop_id == "awa-mode", Product.id == product_id)
        )


async def order(shopper: Shopper) -> None:
    await shopper.say("1 foulard wax pour yop wave", "carrefour sable", "Ange", "oui")
    assert shopper.last_order_id is not None


async def test_the_last_address_and_payment_are_offered_and_a_yes_takes_them(
    shopper: Shopper, ledger: Ledger
) -> None:
    await order(shopper)
    await shopper.say("je veux 2 foulards satin noir", "c'est tout")
    assert "Comme la dernière fois : Yopougon, carrefour sable, paiement Wave ?" in shopper.heard
    await shopper.say("oui")
    assert shopper.awaiting is Awaiting.CONFIRMATION
    await shopper.say("oui")
    assert await statuses(ledger, shopper) == ["confirmed", "confirmed"]


async def test_another_address_is_asked_when_the_last_one_is_declined(shopper: Shopper) -> None:
    await order(shopper)
    await shopper.say("je veux 2 foulards satin noir", "c'est tout", "non")
    assert shopper.heard == "Dans quelle commune faut-il livrer ?"
    await shopper.say("cocody")
    assert shopper.awaiting is Awaiting.LANDMARK


@pytest.mark.parametrize("words", ["comme la dernière fois", "je veux la même commande"])
async def test_the_same_order_again_is_one_word_and_a_yes(shopper: Shopper, ledger: Ledger, words: str) -> None:
    await order(shopper)
    await shopper.say(words)
    assert shopper.lines == [("foulard-wax", "", 1)]
    assert shopper.awaiting is Awaiting.CONFIRMATION
    await shopper.say("oui")
    assert await statuses(ledger, shopper) == ["confirmed", "confirmed"]


async def test_an_order_that_is_not_out_is_cancelled_once_and_its_stock_comes_back(
    shopper: Shopper, ledger: Ledger
) -> None:
    before = await stock(ledger, "foulard-wax")
    await order(shopper)
    await shopper.say("annule ma commande")
    assert "J'annule votre commande AM-" in shopper.heard
    assert await statuses(ledger, shopper) == ["confirmed"]
    cancel = next(value for value in shopper.offered if value.startswith("cancel_yes="))
    turn = shopper.turn("", cancel)
    await shopper.pick(cancel)
    await shopper._dialogue.ask(replace(turn, turn_id="again"))
    assert await statuses(ledger, shopper) == ["cancelled"]
    assert await stock(ledger, "foulard-wax") == before


async def test_a_status_is_told_by_number_and_only_to_its_shopper(
    shopper: Shopper, dialogue: RasaDialogue
) -> None:
    await order(shopper)
    await shopper.say("ou est ma commande ?")
    number = next(word for word in shopper.heard.split() if word.startswith("AM-"))
    await shopper.say(f"ma commande {number.lower()} est où ?")
    assert number in shopper.heard
    stranger = Shopper(dialogue, lane=f"stranger-{next(_numbers)}")
    await stranger.say(f"ma commande {number} est où ?")
    assert number not in stranger.heard


async def test_a_shared_position_becomes_the_place_after_a_yes(shopper: Shopper, ledger: Ledger) -> None:
    await shopper.say("1 foulard wax", "je commande")
    await shopper.share(5.3360, -4.0687)
    assert "Yopougon" in shopper.heard
    await shopper.say("oui", "Ange", "wave")
    assert shopper.awaiting is Awaiting.CONFIRMATION
    assert "position partagée" in shopper.heard
    await shopper.say("oui")
    async with ledger.reading() as connection:
        row = (
            await connection.execute(
                select(OrderRow.commune, OrderRow.latitude).where(OrderRow.conversation_id == shopper.lane)
            )
        ).one()
    assert (row.commune, row.latitude) == ("Yopougon", 5.3360)


async def test_a_closed_shop_says_when_it_opens_and_takes_the_order(shopper: Shopper, ledger: Ledger) -> None:
    shopper.now = CLOSED
    await shopper.say("bonjour")
    assert "ouvre aujourd'hui à 8 h" in shopper.heard
    await order(shopper)
    assert "elle prépare votre commande aujourd'hui à 8 h" in shopper.heard
    assert await statuses(ledger, shopper) == ["confirmed"]


async def test_a_number_is_asked_once_where_none_is_known(shopper: Shopper) -> None:
    shopper.phone = None
    await shopper.say("1 foulard wax pour yop wave", "carrefour sable", "Ange")
    assert shopper.awaiting is Awaiting.PHONE
    await shopper.say("0707000009", "oui")
    assert shopper.last_order_id is not None
    await shopper.say("je veux la même commande")
    assert shopper.awaiting is Awaiting.CONFIRMATION


async def test_not_understood_is_a_rephrase_then_choices_then_a_person(shopper: Shopper) -> None:
    await shopper.say("asdkjh qsd")
    assert "Pouvez-vous le dire autrement ?" in shopper.heard
    await shopper.say("qsdqsd")
    assert "talk_to_human" in shopper.offered
    assert (await shopper.say("xxxx ttt")).hand_over


async def test_an_unserved_place_said_again_and_again_ends_at_a_person(shopper: Shopper) -> None:
    await shopper.say("1 foulard wax", "commander")
    answers = [await shopper.say("San Pedro") for _ in range(3)]
    assert [answer.hand_over for answer in answers] == [False, False, True]
