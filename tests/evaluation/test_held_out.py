"""The held-out messages: never trained on, and understood as well as was measured. ``make evaluate`` shows the rest."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import unicodedata
from pathlib import Path

import yaml

from bot.settings import ROOT
from bot.supervisor import model
from tests.evaluation.__main__ import baskets, share
from tests.evaluation.held_out import read

INTENTS = 0.97
"""Share of held-out messages understood: measured 98 to 99 %, a point and more below for what retraining moves."""
ITEMS = 0.97
DETAILS = 0.97

_MARK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def trained() -> dict[str, set[str]]:
    """Intent -> the plain texts in data/nlu."""
    found: dict[str, set[str]] = {}
    for file in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        for block in yaml.safe_load(file.read_text("utf-8"))["nlu"]:
            texts = (line.removeprefix("- ") for line in block["examples"].splitlines())
            found.setdefault(block["intent"], set()).update(_MARK.sub(r"\1", text) for text in texts)
    return found


def test_the_file_holds_what_it_promises() -> None:
    messages = read()
    assert len(messages) >= 300
    assert sum(message.noisy for message in messages) * 3 >= len(messages)
    assert len({message.text for message in messages}) == len(messages)
    assert {message.intent for message in messages} == set(trained())


def test_every_intent_of_the_domain_is_trained() -> None:
    domain = yaml.safe_load((ROOT / "domain.yml").read_text("utf-8"))
    assert set(domain["intents"]) - {"choose"} == set(trained())


def test_no_held_out_message_is_trained_on() -> None:
    held = {_plainest(message.text) for message in read()}
    known = {_plainest(text) for texts in trained().values() for text in texts}
    assert len(known) > 2000
    assert held & known == set()


def _plainest(text: str) -> str:
    """Folded words without marks, or the text itself when it has none (an emoji)."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(re.findall(r"[a-z0-9]+", folded.encode("ascii", "ignore").decode())) or text.strip()


def test_items_and_details_are_read_exactly() -> None:
    items, details = baskets(read())
    assert len(items) > 100
    assert len(details) > 30
    assert share(items) >= ITEMS
    assert share(details) >= DETAILS


def test_intents_are_understood_by_the_trained_model(tmp_path: Path) -> None:
    messages = read()
    texts, answers = tmp_path / "texts.json", tmp_path / "answers.json"
    texts.write_text(json.dumps([message.text for message in messages]), "utf-8")
    trained_model = asyncio.run(model.train(lambda _: None))
    command = [str(model.RASA_PYTHON), "-m", "tests.evaluation.parse", str(trained_model), str(texts), str(answers)]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **model.QUIET}, capture_output=True)
    told = [answer["intent"] for answer in json.loads(answers.read_text("utf-8"))]
    missed = [(m.text, m.intent, said) for m, said in zip(messages, told, strict=True) if said != m.intent]
    assert len(missed) <= (1 - INTENTS) * len(messages), missed
