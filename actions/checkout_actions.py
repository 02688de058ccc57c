"""From the basket to the order: the form's answers, the recap, the one confirmation that places it."""

from __future__ import annotations

from dataclasses import replace

from actions import again, services, texts
from actions.absorbing import find, go_on, take_details
from actions.adding import add
from actions.base import ShopAction
from actions.changing import change, show_basket_or_ask
from actions.choosing import choose_product
from actions.fallbacks import not_understood
from actions.paying import offer_link
from actions.places import guessed
from actions.placing import place
from actions.questions import ask_again, ask_commune, ask_next, ask_product, reprice
from actions.services import LatestOrder
from actions.turns import Turn
from bot.core.checkout import missing, order_number, read_landmark, read_name, under_way
from bot.core.matching import Item
from bot.core.messages import Awaiting, Choice
from bot.core.money import francs
from bot.core.orders import CANCELLABLE, OrderStatus
from bot.core.words import hesitates


class StartCheckout(ShopAction):
    """ "Je commande": take what the message tells, then ask what is missing."""

    title = "action_start_checkout"
    least = 0.35

    async def act(self, turn: Turn) -> None:
        found = find(turn) if turn.choice is None else None
        if found is not None and found.items and not turn.basket.lines:
            add(turn)
            return
        if not turn.basket.lines:
            if not await offer_link(turn):
                show_basket_or_ask(turn)
            return
        if found is not None:
            take_details(turn, found.rest)
        ask_next(turn)


class GiveDetails(ShopAction):
    """A commune, phone or payment told in any order; items in the same breath are kept too."""

    title = "action_give_details"

    async def act(self, turn: Turn) -> None:
        found = find(turn)
        if any(item.product is not None for item in found.items):
            add(turn)
        elif take_details(turn, found.rest, turn.pending):
            go_on(turn)
        elif turn.intent == "give_commune" and turn.pending in (None, Awaiting.OTHER, Awaiting.COMMUNE):
            turn.say("utter_commune_unknown", communes=", ".join(zone.commune for zone in turn.shelf.zones))
            ask_again(turn)
        else:
            not_understood(turn)


class GiveAddress(ShopAction):
    """A landmark told before it was asked."""

    title = "action_give_address"

    async def act(self, turn: Turn) -> None:
        found = find(turn)
        if any(item.product is not None for item in found.items):
            add(turn)
            return
        landmark = read_landmark(turn.text)
        take_details(turn, found.rest)
        if landmark is not None and turn.basket.lines:
            turn.basket = turn.basket.changed(checkout=replace(turn.basket.checkout, landmark=landmark))
            go_on(turn)
        elif turn.changed:
            go_on(turn)
        else:
            not_understood(turn)


class GiveName(ShopAction):
    """A name told before it was asked."""

    title = "action_give_name"

    async def act(self, turn: Turn) -> None:
        name = read_name(turn.text)
        if name is None:
            not_understood(turn)
            return
        turn.basket = turn.basket.changed(checkout=replace(turn.basket.checkout, name=name))
        turn.outcome(customer_name=name)
        turn.say("utter_name_noted", name=name)
        if under_way(turn.basket, turn.pending):
            ask_next(turn)


class Confirm(ShopAction):
    """ "Oui": places the order only if it answers the recap of exactly this basket; else it confirms nothing."""

    title = "action_confirm"
    least = 0.6

    async def act(self, turn: Turn) -> None:
        if turn.pending is not Awaiting.CONFIRMATION:
            _nothing_to_confirm(turn)
            return
        reprice(turn)
        told_more = False
        if turn.choice is None:
            found = find(turn)
            told_more = bool(found.items) and not _repeats(turn, found.items)
            take_details(turn, found.rest)
        unsure = told_more or (turn.choice is None and hesitates(turn.text))
        if unsure or not turn.confirmable or missing(turn.basket, turn.products) is not None:
            turn.say("utter_confirm_again")
            ask_next(turn)
            return
        await place(turn)


def _repeats(turn: Turn, items: tuple[Item, ...]) -> bool:
    """Do the items only name what is in the basket ("oui les 2 foulards")?"""
    return all(
        any(
            line.product_id == candidate.product.id and item.quantity in (None, line.quantity)
            for candidate in item.candidates
            for line in turn.basket.lines
        )
        for item in items
    )


def _nothing_to_confirm(turn: Turn) -> None:
    commune = guessed(turn)
    if again.offered(turn):
        again.apply(turn)
    elif commune is not None:
        take_details(turn, commune, Awaiting.COMMUNE)
        ask_next(turn)
    elif turn.pending is None or turn.pending is Awaiting.OTHER:
        choices = ("checkout", "browse_catalogue") if turn.basket.lines else ("browse_catalogue",)
        turn.say("utter_nothing_to_confirm", turn.simple(*choices), Awaiting.OTHER)
    elif (
        turn.pending is Awaiting.PRODUCT and len(turn.offered) == 1 and turn.offered[0].startswith("product=")
    ):
        choose_product(turn, turn.offered[0].split("=", 1)[1])
    elif turn.pending is Awaiting.PRODUCT and not turn.offered:
        ask_product(turn)
    else:
        ask_again(turn)


