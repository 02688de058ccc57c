"""When the classifier does not know: the text may still speak for itself, and a person is never far."""

from __future__ import annotations

from actions.absorbing import find
from actions.adding import add
from actions.questions import ask_again
from actions.telling import tell_items
from actions.turns import Turn
from bot.core.catalogue import match_commune
from bot.core.checkout import names_payment, read_phone
from bot.core.messages import Awaiting
from bot.core.words import asks


def fallback(turn: Turn) -> None:
    """Items, a commune, a phone or a payment found in the text speak for themselves."""
    items = find(turn).items
    if items and asks(turn.text):
        tell_items(turn, items)
        return
    tells = (
        bool(items)
        or match_commune(turn.text, turn.shelf.zones) is not None
        or read_phone(turn.text) is not None
        or names_payment(turn.text)
        or turn.shelf.index.category_named(turn.text) is not None
    )
    if tells:
        add(turn)
    else:
        not_understood(turn)


def not_understood(turn: Turn) -> None:
    """First ask to say it otherwise, then offer ways on, then call a person: never a loop."""
    turn.understood = False
    if turn.misunderstood >= 2:
        turn.say("utter_handing_over")
        turn.outcome(hand_over=True)
        turn.understood = True
        return
    waiting = turn.pending is not None and turn.pending is not Awaiting.OTHER
    if turn.misunderstood == 0:
        turn.say("utter_not_understood")
        if not waiting:
            turn.say("utter_say_otherwise", awaiting=Awaiting.OTHER)
    elif waiting:
        turn.say("utter_still_not_understood")
    else:
        choices = turn.simple("browse_catalogue", "view_cart", "talk_to_human")
        turn.say("utter_choose_one", choices, Awaiting.OTHER)
    ask_again(turn)
