"""REST over a real socket with 100,000 orders, and the import of 10,000 products: operations a second and p99.

The gateway runs in a process of its own over SQLite and a real Redis; this process asks. Smaller with ``ORDERS=1000``.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert

from bot.ledger.engine import open_ledger
from bot.ledger.importing import import_shops
from bot.ledger.keys import LedgerKeys
from bot.ledger.models import OrderLine, OrderRow
from bot.ledger.schema import upgrade_to_head
from bot.ledger.times import instant
from bot.supervisor.embedded_redis import find_server

ORDERS = int(os.environ.get("ORDERS", "100000"))
PRODUCTS = 10_000
SECONDS = 4.0
SHOP = "awa-mode"
ROOT = Path(__file__).resolve().parent.parent


async def fill(url: str) -> str:
    """The ledger with its orders; a key that may ask as often as it likes."""
    await upgrade_to_head(url)
    ledger = open_ledger(url)
    await import_shops(ledger, ROOT / "shops")
    for start in range(0, ORDERS, 5000):
        numbers = range(start, min(start + 5000, ORDERS))
        async with ledger.writing() as connection:
            await connection.execute(insert(OrderRow), [_order(n) for n in numbers])
            await connection.execute(insert(OrderLine), [_line(n) for n in numbers])
    key = await LedgerKeys(ledger).create(SHOP, "bench", live=False, rate_per_minute=10**9)
    await ledger.close()
    return key


def _order(n: int) -> dict[str, Any]:
    at = instant(1_700_000_000.0 + n)
    return {
        "id": f"ord_{n:020d}", "shop_id": SHOP, "number": f"B-{n}", "basket_id": f"bench-{n}", "basket_version": 1,
        "turn_id": "t", "conversation_id": f"c{n % 5000}", "customer_id": f"cu{n % 5000}",
        "status": ("confirmed", "packed", "delivered")[n % 3], "name": f"Awa {n % 977}", "phone": "+2250700000001",
        "commune": "Cocody", "landmark": None, "fee_xof": 1500, "payment_method": "cash", "payment_status": "unpaid",
        "items_total_xof": 2500, "total_xof": 4000, "channel": "whatsapp", "version": 1, "created_at": at,
        "updated_at": at,
    }  # fmt: skip


def _line(n: int) -> dict[str, Any]:
    return {
        "order_id": f"ord_{n:020d}", "ordinal": 0, "product_id": "foulard-wax", "name": "Foulard wax", "options": [],
        "quantity": 1, "unit_price_xof": 2500, "line_total_xof": 2500,
    }  # fmt: skip


Work = Callable[[int], Awaitable[httpx.Response]]


async def measure(name: str, work: Work, clients: int, seconds: float = SECONDS) -> dict[str, Any]:
    """So many clients, each asking again as soon as it is answered."""
    times: list[float] = []
    failed = 0
    end = time.perf_counter() + seconds

    async def one(first: int) -> None:
        nonlocal failed
        n = first
        while time.perf_counter() < end:
            began = time.perf_counter()
            answer = await work(n)
            times.append(time.perf_counter() - began)
            failed += answer.status_code >= 300
            n += clients

    await asyncio.gather(*(one(number) for number in range(clients)))
    times.sort()
    return {
        "operation": name,
        "clients": clients,
        "per_second": round(len(times) / seconds),
        "p50_ms": round(times[len(times) // 2] * 1000, 1),
        "p99_ms": round(times[int(len(times) * 0.99)] * 1000, 1),
        "failed": failed,
    }


async def run(base: str, key: str) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {key}"}
    limits = httpx.Limits(max_connections=16, max_keepalive_connections=16)
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=60, limits=limits) as http:

        def get(path: str) -> Work:
            return lambda n: http.get(path.format(n=n * 7919 % ORDERS))

        body = {
            "customer": {"address": "tel:+2250700000001"},
            "lines": [{"product_id": "bench-0", "quantity": 1, "options": {}}],
            "delivery": {"commune": "Cocody", "phone": "+2250700000001"},
            "payment": {"method": "cash"},
        }
        header = "product_id,name,category,description,aliases,price_xof,options,stock\n"
        rows = "".join(f"bench-{n},Produit {n},tous,,alias {n},{1000 + n},taille=S|M,5\n" for n in range(1, PRODUCTS))
        catalogue = f"{header}bench-0,Produit,tous,,,1000,,1000000\n{rows}"

        async def load(_: int) -> httpx.Response:
            return await http.post("/api/v1/products.csv", content=catalogue.encode(), headers={"Content-Type": "text/csv"})

        found = []
        for name in ("import 10,000 new products", "import the same again"):
            began = time.perf_counter()
            answer = await load(0)
            spent = round((time.perf_counter() - began) * 1000, 1)
            found.append({"operation": name, "clients": 1, "p50_ms": spent, "failed": answer.status_code >= 300})
        for name, work, clients in (
            ("GET order", get("/api/v1/orders/ord_{n:020d}"), 8),
            ("GET orders, first page of 20", get("/api/v1/orders"), 8),
            ("GET orders of one customer", get("/api/v1/orders?customer_id=cu17"), 8),
            ("GET orders by text, whole table", get("/api/v1/orders?q=B-{n}"), 2),
            ("POST order", lambda n: http.post("/api/v1/orders", json=body), 8),
            ("POST order with Idempotency-Key",
             lambda n: http.post("/api/v1/orders", json=body, headers={"Idempotency-Key": f"b-{time.time_ns()}-{n}"}), 8),
            ("PATCH order", lambda n: http.patch(f"/api/v1/orders/ord_{n % ORDERS:020d}",
                                                 json={"payment": {"status": ("pending", "unpaid")[n % 2]}}), 8),
        ):  # fmt: skip
            found.append(await measure(name, work, clients))
        return found


async def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="relais-bench-rest-"))
    ports = []
    for _ in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    redis_port, port = ports
    url = f"sqlite+aiosqlite:///{folder / 'relais.db'}"
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "RASA_URL": "http://127.0.0.1:1",
        "DATABASE_URL": url,
        "RELAIS_DATA": str(folder),
        "RELAIS_SHOPS": str(ROOT / "shops"),
        "RELAIS_SECRET": "b" * 32,
        "RELAIS_SIMULATOR": "1",
    }
    redis = [find_server(), "--port", str(redis_port), "--bind", "127.0.0.1", "--dir", str(folder), "--appendonly", "yes"]
    running = []
    try:
        for command in (redis, [sys.executable, "-m", "bot.web.app"]):
            if command is not redis:
                began = time.perf_counter()
                key = await fill(url)
                print(f"{ORDERS} orders filled in within {time.perf_counter() - began:.0f} s", flush=True)
            quiet = asyncio.subprocess.DEVNULL
            running.append(
                await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet)
            )
        base = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient() as http:
            for _ in range(600):
                try:
                    await http.get(f"{base}/healthz")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        found = await run(base, key)
    finally:
        for process in reversed(running):
            process.terminate()
            await process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{'operation':34} {'clients':>7} {'/s':>6} {'p50 ms':>8} {'p99 ms':>8} {'failed':>6}")
    for row in found:
        print(
            f"{row['operation']:34} {row['clients']:>7} {row.get('per_second', ''):>6} {row['p50_ms']:>8} "
            f"{row.get('p99_ms', ''):>8} {row['failed']:>6}"
        )
    out = ROOT / "var" / "bench" / "rest.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"orders": ORDERS, "rows": found}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
