"""How long a turn takes as one conversation grows: ours against stock Rasa, same model, same actions, same Redis.

``python -m bench.turns [--shop] [--turns 230]``. Stock is ``rasa run`` with its REST channel and its RedisTrackerStore,
in a Redis db of its own. Both are asked the same sentences in turn, so that whatever else the machine does meets both.
Prints a table and writes ``var/bench/turns.json``. The tiny project's actions need no context; with ``--shop`` it is the
shop's own model and actions in a running Relais, and stock is told the context before each message, which is not timed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bot.settings import ROOT
from bot.supervisor.model import RASA_PYTHON, model_path
from tests.dialogue.rasa_project_tiny.running import Part, Tiny, free_port, trained
from tests.system.running import SHOP, start

SAID = ("bonjour", "un foulard svp", "vous ouvrez à quelle heure")
MARKS = (1, 10, 40, 100, 230, 500, 1000)
AROUND = 4
"""Turns on either side of a mark that its median is taken over."""
SAID_SHOP = ("bonjour", "vous livrez à cocody ?", "vous avez des pagnes ?", "c'est combien le foulard wax ?")
SHOPPERS = 8
EACH = 15
"""Throughput: shoppers at once, turns of each."""

Ask = Callable[[str, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two. ``before`` is what a turn needs and is not timed."""

    ask: Ask
    before: Ask | None = None


def stock(redis: httpx.URL, actions_url: str, model: Path, folder: Path, port: int) -> Part:
    """Stock Rasa with the same model and action server and another db of the same Redis."""
    store = {"type": "redis", "url": redis.host, "port": redis.port, "db": 1}
    endpoints = {"action_endpoint": {"url": actions_url}, "tracker_store": store}
    # JSON is YAML.
    (folder / "endpoints.yml").write_text(json.dumps(endpoints), "utf-8")
    (folder / "credentials.yml").write_text(json.dumps({"rest": {}}), "utf-8")
    command = [str(RASA_PYTHON), "-m", "rasa", "run", "--enable-api", "--model", str(model), "--port", str(port)]
    command += ["--interface", "127.0.0.1", "--endpoints", str(folder / "endpoints.yml")]
    command += ["--credentials", str(folder / "credentials.yml")]
    return Part(command, folder / "stock.log", f"http://127.0.0.1:{port}/")


def _context(shop: str) -> dict[str, Any]:
    checkout = dict.fromkeys(("name", "phone", "commune", "fee_xof", "landmark", "payment"))
    basket = {"id": "b1", "version": 1, "closed": False, "lines": [], "checkout": checkout}
    # Monday 2 March 2026, 10:00 in Abidjan: the shops are open.
    return {
        "shop_id": shop,
        "channel": "whatsapp",
        "language": "fr",
        "customer_id": "cu-bench",
        "customer_name": None,
        "basket": basket,
        "now": 1772445600.0,
    }


def ours(client: httpx.AsyncClient, url: str, shop: str, said: Sequence[str]) -> Side:
    """Ask our side for turn ``number`` of a conversation."""

    async def ask(conversation: str, number: int) -> None:
        text = said[number % len(said)]
        body = {
            "conversation_id": conversation,
            "turn_id": f"{conversation}:{number}",
            "text": text,
            "context": _context(shop),
        }
        answer = await client.post(f"{url}/relais/turn", json=body)
        if answer.status_code != httpx.codes.OK or not answer.json()["replies"]:
            raise RuntimeError(f"ours, turn {number}: {answer.text}")

    return Side(ask)


def theirs(client: httpx.AsyncClient, url: str, shop: str | None, said: Sequence[str]) -> Side:
    """The same of stock Rasa. With a shop's actions, the slot they read is set before."""

    async def ask(conversation: str, number: int) -> None:
        body = {"sender": conversation, "message": said[number % len(said)]}
        answer = await client.post(f"{url}/webhooks/rest/webhook", json=body)
        if answer.status_code != httpx.codes.OK or not answer.json():
            raise RuntimeError(f"stock, turn {number}: {answer.text}")

    async def before(conversation: str, number: int) -> None:
        text = said[number % len(said)]
        turn = {**_context(shop or ""), "turn_id": f"{conversation}:{number}", "text": text, "choice": None}
        slot = {"event": "slot", "name": "turn", "value": turn}
        answer = await client.post(f"{url}/conversations/{conversation}/tracker/events", json=[slot])
        answer.raise_for_status()

    return Side(ask, before if shop else None)


