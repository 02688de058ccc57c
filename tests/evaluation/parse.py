"""Runs in Rasa's environment: what a trained model takes each text for.

``python -m tests.evaluation.parse MODEL texts.json answers.json``; an answer is ``{intent, confidence, ms}``.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from pathlib import Path

import structlog
from rasa.core.agent import Agent


async def main(model: str, texts: str, answers: str) -> None:
    """Load the model once, parse one text after the other."""
    agent = Agent.load(model)
    await agent.parse_message("bonjour")  # compiles the graph
    told = []
    for text in json.loads(Path(texts).read_text("utf-8")):
        began = time.perf_counter()
        parsed = await agent.parse_message(text)
        took = 1000 * (time.perf_counter() - began)
        told.append({"intent": parsed["intent"]["name"], "confidence": parsed["intent"]["confidence"], "ms": took})
    Path(answers).write_text(json.dumps(told), "utf-8")


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(main(*sys.argv[1:4]))
