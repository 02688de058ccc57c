"""What all actions have in common: read the turn, let the pending question take its answer, else act."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import again
from actions.answers import take_answer
from actions.fallbacks import fallback, not_understood
from actions.places import take_place
from actions.turns import Turn
from bot.core.words import is_code


class ShopAction(Action, ABC):  # type: ignore[misc]
    """An action of the shop. An exception fails the turn: the worker asks again."""

    title: str
    least: float = 0.0
    """Confidence below which a typed message is not taken for this intent."""

    def name(self) -> str:
        return self.title

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        turn = await Turn.load(dispatcher, tracker)
        if turn.place is not None:
            take_place(turn, turn.place)
        elif turn.choice is None and turn.text and is_code(turn.text):
            not_understood(turn)
        elif again.meant(turn):
            again.apply(turn)
        elif not take_answer(turn):
            if turn.choice is None and turn.confidence < self.least:
                fallback(turn)
            else:
                await self.act(turn)
        return turn.events()

    @abstractmethod
    async def act(self, turn: Turn) -> None:
        """Say and change what this intent means."""