async def timed(side: Side, conversation: str, number: int) -> float:
    """Milliseconds of one turn."""
    if side.before is not None:
        await side.before(conversation, number)
    began = time.perf_counter()
    await side.ask(conversation, number)
    return (time.perf_counter() - began) * 1000


async def rate(side: Side, name: str) -> float:
    """Turns a second with several shoppers at once, each in a young conversation."""

    async def shop(shopper: int) -> None:
        for number in range(EACH):
            await side.ask(f"{name}-{shopper}", number)

    began = time.perf_counter()
    await asyncio.gather(*(shop(shopper) for shopper in range(SHOPPERS)))
    return SHOPPERS * EACH / (time.perf_counter() - began)


def around(times: list[float], mark: int) -> float:
    """Median around a turn; the first turn stands for itself."""
    if mark == 1:
        return times[0]
    return statistics.median(times[max(1, mark - 1 - AROUND) : mark + AROUND])


async def measure(
    our_url: str, stock_url: str, shop: str | None, turns: int, alone: int
) -> dict[str, Any]:
    """Both sides, turn about, then ours alone up to ``alone``, then both rates (not where stock must be told things)."""
    said = SAID_SHOP if shop else SAID
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        sides = {
            "ours": ours(client, our_url, shop or "s", said),
            "stock": theirs(client, stock_url, shop, said),
        }
        for name, side in sides.items():
            for number in range(3):
                await timed(side, f"warm-{name}", number)
        times: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(turns):
            for name, side in sides.items():
                times[name].append(await timed(side, "grows", number))
        for number in range(turns, alone):
            times["ours"].append(await timed(sides["ours"], "grows", number))
        rates = {} if shop else {name: await rate(side, "many") for name, side in sides.items()}
    return {
        "turns": turns,
        "project": shop or "tiny",
        "python": platform.python_version(),
        "milliseconds": {
            name: {mark: around(values, mark) for mark in MARKS if mark <= len(values)}
            for name, values in times.items()
        },
        "turns_per_second": rates,
        "all": times,
    }


def show(found: dict[str, Any]) -> None:
    """Print the table."""
    ours_at, stock_at = found["milliseconds"]["ours"], found["milliseconds"]["stock"]
    print(f"{'turn':>8} {'ours ms':>9} {'stock ms':>9} {'times':>7}")
    for mark, mine in ours_at.items():
        theirs_ = f"{stock_at[mark]:>9.1f} {stock_at[mark] / mine:>7.1f}" if mark in stock_at else ""
        print(f"{mark:>8} {mine:>9.1f} {theirs_}")
    if rates := found["turns_per_second"]:
        times = rates["ours"] / rates["stock"]
        print(f"{'turns/s':>8} {rates['ours']:>9.1f} {rates['stock']:>9.1f} {times:>7.1f}")


@contextmanager
def tiny_project(folder: Path) -> Iterator[tuple[str, str, str, Path]]:
    """Ours in a small project: our URL, the actions' and Redis's, the model."""
    with Tiny(folder) as tiny:
        yield tiny.url, tiny.actions_url, tiny.redis_url, trained()


@contextmanager
def whole_relais(folder: Path) -> Iterator[tuple[str, str, str, Path]]:
    """The same of a running Relais with the demo shops."""
    running = start(folder / "var")
    try:
        known = running.addresses
        yield known["rasa"], f"{known['actions']}/webhook", known["redis_url"], model_path()
    finally:
        running.stop()


def main() -> None:
    """Start everything, measure, stop everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--turns", type=int, default=230)
    parser.add_argument("--alone", type=int, default=0, help="go on with ours alone up to this turn")
    parser.add_argument("--shop", action="store_true", help="the shop's own model and actions")
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "bench" / "turns.json")
    given = parser.parse_args()
    project = whole_relais if given.shop else tiny_project
    with tempfile.TemporaryDirectory() as name, project(Path(name)) as (url, actions_url, redis_url, model):
        port = free_port()
        rasa = stock(httpx.URL(redis_url), actions_url, model, Path(name), port)
        rasa.start()
        try:
            rasa.wait()
            shop = SHOP if given.shop else None
            found = asyncio.run(measure(url, f"http://127.0.0.1:{port}", shop, given.turns, given.alone))
        finally:
            rasa.stop()
    show(found)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    main()
