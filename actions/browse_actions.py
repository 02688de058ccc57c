"""Looking around: products, prices, what is left, delivery, hours, ways to pay. Nothing here changes the basket."""

from __future__ import annotations

from actions import texts
from actions.absorbing import find
from actions.adding import not_found
from actions.base import ShopAction
from actions.paying import offer_link
from actions.questions import ask_again, ask_product
from actions.telling import tell_delivery, tell_named, tell_product
from actions.turns import Turn
from bot.core.catalogue import match_commune
from bot.core.words import first_number


class BrowseCatalogue(ShopAction):
    """The products named, those of the category named, or the categories."""

    title = "action_browse_catalogue"

    async def act(self, turn: Turn) -> None:
        if not tell_named(turn):
            ask_product(turn)


class AskPrice(ShopAction):
    """What something costs; delivery when a commune is named instead; "c'est combien ?" is about the last product."""

    title = "action_ask_price"

    async def act(self, turn: Turn) -> None:
        if match_commune(turn.text, turn.shelf.zones) is not None and not find(turn).items:
            tell_delivery(turn)
        elif not tell_named(turn):
            product = turn.products.get(turn.topic or "")
            if product is not None:
                tell_product(turn, product, first_number(turn.text))
                ask_again(turn)
            else:
                not_found(turn, turn.text)


class AskAvailability(ShopAction):
    """Is it in stock, in this size or colour?"""

    title = "action_ask_availability"

    async def act(self, turn: Turn) -> None:
        if not tell_named(turn):
            not_found(turn, turn.text)


class AskDelivery(ShopAction):
    """Fee and time for a commune, or the list of those served."""

    title = "action_ask_delivery"

    async def act(self, turn: Turn) -> None:
        tell_delivery(turn)


class AskHours(ShopAction):
    """Opening hours."""

    title = "action_ask_hours"

    async def act(self, turn: Turn) -> None:
        turn.say("utter_hours", shop=turn.shelf.shop.name, hours=turn.shelf.shop.hours)
        if turn.opens is not None:
            turn.say("utter_closed", when=turn.opens)
        ask_again(turn)


class AskLocation(ShopAction):
    """Where the shop is: it delivers and can be called."""

    title = "action_ask_location"

    async def act(self, turn: Turn) -> None:
        turn.say("utter_location", shop=turn.shelf.shop.name, phone=turn.shelf.shop.phone)
        ask_again(turn)


class AskPayment(ShopAction):
    """Which ways to pay the shop takes; with an order to pay by link, that link."""

    title = "action_ask_payment"

    async def act(self, turn: Turn) -> None:
        if turn.pending is None and await offer_link(turn):
            return
        methods = ", ".join(texts.payment(method, turn.language) for method in turn.shelf.shop.payments)
        turn.say("utter_payments", methods=methods)
        ask_again(turn)


class Negotiate(ShopAction):
    """Prices are the shop's; only a person may lower one."""

    title = "action_negotiate"

    async def act(self, turn: Turn) -> None:
        turn.say("utter_fixed_prices", turn.simple("talk_to_human"))
        ask_again(turn)
