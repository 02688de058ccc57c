"""A shared position: it becomes the delivery place once the shopper has confirmed the commune."""

from __future__ import annotations

from dataclasses import replace

from actions.questions import ask_next
from actions.turns import Turn
from bot.core.checkout import read_landmark
from bot.core.communes import nearby
from bot.core.messages import Awaiting, Choice
from bot.core.money import francs


def take_place(turn: Turn, place: tuple[float, float]) -> None:
    """Keep the position; ask for its commune unless it is the one already known."""
    zones = {zone.commune: zone for zone in turn.shelf.zones}
    near = nearby(place, zones)
    known = turn.basket.checkout
    if not near:
        turn.say("utter_place_far", communes=", ".join(zones))
        ask_next(turn)
        return
    kept = replace(
        known,
        latitude=place[0],
        longitude=place[1],
        landmark=read_landmark(turn.text) or known.landmark,
    )
    if known.commune in near:
        turn.basket = turn.basket.changed(checkout=kept)
        turn.say("utter_place_noted")
        ask_next(turn)
        return
    turn.basket = turn.basket.changed(checkout=replace(kept, commune=None, fee_xof=None))
    first = zones[near[0]]
    choices = tuple(
        Choice(f"commune={name}", name, f"{francs(zones[name].fee_xof)}, {zones[name].eta_text}") for name in near
    )
    turn.say("utter_place_near", choices, Awaiting.COMMUNE, commune=first.commune, fee=francs(first.fee_xof))


def guessed(turn: Turn) -> str | None:
    """The commune guessed from a position, while it waits for a yes."""
    checkout = turn.basket.checkout
    waits = turn.pending is Awaiting.COMMUNE and checkout.commune is None and checkout.latitude is not None
    first = turn.offered[0] if turn.offered else ""
    return first.removeprefix("commune=") if waits and first.startswith("commune=") else None
