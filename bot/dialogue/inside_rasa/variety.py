"""A Rasa component that widens the training data: other products, numbers and names in the same sentence, and typing slips.

Works at training only, on the training part of each fold only; the files in data/nlu stay short enough to read.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import yaml
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

VALUES: dict[str, list[str]] = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text("utf-8"))
"""Entity -> what may stand in its place."""
SLIPS = 0.3
"""Share of the copies that carry a typing slip."""
_LONG = 5
"""Letters from which a word can carry a slip and still be read."""

Segments = list[tuple[str, "str | None"]]
"""A sentence in pieces: (text, entity or None)."""


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class Variety(GraphComponent):
    """``copies`` more of each sentence with a marked word, one of each other; the same ones at every training."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._copies = int(config["copies"])

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """``copies``: how many more of a sentence whose words can be replaced."""
        return {"copies": 2}

    @classmethod
    def create(
        cls, config: dict[str, Any], storage: ModelStorage, resource: Resource, context: ExecutionContext
    ) -> Variety:
        """Rasa's way to make a component."""
        return cls(config)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """The data and its copies."""
        copies = [
            copy
            for message in training_data.training_examples
            if message.get(TEXT) and message.get(INTENT)
            for copy in varied(message, self._copies)
        ]
        return TrainingData(
            training_examples=[*training_data.training_examples, *copies],
            entity_synonyms=training_data.entity_synonyms,
            regex_features=training_data.regex_features,
            lookup_tables=training_data.lookup_tables,
            responses=training_data.responses,
        )

    def process(self, messages: list[Message]) -> list[Message]:
        """A shopper's message stays as it is."""
        return messages


def varied(message: Message, copies: int) -> list[Message]:
    """Other forms of a message, the same ones for the same text."""
    text = str(message.get(TEXT))
    chance = random.Random(text)  # noqa: S311
    pieces = segments(text, message.get(ENTITIES) or [])
    open_words = any(entity in VALUES for _, entity in pieces)
    forms = {text: pieces}
    for _ in range(copies if open_words else min(copies, 1)):
        form = [(_instead(piece, entity, chance), entity) for piece, entity in pieces]
        if not open_words or chance.random() < SLIPS:
            form = _slipped(form, chance)
        forms.setdefault("".join(piece for piece, _ in form), form)
    del forms[text]
    return [_message(form, str(message.get(INTENT))) for form in forms.values()]


def segments(text: str, entities: list[dict[str, Any]]) -> Segments:
    """Cut a sentence at its entities."""
    pieces: Segments = []
    position = 0
    for entity in sorted(entities, key=lambda found: int(found["start"])):
        pieces += [
            (text[position : entity["start"]], None),
            (text[entity["start"] : entity["end"]], entity["entity"]),
        ]
        position = entity["end"]
    return [piece for piece in [*pieces, (text[position:], None)] if piece[0]]


def _instead(piece: str, entity: str | None, chance: random.Random) -> str:
    if entity not in VALUES:
        return piece
    other = chance.choice(VALUES[entity])
    return other.upper() if piece.isupper() and len(piece) > 1 else other


def _slipped(pieces: Segments, chance: random.Random) -> Segments:
    """One long word with a letter lost, doubled or swapped with its neighbour."""
    places = [
        (number, start)
        for number, (piece, entity) in enumerate(pieces)
        if entity not in ("phone_number", "order_number")
        for start in _long_words(piece)
    ]
    if not places:
        return pieces
    number, start = chance.choice(places)
    piece, entity = pieces[number]
    at = start + chance.randint(1, _LONG - 2)
    slip = chance.choice((piece[at + 1 :], piece[at] * 2 + piece[at + 1 :], piece[at + 1] + piece[at] + piece[at + 2 :]))
    return [*pieces[:number], (piece[:at] + slip, entity), *pieces[number + 1 :]]


def _long_words(piece: str) -> list[int]:
    starts, position = [], 0
    for word in piece.split(" "):
        if len(word) >= _LONG and word.isalpha():
            starts.append(position)
        position += len(word) + 1
    return starts


def _message(pieces: Segments, intent: str) -> Message:
    entities, position = [], 0
    for piece, entity in pieces:
        if entity is not None:
            entities.append(
                {"entity": entity, "value": piece, "start": position, "end": position + len(piece)}
            )
        position += len(piece)
    data: dict[str, Any] = {TEXT: "".join(piece for piece, _ in pieces), INTENT: intent}
    if entities:
        data[ENTITIES] = entities
    return Message(data=data)
