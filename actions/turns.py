"""One turn as an action sees it: context in, words and one ``result`` out. The basket is never written here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import services, texts
from actions.services import LatestOrder, Shelf
from bot.core import hours
from bot.core.basket import Basket, from_dict, to_dict
from bot.core.catalogue import Product
from bot.core.messages import Awaiting, Choice, Purpose

MAX_CHOICES = 10
"""What WhatsApp's longest list carries."""


class Turn:
    """The running turn of one action. Read it, say things, change ``basket``; ``events`` is the outcome."""

    def __init__(self, dispatcher: CollectingDispatcher, tracker: Tracker, shelf: Shelf) -> None:
        given: dict[str, Any] = tracker.get_slot("turn")
        self._dispatcher = dispatcher
        self.shelf = shelf
        self.conversation_id = str(tracker.sender_id)
        self.turn_id = str(given["turn_id"])
        self.shop_id = str(given["shop_id"])
        self.channel = str(given["channel"])
        self.customer_id = str(given["customer_id"])
        self.customer_name: str | None = given.get("customer_name")
        self.known_phone: str | None = given.get("known_phone")
        self.text = str(given.get("text") or "")
        self.choice: str | None = given.get("choice")
        self.offered = tuple(str(value) for value in given.get("offered") or ())
        self.pending = Awaiting(given["awaiting"]) if given.get("awaiting") else None
        self.asked_version: int | None = given.get("asked_version")
        self.last_order_id: str | None = given.get("last_order_id")
        place = given.get("place")
        self.place: tuple[float, float] | None = (float(place[0]), float(place[1])) if place else None
        self.now = float(given.get("now") or 0.0)
        self.last: LatestOrder | None = None
        """The shopper's last order."""
        self.fresh_address = False
        """The last address was declined: it is not offered again in this turn."""
        self.language = str(tracker.get_slot("language") or given.get("language") or "fr")
        self._language_before = str(given.get("language") or "fr")
        message = tracker.latest_message
        self.intent = str((message.get("intent") or {}).get("name") or "nlu_fallback")
        self.confidence = float((message.get("intent") or {}).get("confidence") or 0.0)
        self.topic: str | None = tracker.get_slot("topic")
        self.misunderstood = int(tracker.get_slot("misunderstood") or 0)
        self.understood = True
        self._given = from_dict(given["basket"])
        self.basket = Basket(id="", version=0) if self._given.closed else self._given
        self._awaiting: Awaiting | None = None
        self._said = False
        self._result: dict[str, Any] = {}

    @classmethod
    async def load(cls, dispatcher: CollectingDispatcher, tracker: Tracker) -> Turn:
        """Read the turn's context and the shop. Raises when the ledger does not answer: the turn must fail."""
        given = tracker.get_slot("turn") or {}
        turn = cls(dispatcher, tracker, await services.current().shelf(str(given["shop_id"])))
        if turn.last_order_id is not None:
            turn.last = await services.current().latest(turn.conversation_id)
        return turn

    @property
    def products(self) -> dict[str, Product]:
        """The shop's products by id."""
        return dict(self.shelf.index.products)

    @property
    def opens(self) -> str | None:
        """When the shop, closed now, opens again, as one says it; None while it is open."""
        shop = self.shelf.shop
        at = hours.opens_at(shop.week, shop.timezone, self.now) if self.now else None
        return None if at is None else hours.spoken(at, shop.timezone, self.now, self.language)

    @property
    def changed(self) -> bool:
        """Does the basket differ from the one the turn began with? A closed one gives way to whatever is in the new one."""
        before = Basket(id="") if self._given.closed else self._given
        return (self.basket.lines, self.basket.checkout) != (before.lines, before.checkout)

    @property
    def confirmable(self) -> bool:
        """Does the pending question confirm exactly this basket?"""
        return (
            self.pending is Awaiting.CONFIRMATION
            and not self._given.closed
            and not self.changed
            and self.asked_version == self._given.version
        )

    def chosen(self, name: str) -> str | None:
        """The value of a picked choice of this name (``product=...``), or None."""
        if self.choice is None or not self.choice.startswith(f"{name}="):
            return None
        return self.choice.split("=", 1)[1]

    def say(
        self,
        response: str,
        choices: tuple[Choice, ...] = (),
        awaiting: Awaiting | None = None,
        purpose: Purpose | None = None,
        image: str = "",
        **values: str | int,
    ) -> None:
        """Queue a reply: a response of domain.yml with its variables. ``awaiting`` makes it the pending question.

        ``image``: a picture's path below the public address.
        """
        self._said = True
        if awaiting is not None:
            self._awaiting = awaiting
        custom: dict[str, Any] = {
            "choices": [
                {"value": c.value, "title": c.title, "description": c.description}
                for c in choices[:MAX_CHOICES]
            ]
        }
        if awaiting is not None:
            custom["awaiting"] = awaiting.value
        if image:
            custom["image"] = image
        if purpose is not None or awaiting is not None:
            custom["purpose"] = (purpose or Purpose.QUESTION).value
        self._dispatcher.utter_message(response=response, json_message=custom, **values)

    def simple(self, *values: str) -> tuple[Choice, ...]:
        """Bare choices with their titles in the shopper's language."""
        return tuple(Choice(value, texts.title(value, self.language)) for value in values)

    def outcome(self, **entries: Any) -> None:
        """Add to the result: ``customer_name``, ``hand_over``, ``order_id``, ``move_to``, ``restart``."""
        self._result.update(entries)

    def close_basket(self) -> None:
        """The basket was placed or cancelled; the next item opens a new one."""
        self._result["closed"] = True

    def events(self) -> list[dict[str, Any]]:
        """The whole outcome as slot events, ``result`` first."""
        result = dict(self._result)
        closed = bool(result.pop("closed", False))
        result["basket"] = to_dict(self._final_basket(closed))
        result["awaiting"] = self._awaiting.value if self._awaiting is not None else None
        if self.language != self._language_before:
            result["language"] = self.language
        if not self._said:
            result["silent"] = True
        return [
            SlotSet("result", result),
            SlotSet("topic", self.topic),
            SlotSet("misunderstood", 0 if self.understood else self.misunderstood + 1),
        ]

    def _final_basket(self, closed: bool) -> Basket:
        if closed:
            return replace(self.basket, version=self._given.version + 1, closed=True)
        if not self.changed:
            return self._given
        if self._given.closed:
            return replace(self.basket, id="", version=1)
        return replace(self.basket, version=self._given.version + 1)
