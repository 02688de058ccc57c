"""Runs in Rasa's environment: read a JSON list of texts, write what a trained model makes of each.

``python -m tests.evaluation.parse MODEL < texts.json > answers.json``; an answer is ``{intent, confidence, ms}``.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time


async def main(model: str) -> None:
    """Load the model once, parse one text after the other."""
    from rasa.core.agent import Agent

    texts = json.load(sys.stdin)
    agent = Agent.load(model)
    await agent.parse_message("bonjour")  # compiles the graph
    answers = []
    for text in texts:
        began = time.perf_counter()
        parsed = await agent.parse_message(text)
        answers.append(
            {
                "intent": parsed["intent"]["name"],
                "confidence": parsed["intent"]["confidence"],
                "ms": 1000 * (time.perf_counter() - began),
            }
        )
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    asyncio.run(main(sys.argv[1]))
