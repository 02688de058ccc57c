"""Runs in Rasa's environment: how well a pipeline understands, cross-validated and on the held-out messages.

``python -m tests.evaluation.assess --config config.yml --held-out texts.json --out answer.json [--picture matrix.png]``
The answer: shares right, milliseconds a message, seconds of training, megabytes; and what each held-out text was taken
for. Uses Rasa's own training and parsing, on the same files.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
os.environ["RASA_MAX_CACHE_SIZE"] = "0"

import structlog
from rasa.core.agent import Agent
from rasa.model_training import train_nlu
from rasa.shared.nlu.training_data.loading import load_data
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData


def folds(messages: list[Message], count: int) -> list[list[Message]]:
    """The messages in ``count`` parts, each intent spread evenly, the same ones every time."""
    shuffled = sorted(messages, key=lambda message: (message.get("intent"), random.Random(message.get("text")).random()))
    return [shuffled[part::count] for part in range(count)]


def trained(config: str, messages: list[Message], folder: Path) -> tuple[Agent, float, float]:
    """(agent, seconds of processor time to train, megabytes of the model)"""
    data = folder / "nlu.yml"
    data.write_text(TrainingData(training_examples=messages).nlu_as_yaml(), "utf-8")
    began = time.process_time()
    model = Path(str(train_nlu(config, str(data), str(folder))))
    seconds = time.process_time() - began
    return Agent.load(str(model)), seconds, model.stat().st_size / 1e6


def spans(entities: list[dict[str, Any]]) -> set[tuple[int, int, str]]:
    """Where each entity stands."""
    return {(found["start"], found["end"], found["entity"]) for found in entities}


async def parsed(agent: Agent, texts: list[str]) -> tuple[list[dict[str, Any]], list[float]]:
    """What the agent makes of each text, and the milliseconds it took."""
    await agent.parse_message("bonjour")
    answers, took = [], []
    for text in texts:
        began = time.perf_counter()
        answers.append(await agent.parse_message(text))
        took.append(1000 * (time.perf_counter() - began))
    return answers, took


async def crossed(config: str, messages: list[Message], count: int) -> dict[str, Any]:
    """Train on all parts but one, ask about that one; for each part in turn."""
    pairs: list[tuple[str, str]] = []
    hits = named = meant = 0
    parts = folds(messages, count)
    for part in parts:
        rest = [message for other in parts if other is not part for message in other]
        with tempfile.TemporaryDirectory() as folder:
            agent, _, _ = trained(config, rest, Path(folder))
            answers, _ = await parsed(agent, [message.get("text") for message in part])
        for message, answer in zip(part, answers, strict=True):
            pairs.append((message.get("intent"), answer["intent"]["name"]))
            true, said = spans(message.get("entities") or []), spans(answer["entities"])
            hits, named, meant = hits + len(true & said), named + len(said), meant + len(true)
    return {
        "cross_validated_intents": sum(true == said for true, said in pairs) / len(pairs),
        "cross_validated_entity_f1": 2 * hits / (named + meant) if named + meant else 0.0,
        "pairs": pairs,
    }


def picture(pairs: list[tuple[str, str]], file: Path) -> None:
    """Draw which intents are taken for which, as shares of a row."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plot
    import numpy as np

    names = sorted({name for pair in pairs for name in pair if name})
    counts = np.zeros((len(names), len(names)))
    for true, said in pairs:
        counts[names.index(true), names.index(said)] += 1
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = plot.subplots(figsize=(11, 10))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_xlabel("taken for")
    axes.set_ylabel("meant")
    for row, column in zip(*np.nonzero(counts), strict=True):
        shade = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, int(counts[row, column]), ha="center", va="center", fontsize=6, color=shade)
    axes.set_title("Intents, cross-validated: messages")
    figure.tight_layout()
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=80)


async def main() -> None:
    """Assess one pipeline."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--config", default="config.yml")
    arguments.add_argument("--folds", type=int, default=3)
    arguments.add_argument("--held-out", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--picture", type=Path)
    given = arguments.parse_args()
    messages = [message for message in load_data("data/nlu").training_examples if message.get("intent")]
    with tempfile.TemporaryDirectory() as folder:
        agent, seconds, megabytes = trained(given.config, messages, Path(folder))
        texts = json.loads(given.held_out.read_text("utf-8"))
        answers, took = await parsed(agent, texts)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    answer = {
        "train_cpu_s": seconds,
        "model_mb": megabytes,
        "memory_mb": memory,
        "ms_median": statistics.median(took),
        "ms_p95": statistics.quantiles(took, n=20)[18],
        "held_out": [{"intent": a["intent"]["name"], "confidence": a["intent"]["confidence"]} for a in answers],
    }
    if given.folds > 1:
        crossed_answer = await crossed(given.config, messages, given.folds)
        pairs = crossed_answer.pop("pairs")
        answer.update(crossed_answer)
        if given.picture:
            picture(pairs, given.picture)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(answer), "utf-8")


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(main())
