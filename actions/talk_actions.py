"""Everything that is not shopping: greetings, help, a person, another channel, what was not understood."""

from __future__ import annotations

import re

from actions import texts
from actions.absorbing import find
from actions.base import ShopAction
from actions.fallbacks import fallback
from actions.questions import ask_again
from actions.telling import tell_items
from actions.turns import Turn
from bot.core.catalogue import match_commune
from bot.core.checkout import under_way
from bot.core.messages import Awaiting, Choice
from bot.core.words import fold

_CHANNEL_WORDS = {
    "telegram": r"tele ?gram|\btg\b",
    "sms": r"\bsms\b|texto|message simple|messages? normal",
    "whatsapp": r"what?s ?app?|watsap|wathsapp|\bwhat?sap\b|\bwa\b",
    "web": r"\bweb\b|page|site|\blien\b|navigateur|internet",
}


class Greet(ShopAction):
    """Welcome; an order under way goes on where it was."""

    title = "action_greet"
    least = 0.4

    async def act(self, turn: Turn) -> None:
        if find(turn).items or match_commune(turn.text, turn.shelf.zones):
            fallback(turn)
        elif under_way(turn.basket, turn.pending) or turn.pending is Awaiting.OPTION:
            turn.say("utter_welcome_back")
            ask_again(turn)
        else:
            choices = (
                ("checkout", "view_cart", "browse_catalogue") if turn.basket.lines else ("browse_catalogue",)
            )
            status = ("ask_order_status",) if turn.last_order_id else ()
            again = ("again=order",) if turn.last is not None and not turn.basket.lines else ()
            turn.say("utter_greet", shop=turn.shelf.shop.name)
            if turn.opens is not None:
                turn.say("utter_closed", when=turn.opens)
            turn.say(
                "utter_what_can_i_do",
                turn.simple(*again, *choices, *status, "talk_to_human"),
                Awaiting.OTHER,
            )


class SmallTalk(ShopAction):
    """A word in passing: thanks, goodbye, "are you a robot?"; the open question stays open."""

    title = "action_small_talk"
    least = 0.4

    async def act(self, turn: Turn) -> None:
        if turn.intent == "goodbye" and turn.basket.lines:
            turn.say("utter_basket_kept")
            turn.say("utter_remind", turn.simple("remind_yes", "remind_no"), Awaiting.OTHER)
            return
        turn.say(f"utter_{turn.intent}", shop=turn.shelf.shop.name, phone=turn.shelf.shop.phone)
        ask_again(turn)


class Help(ShopAction):
    """What can be done here."""

    title = "action_help"

    async def act(self, turn: Turn) -> None:
        choices = turn.simple("browse_catalogue", "view_cart", "ask_order_status", "talk_to_human")
        if turn.pending is None or turn.pending is Awaiting.OTHER:
            turn.say("utter_help", choices, Awaiting.OTHER)
        else:
            turn.say("utter_help")
            ask_again(turn)


class OutOfScope(ShopAction):
    """Not ours to answer; products named in it are still shown."""

    title = "action_out_of_scope"

    async def act(self, turn: Turn) -> None:
        items = tuple(item for item in find(turn).items if item.product is not None)
        if items:
            tell_items(turn, items)
            return
        open_question = turn.pending is not None and turn.pending is not Awaiting.OTHER
        turn.say("utter_out_of_scope")
        if not open_question:
            turn.say("utter_anything", turn.simple("browse_catalogue", "talk_to_human"), Awaiting.OTHER)
        ask_again(turn)


class TalkToHuman(ShopAction):
    """A person takes over; the bot is silent from here."""

    title = "action_talk_to_human"
    least = 0.5

    async def act(self, turn: Turn) -> None:
        turn.say("utter_complaint" if turn.intent == "complaint" else "utter_handing_over")
        turn.outcome(hand_over=True)


class ChangeChannel(ShopAction):
    """The shopper wants to go on elsewhere."""

    title = "action_change_channel"
    least = 0.4

    async def act(self, turn: Turn) -> None:
        folded = fold(turn.text)
        named = {
            channel: [found.start() for found in re.finditer(pattern, folded)]
            for channel, pattern in _CHANNEL_WORDS.items()
            if channel != turn.channel
        }
        last = max(((places[-1], channel) for channel, places in named.items() if places), default=None)
        if last is None:
            choices = tuple(
                Choice(f"channel={name}", title)
                for name, title in texts.CHANNELS.items()
                if name != turn.channel
            )
            turn.say("utter_which_channel", choices, Awaiting.OTHER)
            return
        turn.outcome(move_to=last[1])
        turn.say("utter_moving", channel=texts.CHANNELS[last[1]])
        ask_again(turn)


class OptOut(ShopAction):
    """In the middle of an order it is asked what is to stop; only STOP itself closes an address."""

    title = "action_opt_out"
    least = 0.5

    async def act(self, turn: Turn) -> None:
        if turn.basket.lines:
            turn.say("utter_opt_out_order", turn.simple("cancel_order", "checkout"), Awaiting.OTHER)
        else:
            turn.say("utter_opt_out")


class Fallback(ShopAction):
    """Not understood by the classifier: what the text itself tells is still taken."""

    title = "action_fallback"

    async def act(self, turn: Turn) -> None:
        fallback(turn)
