"""A gateway on a real socket, over memory parts, with a worker that steps lanes beside it."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import itertools
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from sanic import Sanic

from bot.channels.accounts import Account, TelegramAccount, TwilioAccount
from bot.channels.twilio_webhooks import sign
from bot.core.addresses import ChannelName, LaneId, ShopId
from bot.core.catalogue import Product
from bot.core.conversations import Conversation
from bot.core.shops import Shop
from bot.core.tokens import Tokens
from bot.flows.desk import Desk
from bot.ledger.engine import open_ledger
from bot.ledger.feed import LedgerFeed
from bot.ledger.keys import SCOPES
from bot.ledger.keys import VerifiedKey as Key
from bot.ledger.schema import upgrade_to_head
from bot.ports import Put, Unavailable
from bot.storage import codec
from bot.storage.memory import MemoryLanes
from bot.web.doors import Doors
from bot.web.feed_watch import FeedWatch
from bot.web.gateway import Gateway
from bot.web.ledger_port import BadCursor, HeardWords, Listing, ShopFace, Window
from bot.web.server import create_app
from tests.flows.world import PAGE, Book, OneShop, Phone, Roads, Waiter, World

SHOP, OTHER = ShopId("awa-mode"), ShopId("coton-doux")
SECRET = b"s" * 32
PUBLIC = "https://relais.example"
SID, TOKEN = "AC" + "1" * 32, "twilio-token"
OTHER_SID, OTHER_TOKEN = "AC" + "2" * 32, "another-token"
WHATSAPP, SMS = "+2250700000190", "+2250700000191"
TELEGRAM_SECRET = "telegram-secret"
TOKENS = Tokens(SECRET, PUBLIC)
ACCOUNTS: dict[ShopId, dict[ChannelName, Account]] = {
    SHOP: {
        ChannelName.WHATSAPP: TwilioAccount(SID, (TOKEN,), WHATSAPP),
        ChannelName.SMS: TwilioAccount(SID, (TOKEN,), SMS),
        ChannelName.TELEGRAM: TelegramAccount("123:abc", TELEGRAM_SECRET, "awa_bot"),
    },
    OTHER: {ChannelName.WHATSAPP: TwilioAccount(OTHER_SID, (OTHER_TOKEN,), "+2250700000194")},
}
ALL_SCOPES = frozenset(SCOPES)
_names = itertools.count()


@functools.cache
def _tables() -> Path:
    """A ledger with all tables, migrated once a process: most tests take less time than that."""
    path = Path(tempfile.mkdtemp(prefix="relais-tables-")) / "ledger.db"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    url = f"sqlite+aiosqlite:///{path}"
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(upgrade_to_head(url))).result()
    return path


def _copied(folder: Path) -> Path:
    return Path(shutil.copyfile(_tables(), folder / "ledger.db"))


class RealClock:
    """Time as it is; pages and lanes are waited for over a real socket."""

    offset = 0.0

    def now(self) -> float:
        return time.time() + self.offset

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Lanes(MemoryLanes):
    """Memory lanes that can be unplugged, hang, and count what was put."""

    down = False
    hangs = False
    puts = 0

    async def put(self, lane: LaneId, item_id: str, item: bytes) -> Put:
        if self.hangs:
            await asyncio.sleep(60)
        if self.down:
            raise Unavailable("redis is down")
        self.puts += 1
        return await super().put(lane, item_id, item)

    async def peek(self, lane: LaneId) -> bytes | None:
        if self.down:
            raise Unavailable("redis is down")
        return await super().peek(lane)

    async def resolve(self, lane: LaneId) -> LaneId:
        if self.down:
            raise Unavailable("redis is down")
        return await super().resolve(lane)


class Shelf:
    """A ledger of fixed objects, each under its shop."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
        self.words: list[HeardWords] = []

    def put(self, shop: str, kind: str, id_: str, **fields: Any) -> None:
        self.objects.setdefault((shop, kind), {})[id_] = fields

    def _list(self, shop: str, kind: str, window: Window) -> Listing:
        if window.cursor is not None and not window.cursor.isdigit():
            raise BadCursor
        start = int(window.cursor or 0)
        items = list(self.objects.get((shop, kind), {}).values())
        end = start + window.limit
        return Listing(items[start:end], str(end) if end < len(items) else None)

    def _one(self, shop: str, kind: str, id_: str) -> dict[str, Any] | None:
        return self.objects.get((shop, kind), {}).get(id_)

    async def heard(self, shop: str, conversation_id: str, since: float) -> list[HeardWords]:
        return self.words

    async def shop_window(self, shop: str) -> ShopFace:
        products = [
            Product(f"p{n}", f"Pagne <{n}>", "Pagnes", "", (), 16000 + n, (), None if n else 0)
            for n in range(200)
        ]
        return ShopFace("Pagnes & livraison", "Lundi à samedi", products)

    async def orders(self, shop: str, window: Window, wanted: Any = None) -> Listing:
        return self._list(shop, "orders", window)

    async def order(self, shop: str, order_id: str) -> dict[str, Any] | None:
        return self._one(shop, "orders", order_id)

    async def conversations(self, shop: str, window: Window, wanted: Any) -> Listing:
        return Listing([]) if wanted.address else self._list(shop, "conversations", window)

    async def conversation(self, shop: str, conversation_id: str) -> dict[str, Any] | None:
        return self._one(shop, "conversations", conversation_id)

    async def messages(self, shop: str, conversation_id: str, window: Window) -> Listing:
        return self._list(shop, "messages", window)

    async def customers(self, shop: str, window: Window, address: str | None) -> Listing:
        return self._list(shop, "customers", window)

    async def customer(self, shop: str, customer_id: str) -> dict[str, Any] | None:
        return self._one(shop, "customers", customer_id)

    async def products(self, shop: str, window: Window, wanted: Any = None) -> Listing:
        return self._list(shop, "products", window)

    async def product(self, shop: str, product_id: str) -> dict[str, Any] | None:
        return self._one(shop, "products", product_id)

    async def zones(self, shop: str, window: Window) -> Listing:
        return self._list(shop, "zones", window)

    async def zone(self, shop: str, commune: str) -> dict[str, Any] | None:
        return self._one(shop, "zones", commune)

    async def incidents(self, shop: str, window: Window) -> Listing:
        return self._list(shop, "incidents", window)

    async def call_list(self, shop: str, window: Window) -> Listing:
        return self._list(shop, "call_list", window)


    async def webhooks(self, shop: str, window: Window) -> Listing:
        return self._list(shop, "webhooks", window)


