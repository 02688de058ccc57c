"""The console's server time with 100,000 messages in 5,000 conversations: list, search, transcript.

``python -m bench.console [--conversations 5000] [--messages 20] [--rounds 30] [--database sqlite|postgresql]``. Requests go over a real socket to a
gateway in this process, one after the other; the time is from the first byte sent to the last one read.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import socket
import statistics
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert, text

from bot.core.addresses import ChannelName, LaneId
from bot.core.words import fold
from bot.ledger import search_index
from bot.ledger.audit import LedgerAudit
from bot.ledger.engine import Ledger, open_ledger
from bot.ledger.importing import import_shops
from bot.ledger.models import AddressRow, ConversationRow, Customer, MessageRow
from bot.ledger.passwords import Passwords
from bot.ledger.schema import upgrade_to_head
from bot.ledger.shops import LedgerShops
from bot.ledger.users import LedgerUsers, Role
from bot.storage import codec
from bot.storage.kept_files import KeptFiles
from bot.storage.sessions import RedisSessions
from bot.storage.throttle import RedisThrottle
from bot.web.console.parts import Console
from bot.web.ledger_reads import LedgerReads
from bot.web.server import create_app
from tests.ledger import samples, servers
from tests.storage.servers import running
from tests.web.house import House

SHOP = "awa-mode"
PASSWORD = "quatre mots bien à moi"
WORDS = [
    "bonjour",
    "je",
    "voudrais",
    "deux",
    "pagnes",
    "rouges",
    "pour",
    "samedi",
    "à",
    "Cocody",
    "livraison",
    "combien",
    "merci",
    "robe",
    "foulard",
    "bleu",
    "taille",
]
TARGET_MS = 200.0


async def fill(ledger: Ledger, conversations: int, messages: int, seed: int) -> str:
    """Write customers, conversations and messages as the projector would; the id of a conversation."""
    chance = random.Random(seed)
    now = datetime.now(UTC)
    last = ""
    for start in range(0, conversations, 250):
        people, book, talks, said = [], [], [], []
        for n in range(start, min(conversations, start + 250)):
            lane = LaneId(f"{n % 64:02x}{n:018x}")
            name = f"{chance.choice(('Awa', 'Koffi', 'Fatou', 'Yao', 'Aïcha'))} {chance.choice(('Koné', 'Traoré', 'N’Guessan'))} {n}"
            at = now - timedelta(minutes=chance.randrange(60 * 24 * 60))
            human = n % 40 == 0
            record = replace(samples.conversation(at.timestamp(), lane), shop_id=SHOP)
            mark = f"{int(at.timestamp() * 1000):016d}-{n:08d}"
            people.append(
                {
                    "id": f"c{n}",
                    "shop_id": SHOP,
                    "name": name,
                    "folded_name": fold(name),
                    "language": "fr",
                    "roads": 1,
                    "mark": mark,
                    "created_at": at,
                }
            )
            book.append(
                {
                    "shop_id": SHOP,
                    "address": f"whatsapp:+22507{n:08d}",
                    "customer_id": f"c{n}",
                    "ordinal": 0,
                    "proved_by": "heard",
                    "opted_out": False,
                    "added_at": at,
                }
            )
            talks.append(
                {
                    "id": lane,
                    "shop_id": SHOP,
                    "customer_id": f"c{n}",
                    "status": "human" if human else "bot",
                    "channel": "whatsapp",
                    "epoch": 0,
                    "basket": {},
                    "basket_xof": 0,
                    "urgency": 0,
                    "snapshot": codec.conversation_to_json(record),
                    "mark": mark,
                    "created_at": at,
                    "last_message_at": at,
                    "waiting_since": at if human else None,
                }
            )
            for serial in range(1, messages + 1):
                words = " ".join(chance.choices(WORDS, k=9))
                if n == conversations // 2 and serial == 3:
                    words += " introuvable ailleurs"
                inward = serial % 2
                said.append(
                    {
                        "id": f"{lane}-{serial}",
                        "shop_id": SHOP,
                        "conversation_id": lane,
                        "serial": serial,
                        "direction": "in" if inward else "out",
                        "author": "shopper" if inward else "bot",
                        "channel": ChannelName.WHATSAPP.value,
                        "text": words,
                        "status": "received" if inward else "read",
                        "late": False,
                        "attachments": [],
                        "mark": mark,
                        "created_at": at - timedelta(minutes=messages - serial),
                    }
                )
            last = lane
        async with ledger.writing() as connection:
            for table, rows in (
                (Customer, people),
                (AddressRow, book),
                (ConversationRow, talks),
                (MessageRow, said),
            ):
                await connection.execute(insert(table), rows)
            await search_index.put(connection, [row["id"] for row in said])
    async with ledger.writing() as connection:
        await connection.execute(text("ANALYZE"))  # As autovacuum would have done by now.
    return last


async def measure(conversations: int, messages: int, rounds: int, seed: int, database: str) -> dict[str, Any]:
    """Times in ms by page."""
    from redis.asyncio import Redis

    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        redis_url = stack.enter_context(running(Path(folder)))
        url = f"sqlite+aiosqlite:///{folder}/ledger.db"
        if database == "postgresql":
            programs = servers.find_programs()
            assert programs is not None, "no PostgreSQL server is installed"
            url = stack.enter_context(servers.running(programs))
        await upgrade_to_head(url)
        ledger = open_ledger(url)
        await import_shops(ledger, Path("shops"))
        began = time.monotonic()
        conversation = await fill(ledger, conversations, messages, seed)
        print(
            f"{conversations * messages} messages in {conversations} conversations, filled in {time.monotonic() - began:.0f} s"
        )
        redis = Redis.from_url(redis_url)
        console = Console(
            ledger,
            LedgerUsers(ledger),
            LedgerAudit(ledger),
            RedisSessions(redis),
            RedisThrottle(redis, b"s" * 32),
            KeptFiles(Path(folder) / "files"),
        )
        await console.users.create(
            SHOP, "bench", "Bench", Role.OWNER, password_hash=await Passwords().hash(PASSWORD)
        )
        house = House()
        gateway = house.gateway(
            console=console,
            reads=LedgerReads(ledger),
            shops=LedgerShops(ledger, {}),
            public_url="http://127.0.0.1",
        )
        app = create_app(gateway, name="bench-console", touch_up=False)
        pages = {
            "list, waiting": "/conversations",
            "list, all": "/conversations?dossier=all",
            "list, refreshed": "/list?dossier=all",
            "search, frequent word": "/conversations?q=pagnes",
            "search, rare word": "/conversations?q=introuvable",
            "search, nothing": "/conversations?q=zzzzzz",
            "search, two words": "/conversations?q=pagnes+introuvable",
            "search, a letter": "/conversations?q=p",
            "search, name": "/conversations?q=kone",
            "transcript": f"/conversations/{conversation}",
            "transcript, refreshed": f"/conversations/{conversation}/log",
            "orders": "/orders",
            "channels": "/channels",
        }
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            server = await app.create_server(sock=listening, return_asyncio_server=True, access_log=False)
            assert server is not None
            await server.startup()
            await server.before_start()
            base = f"http://127.0.0.1:{listening.getsockname()[1]}"
            async with httpx.AsyncClient(base_url=base, timeout=60) as client:
                await client.post("/console/login", data={"login": "bench", "password": PASSWORD})
                found = {
                    name: await _times(client, f"/console{path}", rounds) for name, path in pages.items()
                }
            for connection in list(server.connections):
                connection.abort()
            await server.close()
        await redis.aclose()
        await ledger.close()
        await house.ledger.close()
    return found


async def _times(client: httpx.AsyncClient, path: str, rounds: int) -> dict[str, float]:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        answer = await client.get(path)
        times.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, (path, answer.status_code)
    ordered = sorted(times)
    return {
        "p50_ms": round(statistics.median(times), 1),
        "p95_ms": round(ordered[int(0.95 * (len(ordered) - 1))], 1),
        "worst_ms": round(ordered[-1], 1),
        "bytes": len(answer.content),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=5000)
    parser.add_argument("--messages", type=int, default=20, help="in each conversation")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args()
    found = asyncio.run(
        measure(given.conversations, given.messages, given.rounds, given.seed, given.database)
    )
    print(f"{'page':<24}{'p50 ms':>9}{'p95 ms':>9}{'worst ms':>10}{'bytes':>9}   target {TARGET_MS:.0f} ms")
    for name, row in found.items():
        print(f"{name:<24}{row['p50_ms']:>9}{row['p95_ms']:>9}{row['worst_ms']:>10}{row['bytes']:>9}")
    place = Path("var/bench")
    place.mkdir(parents=True, exist_ok=True)
    (place / "console.json").write_text(json.dumps({"arguments": vars(given), "pages": found}, indent=2))


if __name__ == "__main__":
    main()
