"""What the shopper meant, as far as it needs no model: the bot's own choices, and text that must stay text.

Rasa reads a message that starts with ``/`` as a command (its RegexMessageHandler). Only choices, which the gateway
has checked to be ours, become intents; whatever a shopper types goes to the model as words.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

CHOOSE = "choose"
"""Intent of a picked ``name=value``; the entity ``name`` carries the value."""
FALLBACK = "nlu_fallback"
_OVERRULING = frozenset({"restart", "back", "session_start"})
"""Intents that Rasa obeys above every rule; no choice of ours means them."""


def plain(text: str) -> str:
    """The words of a text, without what would make Rasa read it as a command."""
    words = text.strip()
    while words.startswith("/"):
        words = words.lstrip("/").strip()
    return words


def picked(choice: str, known_intents: Collection[str]) -> tuple[str, list[dict[str, Any]]]:
    """Intent and entities of a choice; an intent the domain does not know is not understood."""
    name, separator, value = choice.partition("=")
    entities: list[dict[str, Any]] = []
    intent = name
    if separator:
        intent = CHOOSE
        entities = [
            {
                "entity": name,
                "value": value,
                "start": 0,
                "end": len(value),
                "confidence": 1.0,
                "extractor": CHOOSE,
            }
        ]
    if intent not in known_intents or intent in _OVERRULING:
        intent = FALLBACK
    return intent, entities


def parse_data(text: str, intent: str, entities: list[dict[str, Any]]) -> dict[str, Any]:
    """Rasa's form of a message that was understood without the model."""
    return {
        "text": text,
        "intent": {"name": intent, "confidence": 1.0},
        "entities": entities,
        "intent_ranking": [{"name": intent, "confidence": 1.0}],
    }
