"""A whole Relais in one process: the served gateway over a real ledger, with worker, projector and all jobs beside it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import insert

from bot.core.addresses import PARTITIONS, home_lane
from bot.flows.tell_orders import tell_orders
from bot.hooks.client import HookClient
from bot.hooks.guard import Guard, networks
from bot.hooks.sender import Sender
from bot.ledger.deliveries import LedgerDeliveries
from bot.ledger.feed_readers import LedgerOrderNews
from bot.ledger.importing import import_shops
from bot.ledger.keys import LedgerKeys
from bot.ledger.numbering import Numberer
from bot.ledger.outage_models import Incident
from bot.ledger.outbox import event_row, tell
from bot.ledger.projector import LedgerRecords, Projector
from bot.ledger.times import utc_now
from bot.storage import codec
from bot.storage.journal import START
from bot.storage.memory_lanes import MemoryJournal
from bot.web.api.operations import Operation
from bot.web.api.table import PREFIX
from bot.web.ledger_reads import LedgerReads
from tests.ledger.samples import SHOP_YML, ZONES_CSV, write_shop
from tests.web.house import OTHER, SECRET, SHOP, House, serving
from tests.web.test_webhooks import FORM

T = TypeVar("T")
LANE = home_lane(SHOP, "whatsapp:+2250700000001")
LOOPBACK = Guard(networks(["127.0.0.0/8"]))
PRODUCTS = """\
product_id,name,category,description,aliases,price_xof,options,stock
foulard,Foulard wax,accessoires,À nouer,foular|foulards,2500,,100000
foulard-wax,Foulard wax,accessoires,À nouer,,2500,,100000
robe,Robe wax courte,robes,Au-dessus du genou,robe courte,12500,taille=S|M|L,3
sac,Sac pagne,sacs,Doublé,,9000,,
"""
ORDER = {
    "customer": {"address": "tel:+2250700000042"},
    "lines": [{"product_id": "foulard", "quantity": 2}],
    "delivery": {
        "commune": "Cocody",
        "phone": "07 00 00 00 42",
        "name": "Aya Koffi",
        "landmark": "Pharmacie",
    },
    "payment": {"method": "cash"},
}


async def eventually(look: Callable[[], Awaitable[T | None]], seconds: float = 15.0) -> T:
    """Ask again until it is there; jobs beside the server need real time."""
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        found = await look()
        if found:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {seconds:g} s")


@dataclass
class Own:
    """Ids of one shop's objects, and a key that may do everything."""

    key: str
    ids: dict[str, str]


