"""How long a turn takes as one conversation grows: ours against stock Rasa, same model, same actions, same Redis.

``python -m bench.turns [--turns 230]``. Stock is ``rasa run`` with its REST channel and its RedisTrackerStore, in a
Redis db of its own. Both are asked the same sentences in turn, so that whatever else the machine does meets both.
Prints a table and writes ``var/bench/turns.json``. The tiny project stands in for the shop's: its actions need no
context, which stock Rasa could not be given.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx

from bot.settings import ROOT
from bot.supervisor.model import RASA_PYTHON
from tests.dialogue.rasa_project_tiny.running import Part, Tiny, free_port, trained

SAID = ("bonjour", "un foulard svp", "vous ouvrez à quelle heure")
MARKS = (1, 10, 40, 100, 230, 500, 1000)
AROUND = 4
"""Turns on either side of a mark that its median is taken over."""
SHOPPERS = 8
EACH = 15
"""Throughput: shoppers at once, turns of each."""

Ask = Callable[[str, int], Awaitable[None]]


def stock(tiny: Tiny, folder: Path, port: int) -> Part:
    """Stock Rasa with the same action server and another db of the same Redis."""
    redis = httpx.URL(tiny.redis_url)
    store = {"type": "redis", "url": redis.host, "port": redis.port, "db": 1}
    endpoints = {"action_endpoint": {"url": tiny.actions_url}, "tracker_store": store}
    # JSON is YAML.
    (folder / "endpoints.yml").write_text(json.dumps(endpoints), "utf-8")
    (folder / "credentials.yml").write_text(json.dumps({"rest": {}}), "utf-8")
    command = [str(RASA_PYTHON), "-m", "rasa", "run", "--model", str(trained()), "--port", str(port)]
    command += ["--interface", "127.0.0.1", "--endpoints", str(folder / "endpoints.yml")]
    command += ["--credentials", str(folder / "credentials.yml")]
    return Part(command, folder / "stock.log", f"http://127.0.0.1:{port}/")


def ours(client: httpx.AsyncClient, url: str) -> Ask:
    """Ask our side for turn ``number`` of a conversation."""
    checkout = dict.fromkeys(("name", "phone", "commune", "fee_xof", "landmark", "payment"))
    basket = {"id": "b1", "version": 1, "closed": False, "lines": [], "checkout": checkout}
    context = {
        "shop_id": "s",
        "channel": "whatsapp",
        "language": "fr",
        "customer_name": None,
        "basket": basket,
    }

    async def ask(conversation: str, number: int) -> None:
        said = SAID[number % len(SAID)]
        body = {"conversation_id": conversation, "turn_id": str(number), "text": said, "context": context}
        answer = await client.post(f"{url}/relais/turn", json=body)
        if answer.status_code != httpx.codes.OK or not answer.json()["replies"]:
            raise RuntimeError(f"ours, turn {number}: {answer.text}")

    return ask


def theirs(client: httpx.AsyncClient, url: str) -> Ask:
    """The same of stock Rasa."""

    async def ask(conversation: str, number: int) -> None:
        body = {"sender": conversation, "message": SAID[number % len(SAID)]}
        answer = await client.post(f"{url}/webhooks/rest/webhook", json=body)
        if answer.status_code != httpx.codes.OK or not answer.json():
            raise RuntimeError(f"stock, turn {number}: {answer.text}")

    return ask


async def timed(ask: Ask, conversation: str, number: int) -> float:
    """Milliseconds of one turn."""
    began = time.perf_counter()
    await ask(conversation, number)
    return (time.perf_counter() - began) * 1000


async def rate(ask: Ask, name: str) -> float:
    """Turns a second with several shoppers at once, each in a young conversation."""

    async def shop(shopper: int) -> None:
        for number in range(EACH):
            await ask(f"{name}-{shopper}", number)

    began = time.perf_counter()
    await asyncio.gather(*(shop(shopper) for shopper in range(SHOPPERS)))
    return SHOPPERS * EACH / (time.perf_counter() - began)


def around(times: list[float], mark: int) -> float:
    """Median around a turn; the first turn stands for itself."""
    if mark == 1:
        return times[0]
    return statistics.median(times[max(1, mark - 1 - AROUND) : mark + AROUND])


async def measure(tiny: Tiny, stock_url: str, turns: int) -> dict[str, Any]:
    """Both sides, turn about, then both rates."""
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        sides = {"ours": ours(client, tiny.url), "stock": theirs(client, stock_url)}
        for name, ask in sides.items():
            for number in range(3):
                await ask(f"warm-{name}", number)
        times: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(turns):
            for name, ask in sides.items():
                times[name].append(await timed(ask, "grows", number))
        rates = {name: await rate(ask, "many") for name, ask in sides.items()}
    marks = [mark for mark in MARKS if mark <= turns]
    return {
        "turns": turns,
        "python": platform.python_version(),
        "milliseconds": {
            name: {mark: around(values, mark) for mark in marks} for name, values in times.items()
        },
        "turns_per_second": rates,
        "all": times,
    }


def show(found: dict[str, Any]) -> None:
    """Print the table."""
    ours_at, stock_at = found["milliseconds"]["ours"], found["milliseconds"]["stock"]
    print(f"{'turn':>8} {'ours ms':>9} {'stock ms':>9} {'times':>7}")
    for mark in ours_at:
        print(
            f"{mark:>8} {ours_at[mark]:>9.1f} {stock_at[mark]:>9.1f} {stock_at[mark] / ours_at[mark]:>7.1f}"
        )
    rates = found["turns_per_second"]
    print(
        f"{'turns/s':>8} {rates['ours']:>9.1f} {rates['stock']:>9.1f} {rates['ours'] / rates['stock']:>7.1f}"
    )


def main() -> None:
    """Start everything, measure, stop everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--turns", type=int, default=230)
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "bench" / "turns.json")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Tiny(Path(name)) as tiny:
        port = free_port()
        rasa = stock(tiny, Path(name), port)
        rasa.start()
        try:
            rasa.wait()
            found = asyncio.run(measure(tiny, f"http://127.0.0.1:{port}", given.turns))
        finally:
            rasa.stop()
    show(found)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    main()