@dataclass
class Ring:
    """Keys by their text."""

    keys: dict[str, Key]

    async def verify(self, key: str) -> Key | None:
        return self.keys.get(key)


@dataclass
class TwoShops:
    shops: dict[ShopId, Shop]

    async def get(self, shop: ShopId) -> Shop | None:
        return self.shops.get(shop)


class House:
    """Everything a test touches: the running server's client and the parts behind it."""

    def __init__(self, lanes: Any = None, ledger_url: str | None = None) -> None:
        self.clock = RealClock()
        self.lanes: Any = lanes if lanes is not None else Lanes(self.clock)
        world = World()
        self.board = world.board
        self.waiter = Waiter()
        self.phones = world.phones
        self.phones[ChannelName.WEB] = Phone(ChannelName.WEB, PAGE)
        accounts = {channel: phone.account for channel, phone in self.phones.items()}
        shop = replace(world.shops.shop, accounts=accounts)
        self.shops = TwoShops(
            {SHOP: shop, OTHER: Shop(OTHER, "Coton Doux", "+2250700000198", accounts=accounts)}
        )
        self.desk = Desk(
            lanes=self.lanes,
            board=self.board,
            dialogue=self.waiter,
            channels=Roads(self.phones),
            shops=OneShop(shop),
            records=Book(),
            codec=codec,
            clock=self.clock,
            tokens=TOKENS,
            permits=world.desk.permits,
            files=world.drawer,
            meter=world.desk.meter,
        )
        self.shelf = Shelf()
        self.folder = Path(tempfile.mkdtemp(prefix="relais-house-"))
        self.ledger = open_ledger(ledger_url or f"sqlite+aiosqlite:///{_copied(self.folder)}")
        self.ring = Ring(
            {
                "k-awa": Key("1", SHOP, ALL_SCOPES),
                "k-coton": Key("2", OTHER, ALL_SCOPES),
                "k-poor": Key("3", SHOP, frozenset()),
            }
        )
        self.acknowledged: list[tuple[str, str]] = []
        self.kept: list[tuple[str, str, str, bytes]] = []
        self.model_ready = True
        self.facts: dict[str, Any] = {"redis": "ok", "durability": "fsync", "ledger": "ok"}
        self.http: httpx.AsyncClient
        self.app: Sanic[Any, Any]
        self.stop_working: Callable[[], object]

    def gateway(self, **parts: Any) -> Gateway:
        async def ready() -> bool:
            return self.model_ready

        async def facts() -> dict[str, Any]:
            return self.facts

        async def acknowledge(shop: str, callback_id: str) -> None:
            self.acknowledged.append((shop, callback_id))

        async def keep(shop: str, hook: str, kind: str, body: bytes) -> None:
            self.kept.append((shop, hook, kind, body))

        made = Gateway(
            public_url=PUBLIC,
            secret=SECRET,
            lanes=self.lanes,
            codec=codec,
            tokens=TOKENS,
            board=self.board,
            shops=self.shops,
            clock=self.clock,
            doors=Doors(lambda: ACCOUNTS, PUBLIC),
            reads=self.shelf,
            keys=self.ring,
            ledger=self.ledger,
            feed=FeedWatch(LedgerFeed(self.ledger)),
            dialogue_ready=ready,
            facts=facts,
            acknowledge=acknowledge,
            keep_raw=keep,
        )
        return replace(made, **parts)

    async def conversation(self, lane: LaneId) -> Conversation:
        state = await self.lanes.peek(lane)
        assert state is not None
        return codec.decode_conversation(state)

    async def stepping(self) -> None:
        """What a worker does, without its leases' refinements."""
        from bot.flows.step import step

        while True:
            for partition in await self.lanes.due_partitions():
                lease = await self.lanes.take(partition)
                if lease is not None:
                    await step(self.desk, lease)
            await asyncio.sleep(0.005)

    async def twilio(
        self, kind: str, form: dict[str, str], shop: str = SHOP, token: str = TOKEN
    ) -> httpx.Response:
        """Post a signed form."""
        path = f"/webhooks/{kind}/{shop}"
        signature = sign(token, PUBLIC + path, form.items())
        return await self.http.post(
            path,
            content=urlencode(form),
            headers={"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"},
        )

    async def telegram(self, update: dict[str, Any], secret: str = TELEGRAM_SECRET) -> httpx.Response:
        return await self.http.post(
            f"/webhooks/telegram/{SHOP}", json=update, headers={"X-Telegram-Bot-Api-Secret-Token": secret}
        )

    def api(self, key: str = "k-awa") -> dict[str, str]:
        return {"Authorization": f"Bearer {key}"}