class Branch(House):
    """A house with a real ledger, and two shops in it."""

    own: Own
    other: Own
    sender: Sender

    async def open(self, folder: Path, wait: Callable[[int], float]) -> None:
        """Import the shops, make keys."""
        self.keys = LedgerKeys(self.ledger)
        self.desk = replace(self.desk, shops=self.shops)
        for shop in (SHOP, OTHER):
            yml = SHOP_YML.replace("chez-test", shop)
            write_shop(folder, yml, PRODUCTS, ZONES_CSV)
            shutil.move(folder / "chez-test", folder / shop)
        await import_shops(self.ledger, folder)
        self.hooks = HookClient(LOOPBACK, attempt_seconds=1.0)
        self.sender = Sender(LedgerDeliveries(self.ledger), self.hooks, SECRET, wait=wait)

    async def key(self, shop: str = SHOP, *scopes: str, rate: int = 1_000_000) -> str:
        return await self.keys.create(shop, "test", scopes, live=False, rate_per_minute=rate)

    async def jobs(self) -> None:
        """What the worker's one-holder jobs do, in turn."""
        records = LedgerRecords(self.ledger)
        projector = Projector(MemoryJournal(self.lanes), records)
        offsets = dict.fromkeys(range(PARTITIONS), START)
        numberer, news = Numberer(self.ledger), LedgerOrderNews(self.ledger)
        while True:
            await projector.once(offsets)
            await numberer.once()
            await tell_orders(news, self.lanes, codec, self.clock)
            await self.sender.start_due()
            await asyncio.sleep(0.02)

    async def call(
        self,
        method: str,
        path: str,
        key: str | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> Any:
        """One request of the own shop, unless another key is given."""
        given = {**self.api(self.own.key if key is None else key), **(headers or {})}
        return await self.http.request(method, PREFIX + path, headers=given, **more)

    async def gateway_feed(self) -> int:
        """The last number of the own shop's feed."""
        return int(await self.app.ctx.feed.feed.last(SHOP))

    async def stock(self, own: Own, shop: str, *, talk: bool) -> None:
        """One object of each kind in a shop."""
        made = (await self.call("POST", "/orders", own.key, json=ORDER)).json()
        hook = {"url": "http://127.0.0.1:9/x", "types": ["webhook.disabled"]}
        webhook = (await self.call("POST", "/webhooks", own.key, json=hook)).json()
        await self.call("PATCH", f"/webhooks/{webhook['id']}", own.key, json={"status": "disabled"})
        now = utc_now()
        async with self.ledger.writing() as connection:
            await connection.execute(insert(Incident).values(**_incident(shop, now)))
            await tell(
                connection, [event_row(shop, f"test:{shop}", "customer.linked", now, {"address": "web:1"})]
            )
        own.ids |= {
            "order_id": made["id"],
            "customer_id": made["customer_id"],
            "conversation_id": made["conversation_id"],
            "product_id": "sac",
            "commune": "Cocody",
            "channel": "whatsapp",
            "webhook_id": webhook["id"],
            "incident_id": f"i-{shop}",
            "event_id": f"order.placed:{made['id']}",
        }
        await eventually(lambda: self._numbered(own))
        if talk:
            await eventually(lambda: self._customer(own))

    async def _numbered(self, own: Own) -> bool:
        found = await self.call("GET", "/events", own.key, params={"types": "order.placed"})
        return bool(found.json()["items"])

    async def _customer(self, own: Own) -> bool:
        found = await self.call("GET", f"/customers/{own.ids['customer_id']}", own.key)
        return bool(found.status_code == 200)

    async def talk(self) -> None:
        """A shopper writes on WhatsApp and is in the ledger."""
        await self.twilio("whatsapp", FORM)

        async def there() -> bool:
            found = await self.call("GET", f"/conversations/{LANE}/messages")
            return found.status_code == 200 and len(found.json()["items"]) > 1

        await eventually(there)


@contextlib.asynccontextmanager
async def open_branch(
    folder: Path,
    ledger_url: str | None = None,
    wait: Callable[[int], float] = lambda attempts: 0.05,
    **parts: Any,
) -> AsyncIterator[Branch]:
    """A branch that serves. ``parts`` replace the gateway's."""
    branch = Branch(ledger_url=ledger_url)
    await branch.open(folder / "shops", wait)
    fixed = {"reads": LedgerReads(branch.ledger), "keys": branch.keys, "guard": LOOPBACK, **parts}
    async with serving(branch, **fixed):
        branch.own = Own(await branch.key(SHOP), {})
        branch.other = Own(await branch.key(OTHER), {})
        jobs = asyncio.create_task(branch.jobs())
        try:
            yield branch
        finally:
            jobs.cancel()
            await asyncio.gather(jobs, return_exceptions=True)
            stop = asyncio.Event()
            stop.set()
            await branch.sender.run(stop)
            await branch.hooks.close()


def _incident(shop: str, now: datetime) -> dict[str, Any]:
    counts = dict.fromkeys(("moved", "answered", "held", "lost", "duplicated", "spent_xof", "saved_xof"), 0)
    times = {"began_at": now, "detected_at": now, "ended_at": now}
    told = {"id": f"i-{shop}", "shop_id": shop, "channel": "whatsapp", "fault_domain": "meta", "evidence": []}
    return {**told, **times, **counts}


def path_of(operation: Operation, ids: dict[str, str]) -> str:
    """The path of an operation with these ids in it."""
    path = operation.path
    for name, value in ids.items():
        path = path.replace("{" + name + "}", value)
    return path
