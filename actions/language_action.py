"""Notice the language of a message before anything is said, so that the responses' conditions can see it."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import ValidationAction

from bot.core.words import language


class NoticeLanguage(ValidationAction):  # type: ignore[misc]
    """Fills ``language`` on every message; a message that does not tell keeps what was known."""

    async def extract_language(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        turn = tracker.get_slot("turn") or {}
        before = str(turn.get("language") or "fr")
        told = None if turn.get("choice") else language(str(turn.get("text") or ""))
        return {"language": told or before}

    async def validate_language(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        return {"language": "en" if value == "en" else "fr"}
