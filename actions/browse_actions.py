"""Looking around: products, prices, what is left, delivery, hours, ways to pay. Nothing here changes the basket."""

from __future__ import annotations

from actions import texts
from actions.absorbing import find, sold_out
from actions.base import ShopAction
from actions.basket_actions import show_category
from actions.questions import ask_again, ask_product, item_choices, product_choices
from actions.turns import Turn
from bot.core.catalogue import Product, match_commune
from bot.core.matching import Item
from bot.core.messages import Awaiting
from bot.core.money import francs


class BrowseCatalogue(ShopAction):
    """The categories, or the products of the one named."""

    title = "action_browse_catalogue"

    async def act(self, turn: Turn) -> None:
        category = turn.shelf.index.category_named(turn.text)
        items = find(turn).items
        if category is not None:
            show_category(turn, category)
        elif items:
            tell_items(turn, items)
        else:
            ask_product(turn)


class AskPrice(ShopAction):
    """What something costs; delivery when a commune is named instead."""

    title = "action_ask_price"

    async def act(self, turn: Turn) -> None:
        items = find(turn).items
        if items:
            tell_items(turn, items)
            return
        zone = match_commune(turn.text, turn.shelf.zones)
        category = turn.shelf.index.category_named(turn.text)
        product = turn.products.get(turn.topic or "")
        if zone is not None:
            tell_delivery(turn)
        elif category is not None:
            show_category(turn, category)
        elif product is not None:
            _tell(turn, product, None)
            ask_again(turn)
        else:
            ask_product(turn)


class AskAvailability(ShopAction):
    """Is it in stock, in this size or colour?"""

    title = "action_ask_availability"

    async def act(self, turn: Turn) -> None:
        items = find(turn).items
        category = turn.shelf.index.category_named(turn.text)
        near = turn.shelf.index.near(turn.text)
        if items:
            tell_items(turn, items)
        elif category is not None:
            show_category(turn, category)
        elif near and turn.pending is None:
            turn.say("utter_not_found_near", product_choices(near), Awaiting.PRODUCT)
        else:
            ask_product(turn)


def tell_items(turn: Turn, items: tuple[Item, ...]) -> None:
    """Price and stock of each item asked about, then an offer to take it or the question that was pending."""
    sure: list[tuple[Product, int | None]] = []
    for item in items:
        if item.product is None:
            turn.say("utter_which_of", item_choices(item), Awaiting.PRODUCT, phrase=item.phrase)
            return
        if item.product.sold_out:
            sold_out(turn, item.product)
            return
        sure.append((item.product, item.quantity))
    for product, quantity in sure:
        _tell(turn, product, quantity)
    if turn.pending is None or turn.pending in (Awaiting.OTHER, Awaiting.PRODUCT):
        choices = tuple(choice for item in items for choice in item_choices(item))
        turn.say("utter_offer", choices, Awaiting.PRODUCT)
    else:
        ask_again(turn)


def _tell(turn: Turn, product: Product, quantity: int | None) -> None:
    turn.topic = product.id
    options = "; ".join(f"{name} : {', '.join(values)}" for name, values in product.options)
    if quantity is not None and quantity > 1:
        turn.say(
            "utter_price_of_several",
            item=product.name,
            price=francs(product.price_xof),
            quantity=min(quantity, 999),
            total=francs(min(quantity, 999) * product.price_xof),
        )
    elif options:
        turn.say("utter_price_options", item=product.name, price=francs(product.price_xof), options=options)
    else:
        turn.say("utter_price", item=product.name, price=francs(product.price_xof))


class AskDelivery(ShopAction):
    """Fee and time for a commune, or the list of those served."""

    title = "action_ask_delivery"

    async def act(self, turn: Turn) -> None:
        tell_delivery(turn)


def tell_delivery(turn: Turn) -> None:
    """Fee and time for the commune named; else for all."""
    zone = match_commune(turn.text, turn.shelf.zones)
    if zone is not None:
        turn.say("utter_delivery", commune=zone.commune, fee=francs(zone.fee_xof), eta=zone.eta_text)
    else:
        fees = ", ".join(f"{z.commune} {francs(z.fee_xof)}" for z in turn.shelf.zones)
        turn.say("utter_delivery_all", fees=fees)
    ask_again(turn)


class AskHours(ShopAction):
    """Opening hours."""

    title = "action_ask_hours"

    async def act(self, turn: Turn) -> None:
        turn.say("utter_hours", shop=turn.shelf.shop.name, hours=turn.shelf.shop.hours)
        ask_again(turn)


class AskLocation(ShopAction):
    """Where the shop is: it delivers and can be called."""

    title = "action_ask_location"

    async def act(self, turn: Turn) -> None:
        turn.say("utter_location", shop=turn.shelf.shop.name, phone=turn.shelf.shop.phone)
        ask_again(turn)


class AskPayment(ShopAction):
    """Which ways to pay the shop takes."""

    title = "action_ask_payment"

    async def act(self, turn: Turn) -> None:
        methods = ", ".join(texts.payment(method, turn.language) for method in turn.shelf.shop.payments)
        turn.say("utter_payments", methods=methods)
        ask_again(turn)


class Negotiate(ShopAction):
    """Prices are the shop's; only a person may lower one."""

    title = "action_negotiate"

    async def act(self, turn: Turn) -> None:
        turn.say("utter_fixed_prices", turn.simple("talk_to_human"))
        ask_again(turn)
