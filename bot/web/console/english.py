"""The console's sentences in English. French is the source: a sentence that is not here is shown in French."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("english.json")


@cache
def sentences() -> dict[str, str]:
    """French -> English."""
    found: dict[str, str] = json.loads(_FILE.read_text(encoding="utf-8"))
    return found


def translate(sentence: str, language: str) -> str:
    """The sentence in a person's language."""
    return sentences().get(sentence, sentence) if language == "en" else sentence
