"""What all actions have in common: read the turn, let the pending question take its answer, else act."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.answers import take_answer
from actions.turns import Turn


class ShopAction(Action, ABC):
    """An action of the shop. An exception fails the turn: the worker asks again."""

    title: str

    def name(self) -> str:
        return self.title

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        turn = await Turn.load(dispatcher, tracker)
        if not take_answer(turn):
            await self.act(turn)
        return turn.events()

    @abstractmethod
    async def act(self, turn: Turn) -> None:
        """Say and change what this intent means."""
