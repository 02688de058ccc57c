"""A conversation cut to its last turns answers exactly as one that is kept whole."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path

from bot.dialogue.rasa import RasaDialogue
from bot.ports import Answer
from tests.dialogue.rasa_project_tiny.running import Tiny
from tests.dialogue.test_inside_rasa import EMPTY, turn

TURNS = int(os.environ.get("SOAK_TURNS", "100"))
SAID = [
    ("bonjour", None),
    ("un foulard svp", None),
    ("livrez-moi", None),
    ("cocody", None),
    ("vous ouvrez à quelle heure", None),
    ("la pharmacie", None),
    ("non merci", None),
    ("qsdfgh", None),
    ("Le bleu", "product=bleu"),
    ("", "hush"),
    ("", "boom"),
]


async def test_settled_turns_answer_as_with_the_full_history(tmp_path: Path) -> None:
    """A form with questions in between, stories, and slots set long ago: one seed, two memories, no difference."""
    whole, short = tmp_path / "whole", tmp_path / "short"
    whole.mkdir()
    short.mkdir()
    with Tiny(whole, keep_all=True) as kept, Tiny(short) as cut:
        expected, actual = await _converse(kept), await _converse(cut)
    assert len({reply.text for answer in expected for reply in answer.replies}) > 8
    assert [
        number for number, pair in enumerate(zip(actual, expected, strict=True)) if pair[0] != pair[1]
    ] == []


async def _converse(tiny: Tiny) -> list[Answer]:
    chance = random.Random(20211004)
    dialogue = RasaDialogue(tiny.url)
    basket, answers = EMPTY, []
    for number in range(TURNS):
        text, choice = chance.choice(SAID)
        asked = turn("lane", text, choice, turn_id=f"t{number}", basket=basket)
        answer = await dialogue.ask(asked)
        # The basket itself is not what is tested; a small one keeps two hundred turns quick.
        basket = replace(answer.basket, lines=answer.basket.lines[-2:])
        answers.append(answer)
    await dialogue.close()
    return answers
