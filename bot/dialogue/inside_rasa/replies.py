"""What was said in a turn, collected whole; and response texts that are there, or the turn fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa.core.channels.channel import OutputChannel
from rasa.core.nlg import TemplatedNaturalLanguageGenerator
from rasa.shared.core.trackers import DialogueStateTracker

from bot.dialogue.inside_rasa.contract import TurnFailed

_MAY_BE_MISSING = frozenset({"utter_default", "utter_restart"})
"""Responses of Rasa's own default actions, which say nothing when the domain has none."""


class Replies(OutputChannel):  # type: ignore[misc]
    """Keeps each message whole. Rasa's collecting channel splits one message into text, buttons and custom."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self.said: list[dict[str, Any]] = []

    def name(self) -> str:
        """The shopper's channel, so that ``domain.yml`` may word a response for it."""
        return self._channel

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Keep one message: text, and in ``custom``: choices, awaiting, purpose, image."""
        self.said.append(_reply(message))


def _reply(message: Mapping[str, Any]) -> dict[str, Any]:
    custom = message.get("custom") or {}
    if not isinstance(custom, Mapping):
        raise TurnFailed("answer", "custom is not an object")
    choices = custom.get("choices")
    if choices is None:
        choices = [
            {"value": button.get("payload", "").lstrip("/"), "title": button.get("title", "")}
            for button in message.get("buttons") or []
        ]
    return {
        "text": message.get("text") or "",
        "choices": [{"description": "", **choice} for choice in choices],
        "awaiting": custom.get("awaiting"),
        "purpose": custom.get("purpose"),
        "image": custom.get("image") or message.get("image"),
    }


class Responses(TemplatedNaturalLanguageGenerator):  # type: ignore[misc]
    """The domain's responses. Rasa leaves out a response it cannot find; here the turn fails."""

    async def generate(
        self, utter_action: str, tracker: DialogueStateTracker, output_channel: str, **kwargs: Any
    ) -> dict[str, Any] | None:
        """Word a response. Raises TurnFailed when the domain has none that fits."""
        draft: dict[str, Any] | None = await super().generate(utter_action, tracker, output_channel, **kwargs)
        if draft is None and utter_action not in _MAY_BE_MISSING:
            raise TurnFailed("nlg", f"no response {utter_action} fits")
        return draft
