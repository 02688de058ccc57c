"""Putting things into the basket, changing and removing them, looking at it."""

from __future__ import annotations

from actions.absorbing import go_on
from actions.adding import add
from actions.base import ShopAction
from actions.changing import change, change_option, remove, show_basket_or_ask
from actions.checkout_actions import cancel_placed
from actions.choosing import choose
from actions.turns import Turn


class AddToCart(ShopAction):
    """Items, and all else the message tells."""

    title = "action_add_to_cart"

    async def act(self, turn: Turn) -> None:
        add(turn)


class ChangeQuantity(ShopAction):
    """ "Uniwax c'est 3 finalement": the line gets that quantity; something not in the basket is added."""

    title = "action_change_quantity"

    async def act(self, turn: Turn) -> None:
        change(turn)


class ChangeOption(ShopAction):
    """ "Finalement en L", "pas rouge, bleu": another value of an option in a line."""

    title = "action_change_option"

    async def act(self, turn: Turn) -> None:
        change_option(turn)


class RemoveFromCart(ShopAction):
    """ "Enlève le boubou", "enlève 1"."""

    title = "action_remove_from_cart"
    least = 0.4

    async def act(self, turn: Turn) -> None:
        remove(turn)


class ViewCart(ShopAction):
    """The basket, then the open question or what can be done."""

    title = "action_view_cart"

    async def act(self, turn: Turn) -> None:
        show_basket_or_ask(turn)
        if turn.basket.lines:
            go_on(turn, told=True)


class Choose(ShopAction):
    """A picked choice ``name=value``."""

    title = "action_choose"

    async def act(self, turn: Turn) -> None:
        number = turn.chosen("cancel_yes")
        if number is not None:
            await cancel_placed(turn, number)
        else:
            choose(turn)
