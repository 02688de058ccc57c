"""A product's picture is sent when it is asked for, with name, price and what to do next. Without Rasa."""

from __future__ import annotations

from typing import Any

import pytest
from rasa_sdk.executor import CollectingDispatcher

from actions import services
from actions.base import ShopAction
from actions.basket_actions import Choose
from actions.browse_actions import AskAvailability, AskPrice, BrowseCatalogue
from actions.services import Services
from bot.core.basket import Basket
from tests.dialogue.memory_ledger import SHOPS, MemoryLedger
from tests.dialogue.test_actions import READY, tracker

ZOE = "zoe-accessoires"
BAG = f"/photos/{ZOE}/sac-pagne/0123456789abcdef"
TAKE = ["product=sac-pagne", "browse_catalogue"]

Said = list[tuple[str, str | None, list[str]]]


@pytest.fixture(autouse=True)
def ledger() -> MemoryLedger:
    memory = MemoryLedger(SHOPS)
    services.use(Services(memory))
    return memory


async def said(action: ShopAction, text: str, intent: str = "browse_catalogue", **context: Any) -> Said:
    """(response, picture, values of choices) of each reply to a shopper of Zoé who ordered nothing yet."""
    dispatcher = CollectingDispatcher()
    more = {"shop_id": ZOE, "awaiting": None, "asked_version": None, **context}
    topic = more.pop("topic", None)
    given = tracker(more.pop("basket", Basket("basket-1", 0)), intent, text, **more)
    given.slots["topic"] = topic
    await action.run(dispatcher, given, {})
    return [
        (m["response"], m["custom"].get("image"), [choice["value"] for choice in m["custom"]["choices"]])
        for m in dispatcher.messages
    ]


@pytest.mark.parametrize(
    ("action", "intent", "text"),
    [
        (BrowseCatalogue(), "browse_catalogue", "photo du sac pagne"),
        (BrowseCatalogue(), "browse_catalogue", "montre moi le sac pagne"),
        (AskAvailability(), "ask_availability", "vous avez la photo du sac pagne ?"),
        (AskPrice(), "ask_price", "c'est combien le sac pagne, envoie l'image"),
    ],
)
async def test_the_picture_comes_with_name_price_and_buttons(action: ShopAction, intent: str, text: str) -> None:
    assert await said(action, text, intent) == [("utter_price", BAG, []), ("utter_offer", None, TAKE)]


async def test_a_price_alone_brings_no_picture() -> None:
    assert [image for _, image, _ in await said(AskPrice(), "c'est combien le sac pagne", "ask_price")] == [None, None]


async def test_a_product_without_a_picture_is_told_so() -> None:
    assert await said(BrowseCatalogue(), "photo du sac banane") == [
        ("utter_no_picture", None, []),
        ("utter_price_options", None, []),
        ("utter_offer", None, ["product=sac-banane", "browse_catalogue"]),
    ]


async def test_which_of_several_is_asked_and_the_picked_one_is_shown_not_taken() -> None:
    [(response, _, offered)] = await said(BrowseCatalogue(), "photo du sac")
    assert (response, set(offered)) == (
        "utter_which_of",
        {f"photo=sac-{kind}" for kind in ("main-cuir", "dos-cuir", "pagne", "banane")},
    )
    shown = [("utter_price", BAG, []), ("utter_offer", None, TAKE)]
    assert await said(Choose(), "Sac pagne", "choose", choice="photo=sac-pagne", awaiting="product") == shown
    asked = {"awaiting": "product", "offered": offered}
    assert await said(BrowseCatalogue(), "pagne", "add_to_cart", **asked) == shown
    assert await said(BrowseCatalogue(), "le sac pagne", "add_to_cart", **asked) == shown


async def test_the_picture_of_what_was_just_spoken_of() -> None:
    assert await said(BrowseCatalogue(), "envoie la photo", topic="sac-pagne") == [
        ("utter_price", BAG, []),
        ("utter_offer", None, TAKE),
    ]
    [(response, _, _)] = await said(BrowseCatalogue(), "envoyez les photos")
    assert response == "utter_categories"


async def test_in_a_checkout_the_picture_is_shown_and_the_question_put_again() -> None:
    recap = {"basket": READY, "awaiting": "confirmation", "asked_version": READY.version, "shop_id": "awa-mode"}
    first, *others = await said(BrowseCatalogue(), "photo du foulard wax", **recap)
    assert first == ("utter_price", "/photos/awa-mode/foulard-wax/0123456789abcdef", [])
    assert others and "utter_offer" not in [response for response, _, _ in others]


async def test_what_is_sold_out_is_not_shown(ledger: MemoryLedger) -> None:
    ledger.set_stock(ZOE, "sac-pagne", 0)
    assert {image for _, image, _ in await said(BrowseCatalogue(), "photo du sac pagne")} == {None}
