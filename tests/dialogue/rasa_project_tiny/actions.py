"""Actions of the tiny project: each shows one thing an action may do to a turn.

``TINY_FOLDER`` is where effects are written (one line a run of ``action_add``) and where faults are set: a file
``raise`` makes ``action_boom`` raise, ``slow`` makes it hang.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

from rasa_sdk import Action, FormValidationAction, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

Events = list[dict[str, Any]]
HANG = 30.0


def folder() -> Path:
    return Path(os.environ["TINY_FOLDER"])


def given(tracker: Tracker) -> dict[str, Any]:
    """The turn's context; stock Rasa, in the benchmark, sends none."""
    return tracker.get_slot("turn") or {"turn_id": "stock", "text": "", "basket": {"version": 0, "lines": []}}


def with_checkout(tracker: Tracker, **known: Any) -> dict[str, Any]:
    basket = given(tracker)["basket"]
    return {**basket, "version": basket["version"] + 1, "checkout": {**basket.get("checkout", {}), **known}}


class Greet(Action):
    def name(self) -> str:
        return "action_greet"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(
            response="utter_greet",
            who=given(tracker).get("customer_name") or "à vous",
            json_message={"choices": [{"value": "deliver", "title": "Livraison"}], "purpose": "answer"},
        )
        return [SlotSet("result", {"awaiting": None}), SlotSet("topic", "greeting")]


class Add(Action):
    def name(self) -> str:
        return "action_add"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        turn = given(tracker)
        with (folder() / "effects").open("a", encoding="utf-8") as effects:
            effects.write(f"{tracker.sender_id} {turn['turn_id']}\n")
        if (folder() / "slow-add").exists():
            await asyncio.sleep(1.0)
        basket = turn["basket"]
        line = {"product_id": "f1", "name": "Foulard", "options": [], "quantity": 1, "unit_price_xof": 3500}
        changed = {**basket, "version": basket["version"] + 1, "lines": [*basket["lines"], line]}
        chosen = next(tracker.get_latest_entity_values("product"), None)
        dispatcher.utter_message(
            text=f"Ajouté : {chosen or 'foulard'}",
            json_message={
                "awaiting": "product",
                "purpose": "question",
                "image": "https://shop.example/f1.jpg",
            },
        )
        return [SlotSet("result", {"basket": changed, "awaiting": "product"}), SlotSet("topic", "basket")]


class Hours(Action):
    def name(self) -> str:
        return "action_hours"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(text=f"8 h à 18 h (avant : {tracker.get_slot('topic')})")
        return [SlotSet("result", {}), SlotSet("topic", "hours")]


class ValidateDelivery(FormValidationAction):
    def name(self) -> str:
        return "validate_delivery_form"

    def validate_commune(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "commune": str(value).title(),
            "result": {"basket": with_checkout(tracker, commune=str(value).title())},
        }

    def validate_landmark(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        return {"landmark": value, "result": {"basket": with_checkout(tracker, landmark=value)}}


class Delivered(Action):
    def name(self) -> str:
        return "action_delivered"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(
            text=f"Livré à {tracker.get_slot('commune')}, {tracker.get_slot('landmark')}"
        )
        basket = with_checkout(tracker, commune=None, landmark=None)
        return [SlotSet("result", {"basket": basket}), SlotSet("commune", None), SlotSet("landmark", None)]


class Boom(Action):
    def name(self) -> str:
        return "action_boom"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        if (folder() / "raise").exists():
            raise RuntimeError("asked to raise")
        if (folder() / "slow").exists():
            await asyncio.sleep(HANG)
        dispatcher.utter_message(text="Rien de cassé")
        return [SlotSet("result", {})]


class Endless(Action):
    def name(self) -> str:
        return "action_endless"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(text="Encore")
        return [FollowupAction("action_endless")]


class Hush(Action):
    def name(self) -> str:
        return "action_hush"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        return [SlotSet("result", {"silent": True})]


class Mute(Action):
    def name(self) -> str:
        return "action_mute"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        return [SlotSet("result", {})]


class Unworded(Action):
    def name(self) -> str:
        return "action_unworded"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(response="utter_nobody_wrote")
        dispatcher.utter_message(text="Le reste")
        return [SlotSet("result", {})]


class Remind(Action):
    def name(self) -> str:
        return "action_remind"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(text="À tout à l'heure")
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 3600))
        return [
            {"event": "reminder", "intent": "greet", "entities": None, "name": "later", "date_time": when}
        ]


class BrokenAnswer(Action):
    def name(self) -> str:
        return "action_broken_answer"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(text="Voilà")
        return [SlotSet("result", {"basket": {"id": "b1"}, "awaiting": "nothing known"})]


class Done(Action):
    def name(self) -> str:
        return "action_done"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(text="Terminé")
        return [
            SlotSet(
                "result",
                {
                    "restart": True,
                    "order_id": "o1",
                    "customer_name": "Awa",
                    "hand_over": True,
                    "move_to": "telegram",
                    "language": "en",
                },
            )
        ]


class NotUnderstood(Action):
    def name(self) -> str:
        return "action_not_understood"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        turn = given(tracker)
        dispatcher.utter_message(text=f"Pas compris : {turn['text']} | {tracker.latest_message.get('text')}")
        return [SlotSet("result", {})]