class Deny(ShopAction):
    """ "Non": to the recap it asks what to change; to "anything else?" it goes to the checkout."""

    title = "action_deny"
    least = 0.5

    async def act(self, turn: Turn) -> None:
        found = find(turn) if turn.choice is None else None
        if found is not None and found.items:
            change(turn)
            return
        if found is not None and take_details(turn, found.rest):
            go_on(turn)
            return
        if again.offered(turn):
            again.choose(turn, "other")
        elif guessed(turn) is not None:
            ask_commune(turn)
        elif turn.pending is Awaiting.CONFIRMATION:
            ask_what_to_change(turn)
        elif turn.pending is Awaiting.OTHER and turn.basket.lines:
            ask_next(turn)
        elif turn.pending is None or turn.pending in (Awaiting.OTHER, Awaiting.PRODUCT):
            choices = (
                ("checkout", "browse_catalogue")
                if turn.basket.lines
                else ("browse_catalogue", "talk_to_human")
            )
            turn.say("utter_as_you_like", turn.simple(*choices), Awaiting.OTHER)
        else:
            ask_again(turn)


def ask_what_to_change(turn: Turn) -> None:
    """Each part of the recap as a choice."""
    fields = ("items", "commune", "landmark", "name", "phone", "payment")
    choices = turn.simple(*(f"field={field}" for field in fields), "cancel_order")
    turn.say("utter_what_to_change", choices, Awaiting.OTHER)


class ModifyOrder(ShopAction):
    """ "Je veux changer": what the message says is applied, else it is asked what."""

    title = "action_modify_order"

    async def act(self, turn: Turn) -> None:
        if turn.choice is None and take_details(turn, find(turn).rest):
            go_on(turn)
        elif turn.basket.lines:
            ask_what_to_change(turn)
        else:
            show_basket_or_ask(turn)


class CancelOrder(ShopAction):
    """Drop the basket; an order already placed is cancelled after a yes, while it is not on its way."""

    title = "action_cancel_order"
    least = 0.5

    async def act(self, turn: Turn) -> None:
        if turn.basket.lines:
            turn.say("utter_cancelled")
            turn.say("utter_anything", turn.simple("browse_catalogue"), Awaiting.OTHER)
            turn.outcome(restart=True)
            turn.close_basket()
            turn.topic = None
            return
        order = await _order_meant(turn)
        if order is None or order.status is OrderStatus.CANCELLED:
            turn.say("utter_nothing_to_cancel", turn.simple("browse_catalogue"), Awaiting.OTHER)
        elif order.status not in CANCELLABLE:
            _too_late(turn, order.number)
        else:
            choices = tuple(
                Choice(f"{name}={order.number}", texts.title(name, turn.language))
                for name in ("cancel_yes", "cancel_no")
            )
            turn.say("utter_cancel_placed", choices, Awaiting.OTHER, number=order.number)


async def cancel_placed(turn: Turn, number: str) -> None:
    """The shopper said yes: cancel the order of that number, if it is theirs and not out yet."""
    order = await services.current().latest(turn.conversation_id, number)
    if order is None:
        turn.say("utter_no_order")
        ask_again(turn)
    elif await services.current().cancel(turn.shop_id, order.id):
        turn.say("utter_order_cancelled", number=order.number)
    else:
        _too_late(turn, order.number)


def _too_late(turn: Turn, number: str) -> None:
    turn.say(
        "utter_too_late_to_cancel",
        turn.simple("talk_to_human"),
        Awaiting.OTHER,
        number=number,
        phone=turn.shelf.shop.phone,
    )


async def _order_meant(turn: Turn) -> LatestOrder | None:
    """The order whose number the text names, else the last one; only ever of this shopper."""
    number = order_number(turn.text) if turn.choice is None else None
    if number is None and turn.last is not None:
        return turn.last
    return await services.current().latest(turn.conversation_id, number)


class AskOrderStatus(ShopAction):
    """Where the order is: that of the number named, else the last one."""

    title = "action_ask_order_status"

    async def act(self, turn: Turn) -> None:
        order = await _order_meant(turn)
        if order is None:
            turn.say("utter_no_order")
        else:
            turn.say(
                "utter_order_status",
                number=order.number,
                status=texts.status(order.status, turn.language),
                total=francs(order.total_xof),
            )
        ask_again(turn)
