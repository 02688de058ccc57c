"""The HTTP contract with the gateway: what a turn's request holds, and what a whole answer is.

The vocabulary repeats ``bot.core.messages`` because nothing of the gateway is imported here; a test keeps them equal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft7Validator

AWAITING = (
    "product",
    "option",
    "quantity",
    "commune",
    "landmark",
    "name",
    "phone",
    "payment",
    "confirmation",
    "late_confirmation",
    "other",
)
PURPOSES = (
    "answer",
    "question",
    "order_confirmation",
    "move_notice",
    "status_change",
    "vendor",
    "reminder",
    "reach_out",
)
CHANNELS = ("whatsapp", "sms", "telegram", "web")

_TEXT = {"type": "string"}
_OPTIONAL_TEXT = {"type": ["string", "null"]}
_AWAITING = {"enum": [*AWAITING, None]}
_BASKET = {
    "type": "object",
    "required": ["id", "version", "closed", "lines", "checkout"],
    "properties": {
        "id": _TEXT,
        "version": {"type": "integer", "minimum": 0},
        "closed": {"type": "boolean"},
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["product_id", "name", "options", "quantity", "unit_price_xof"],
                "properties": {
                    "product_id": _TEXT,
                    "name": _TEXT,
                    "options": {
                        "type": "array",
                        "items": {"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 2},
                    },
                    "quantity": {"type": "integer", "minimum": 1, "maximum": 999},
                    "unit_price_xof": {"type": "integer", "minimum": 0},
                },
            },
        },
        "checkout": {"type": "object"},
    },
}
_REQUEST = Draft7Validator(
    {
        "type": "object",
        "required": ["conversation_id", "turn_id", "text", "context"],
        "properties": {
            "conversation_id": {"type": "string", "minLength": 1, "maxLength": 256},
            "turn_id": {"type": "string", "minLength": 1, "maxLength": 256},
            "text": _TEXT,
            "choice": _OPTIONAL_TEXT,
            "context": {
                "type": "object",
                "required": ["shop_id", "channel", "language", "basket"],
                "properties": {
                    "shop_id": _TEXT,
                    "channel": {"enum": list(CHANNELS)},
                    "language": _TEXT,
                    "basket": _BASKET,
                    "awaiting": _AWAITING,
                    "asked_version": {"type": ["integer", "null"]},
                    "offered": {"type": "array", "items": _TEXT},
                    "place": {
                        "type": ["array", "null"],
                        "items": {"type": "number"},
                        "minItems": 2,
                        "maxItems": 2,
                    },
                    "now": {"type": "number"},
                },
            },
        },
    }
)
_ANSWER = Draft7Validator(
    {
        "type": "object",
        "properties": {
            "replies": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "text": _TEXT,
                        "choices": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["value", "title", "description"],
                                "properties": {
                                    "value": {"type": "string", "minLength": 1},
                                    "title": {"type": "string", "minLength": 1},
                                    "description": _TEXT,
                                },
                            },
                        },
                        "awaiting": _AWAITING,
                        "purpose": {"enum": [*PURPOSES, None]},
                        "image": _OPTIONAL_TEXT,
                    },
                    "anyOf": [
                        {"properties": {"text": {"minLength": 1}}},
                        {"properties": {"image": {"type": "string", "minLength": 1}}},
                    ],
                },
            },
            "basket": _BASKET,
            "awaiting": _AWAITING,
            "customer_name": _OPTIONAL_TEXT,
            "language": _OPTIONAL_TEXT,
            "hand_over": {"type": "boolean"},
            "order_id": _OPTIONAL_TEXT,
            "move_to": {"enum": [*CHANNELS, None]},
            "silent": {"type": "boolean"},
        },
    }
)
# json turns lone surrogates into escapes that neither Redis nor the action server can carry as UTF-8.
_SURROGATES = re.compile("[\ud800-\udfff]")


class Malformed(Exception):
    """The request is not one of ours; asking again does not help."""


class TurnFailed(Exception):
    """The turn has no whole answer. Nothing was saved; asking again is safe."""

    def __init__(self, error: str, detail: str = "") -> None:
        super().__init__(f"{error}: {detail}" if detail else error)
        self.error = error
        """One word: action, limit, silence, answer, nlg, store, conflict, timeout, loading, bug."""
        self.detail = detail


@dataclass(frozen=True)
class Request:
    """One turn to take. ``context`` is kept as it came: it becomes the slot ``turn``."""

    conversation_id: str
    turn_id: str
    text: str
    choice: str | None
    context: Mapping[str, Any]

    @property
    def channel(self) -> str:
        return str(self.context["channel"])

    @property
    def turn_slot(self) -> dict[str, Any]:
        """The slot ``turn``: the whole context with turn id, original text and choice."""
        return {**self.context, "turn_id": self.turn_id, "text": self.text, "choice": self.choice}


def read_request(body: Any) -> Request:
    """Check a request. Raises Malformed, naming the field and never its value."""
    problem = _first_problem(_REQUEST, body)
    if problem is not None:
        raise Malformed(problem)
    return Request(
        conversation_id=body["conversation_id"],
        turn_id=body["turn_id"],
        text=_SURROGATES.sub("\N{REPLACEMENT CHARACTER}", body["text"]),
        choice=body.get("choice"),
        context=body["context"],
    )


def read_conversation(body: Any) -> str:
    """The conversation a request names. Raises Malformed."""
    conversation_id = body.get("conversation_id") if isinstance(body, Mapping) else None
    if not isinstance(conversation_id, str) or not conversation_id:
        raise Malformed("conversation_id: not a valid string")
    return conversation_id


def whole_answer(
    replies: Sequence[Mapping[str, Any]], result: Mapping[str, Any] | None, context: Mapping[str, Any]
) -> dict[str, Any]:
    """Put an answer together from what was said and the action's ``result``. Raises TurnFailed unless it is whole.

    It is checked before it is saved: a malformed answer that is remembered could never be asked again.
    """
    given = result or {}
    asked = [reply["awaiting"] for reply in replies if reply["awaiting"] is not None]
    answer = {
        "replies": list(replies),
        "basket": given.get("basket") or context["basket"],
        "awaiting": given["awaiting"] if "awaiting" in given else (asked[-1] if asked else None),
        "customer_name": given.get("customer_name"),
        "language": given.get("language"),
        "hand_over": given.get("hand_over") or False,
        "order_id": given.get("order_id"),
        "move_to": given.get("move_to"),
        "silent": given.get("silent") or False,
    }
    problem = _first_problem(_ANSWER, answer)
    if problem is not None:
        raise TurnFailed("answer", problem)
    if not replies and not answer["silent"]:
        raise TurnFailed("silence", "nothing was said, and no action says that this is right")
    return answer


def _first_problem(validator: Draft7Validator, value: Any) -> str | None:
    errors = sorted(validator.iter_errors(value), key=lambda error: list(map(str, error.absolute_path)))
    if not errors:
        return None
    path = ".".join(str(step) for step in errors[0].absolute_path)
    return f"{path or 'body'}: not a valid {errors[0].validator}"
