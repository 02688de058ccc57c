"""What the actions promise when the ledger is away, and how often they read it. Without Rasa."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import services
from actions.browse_actions import AskPayment, BrowseCatalogue
from actions.checkout_actions import Confirm
from actions.services import FRESH, Services
from bot.core.basket import Basket, BasketLine, Checkout, to_dict
from tests.dialogue.memory_ledger import SHOPS, MemoryLedger

READY = Basket(
    "basket-1",
    4,
    (BasketLine("foulard-wax", "Foulard wax", (), 2, 2500),),
    Checkout("Aya", "+2250707000001", "Yopougon", 2000, "carrefour", payment="wave"),
)


def tracker(basket: Basket, intent: str = "confirm", text: str = "oui", **context: Any) -> Tracker:
    """A tracker as Rasa sends it, cut to what actions read."""
    turn = {
        "turn_id": "turn-1",
        "shop_id": "awa-mode",
        "channel": "whatsapp",
        "language": "fr",
        "customer_id": "customer-1",
        "customer_name": "Aya",
        "known_phone": "+2250707000001",
        "basket": to_dict(basket),
        "awaiting": "confirmation",
        "asked_version": basket.version,
        "last_order_id": None,
        "offered": ["confirm"],
        "text": text,
        "choice": None,
        **context,
    }
    message = {"text": text, "intent": {"name": intent, "confidence": 1.0}, "entities": []}
    return Tracker("lane-1", {"turn": turn, "language": "fr"}, message, [], False, None, {}, "action_listen")


@pytest.fixture
def ledger() -> MemoryLedger:
    memory = MemoryLedger(SHOPS)
    services.use(Services(memory))
    return memory


async def result(action: Any, given: Tracker) -> dict[str, Any]:
    events = await action.run(CollectingDispatcher(), given, {})
    return {event["name"]: event["value"] for event in events}["result"]


async def test_a_confirmed_recap_is_placed_and_closes_the_basket(ledger: MemoryLedger) -> None:
    outcome = await result(Confirm(), tracker(READY))
    assert (outcome["order_id"], outcome["restart"]) == ("order-1", True)
    assert (outcome["basket"]["closed"], outcome["basket"]["version"]) == (True, 5)


@pytest.mark.parametrize(("shop", "said"), [("coton-doux", "Wave, le lien de la commande R-0001 arrive"), ("awa-mode", "Orange Money")])
async def test_who_wants_to_pay_an_order_gets_its_link_where_the_shop_has_one(
    ledger: MemoryLedger, shop: str, said: str
) -> None:
    await result(Confirm(), tracker(READY))
    asked = tracker(
        Basket("basket-2", 0), "ask_payment", "je veux payer", shop_id=shop, awaiting=None, asked_version=None
    )
    heard = CollectingDispatcher()
    await AskPayment().run(heard, asked, {})
    assert said in str(heard.messages[0])


async def test_a_ledger_that_is_down_fails_the_action(ledger: MemoryLedger) -> None:
    ledger.down = True
    with pytest.raises(ConnectionError):
        await result(Confirm(), tracker(READY))


async def test_a_ledger_that_hangs_fails_the_action_in_time(
    ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging(MemoryLedger):
        async def place(self, request: Any) -> Any:
            await asyncio.Event().wait()

    monkeypatch.setattr(services, "PATIENCE", 0.01)
    services.use(Services(Hanging(SHOPS)))
    with pytest.raises(TimeoutError):
        await result(Confirm(), tracker(READY))


async def test_stock_sold_meanwhile_leads_to_a_new_recap(ledger: MemoryLedger) -> None:
    ledger.set_stock("awa-mode", "foulard-wax", 1)
    outcome = await result(Confirm(), tracker(READY))
    assert "order_id" not in outcome
    assert outcome["awaiting"] == "confirmation"
    assert outcome["basket"]["lines"][0]["quantity"] == 1
    assert ledger.orders == {}


async def test_an_unchanged_basket_keeps_its_version(ledger: MemoryLedger) -> None:
    outcome = await result(BrowseCatalogue(), tracker(READY, "browse_catalogue", "vos robes"))
    assert outcome["basket"] == to_dict(READY)


async def test_a_closed_basket_comes_back_as_it_was_until_something_is_added(ledger: MemoryLedger) -> None:
    closed = Basket("basket-1", 5, READY.lines, READY.checkout, closed=True)
    given = tracker(closed, "browse_catalogue", "vos robes", awaiting=None, asked_version=None)
    assert (await result(BrowseCatalogue(), given))["basket"] == to_dict(closed)


async def test_the_catalogue_is_read_once_in_some_seconds() -> None:
    class Counting(MemoryLedger):
        reads = 0

        async def catalogue(self, shop_id: str) -> Any:
            self.reads += 1
            return await super().catalogue(shop_id)

    ledger, now = Counting(SHOPS), [0.0]
    held = Services(ledger, lambda: now[0])
    first = await held.shelf("awa-mode")
    await held.shelf("awa-mode")
    assert ledger.reads == 1
    now[0] = FRESH
    assert (await held.shelf("awa-mode")).index is first.index
    assert ledger.reads == 2
