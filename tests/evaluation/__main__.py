"""``make evaluate``: how well messages are understood, as a table; writes ``var/evaluation/``.

Cross-validated intents and entities with a confusion picture, the held-out messages, the baskets read from them, and
milliseconds a message. ``--pipelines`` compares other pipelines with ours; ``--only`` names some of them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from bot.core.catalogue import index
from bot.settings import ROOT
from bot.supervisor.model import QUIET, RASA_PYTHON
from tests.dialogue.memory_ledger import SHOPS, read_products
from tests.evaluation.held_out import Message, commune_in, found, payment_in, read

OUT = ROOT / "var" / "evaluation"
WORDS = {"name": "CountVectorsFeaturizer", "token_pattern": r"(?u)\b\w+\b", "min_ngram": 1, "max_ngram": 2}
CHARACTERS = {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 2, "max_ngram": 5}
LEXICAL = {"name": "LexicalSyntacticFeaturizer"}
PLAIN = {"name": "WhitespaceTokenizer"}
ACCENTLESS = {"strip_accents": "unicode"}
SOFTMAX = {"name": "LogisticRegressionClassifier", "max_iter": 60, "tol": 0.01, "random_state": 42}
DIET = {"name": "DIETClassifier", "epochs": 30, "random_seed": 42, "constrain_similarities": True}


def pipelines() -> dict[str, list[dict[str, Any]]]:
    """Ours, and what it is compared with; each differs from ours in one thing."""
    ours = yaml.safe_load((ROOT / "config.yml").read_text("utf-8"))["pipeline"]
    variety, spelling, one_each, crf = ours[0], ours[1], ours[5], ours[6]
    plain = [{**featurizer, **ACCENTLESS} for featurizer in (WORDS, CHARACTERS)]
    return {
        "ours": ours[:7],
        "without our spelling": [variety, PLAIN, LEXICAL, *plain, one_each, crf],
        "without character n-grams": [variety, spelling, LEXICAL, WORDS, one_each, crf],
        "without variety": [spelling, LEXICAL, WORDS, CHARACTERS, one_each, crf],
        "one softmax for all": [variety, spelling, LEXICAL, WORDS, CHARACTERS, SOFTMAX, crf],
        "DIET": [variety, spelling, LEXICAL, WORDS, CHARACTERS, DIET],
        "DIET, nothing of ours": [PLAIN, LEXICAL, *plain, DIET],
    }


def assess(title: str, pipeline: list[dict[str, Any]], messages: tuple[Message, ...], folds: int) -> dict[str, Any]:
    """Train and ask one pipeline, in Rasa's environment."""
    OUT.mkdir(parents=True, exist_ok=True)
    name = title.replace(",", "").replace(" ", "-").lower()
    config, texts, out = (OUT / f"{name}{end}" for end in ("-config.yml", "-texts.json", ".json"))
    config.write_text(yaml.safe_dump({"recipe": "default.v1", "language": "fr", "pipeline": pipeline}), "utf-8")
    texts.write_text(json.dumps([message.text for message in messages]), "utf-8")
    command = [str(RASA_PYTHON), "-m", "tests.evaluation.assess", "--config", str(config), "--folds", str(folds)]
    command += ["--held-out", str(texts), "--out", str(out), "--picture", str(OUT / f"{name}.png")]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **QUIET})
    answer: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return answer


def share(good: list[bool]) -> float:
    return sum(good) / len(good)


def baskets(messages: tuple[Message, ...]) -> tuple[list[bool], list[bool]]:
    """(items exactly as expected, communes and payments as expected) of the messages that name some."""
    indexes = {shop.name: index(read_products(shop)) for shop in SHOPS.iterdir() if shop.is_dir()}
    items, details = [], []
    for message in messages:
        shelf = indexes[message.shop] if message.shop else None
        if message.lines is not None and shelf is not None:
            items.append(sorted(map(str, found(message.text, shelf))) == sorted(map(str, message.lines)))
        if message.commune is not None:
            details.append(commune_in(message.text, shelf) == message.commune)
        if message.payment is not None:
            details.append(payment_in(message.text) == message.payment)
    return items, details


def main() -> int:
    """Print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pipelines", action="store_true")
    arguments.add_argument("--only", nargs="*", default=[])
    arguments.add_argument("--folds", type=int, default=3)
    given = arguments.parse_args()
    messages = read()
    chosen = [name for name in pipelines() if name in given.only] or ["ours"]
    if given.pipelines and not given.only:
        chosen = list(pipelines())
    columns = "CV intents  CV entity F1  held-out  noisy  ms median  ms p95  train CPU s  model MB  memory MB"
    print(f"{'pipeline':26} {columns}")
    for title in chosen:
        answer = assess(title, pipelines()[title], messages, given.folds)
        right = [told["intent"] == m.intent for told, m in zip(answer["held_out"], messages, strict=True)]
        noisy = share([good for good, message in zip(right, messages, strict=True) if message.noisy])
        crossed = [f"{answer.get(key, float('nan')):>{width}.1%}"
                   for key, width in (("cross_validated_intents", 10), ("cross_validated_entity_f1", 13))]  # fmt: skip
        print(
            f"{title:26} {' '.join(crossed)} {share(right):9.1%} {noisy:6.1%} {answer['ms_median']:10.1f}"
            f" {answer['ms_p95']:7.1f} {answer['train_cpu_s']:12.0f} {answer['model_mb']:9.1f} {answer['memory_mb']:10.0f}",
            flush=True,
        )
        if title == "ours":
            for message, told in zip(messages, answer["held_out"], strict=True):
                if told["intent"] != message.intent:
                    print(f"    {message.intent} taken for {told['intent']} ({told['confidence']:.2f}): {message.text!r}")
    items, details = baskets(messages)
    print(f"{len(messages)} held-out messages, {sum(m.noisy for m in messages)} of them noisy")
    print(f"exact items {share(items):.1%} of {len(items)}; communes and payments {share(details):.1%} of {len(details)}")
    print(f"confusion: {Path(OUT / 'ours.png').relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