@contextlib.asynccontextmanager
async def open_house(work: bool = True, lanes: Any = None, **parts: Any) -> AsyncIterator[House]:
    """The house with its server on a free port of the loopback, and its worker. ``parts`` replace the gateway's."""
    async with serving(House(lanes), work, **parts) as house:
        yield house


@contextlib.asynccontextmanager
async def serving(house: House, work: bool = True, **parts: Any) -> AsyncIterator[House]:
    """Serve a house that is built. The ledger closes last: a task cut off inside it would wait for its connection for ever."""
    mine = asyncio.all_tasks()
    app = house.app = create_app(house.gateway(**parts), name=f"relais-test-{next(_names)}", touch_up=False)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        server = await app.create_server(sock=listening, return_asyncio_server=True, access_log=False)
        assert server is not None
        await server.startup()
        await server.before_start()
        worker = asyncio.create_task(house.stepping()) if work else None
        house.stop_working = lambda: worker and worker.cancel()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as house.http:
            yield house
        for connection in list(server.connections):
            connection.abort()
        await server.close()
        left = asyncio.all_tasks() - mine - {asyncio.current_task()}
        for _ in range(10):  # a cancellation that meets the last step of what a library does is lost
            for task in left:
                task.cancel()
            if left:
                _, left = await asyncio.wait(left, timeout=2)
        assert not left
        await house.ledger.close()
        shutil.rmtree(house.folder, ignore_errors=True)
