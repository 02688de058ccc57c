"""A whole market in virtual time: real flows and core on memory storage; providers, dialogue, network, clocks and deaths
simulated from one seed. The same seed gives the same history, to the last event.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from bot.core.addresses import ChannelName, ShopId
from bot.core.bursts import AT_ONCE
from bot.core.catalogue import Product, Zone
from bot.core.orders import OrderRequest, Placed, PlaceResult, Rejected, SoldOut
from bot.core.shops import Shop
from bot.core.tokens import Tokens
from bot.dialogue.scripted import ScriptedDialogue
from bot.flows.catch_up import catch_up, keep_up
from bot.flows.desk import Desk
from bot.flows.permits import Permits
from bot.ports import Answer, Turn, Unavailable
from bot.storage import codec
from bot.storage.memory import MemoryHealthBoard, MemoryMeter
from bot.worker import Worker
from tests.flows.world import Drawer
from tests.simulation.carriers import Accounts, Carrier
from tests.simulation.door import Door
from tests.simulation.plan import Plan
from tests.simulation.process import Process, Reached, ReachedLanes, Weather
from tests.simulation.shoppers import WISHES, Habits, Shopper
from tests.simulation.store import Archive, SimulatedLanes
from tests.simulation.virtual import Seeds, VirtualClock

SHOP = ShopId("awa-mode")
TOKENS = Tokens(b"s" * 32, "https://relais.example")
STOCK = 100_000
SOLD = ("foulard-wax", "foulard-satin", "pagne-uniwax")
"""A small catalogue: what a simulation is about is not the matching of words."""


class Ledger:
    """Orders as the ledger keeps them: one a basket, stock moved with it."""

    def __init__(self, products: Sequence[Product], zones: Sequence[Zone]) -> None:
        self._products = {product.id: product for product in products}
        self._fees = {zone.commune: zone.fee_xof for zone in zones}
        self.stock = {product.id: STOCK for product in products}
        self.orders: dict[str, OrderRequest] = {}
        """By basket id."""
        self.asked: Counter[str] = Counter()

    async def place(self, request: OrderRequest) -> PlaceResult:
        basket = request.basket
        self.asked[basket.id] += 1
        first = basket.id not in self.orders
        if first:
            if not basket.lines or basket.checkout.commune not in self._fees:
                return Rejected("incomplete")
            short = [(line.product_id, self.stock[line.product_id]) for line in basket.lines]
            short = [(id_, left) for (id_, left), line in zip(short, basket.lines, strict=True) if left < line.quantity]
            if short:
                return SoldOut(tuple(short))
            for line in basket.lines:
                self.stock[line.product_id] -= line.quantity
            self.orders[basket.id] = request
        number = list(self.orders).index(basket.id) + 1
        return Placed(f"order-{number}", f"R-{number:04d}", basket.total_xof, first)

    def order_of(self, basket_id: str) -> tuple[str, str] | None:
        """Id and number, as ``place`` gave them."""
        if basket_id not in self.orders:
            return None
        number = list(self.orders).index(basket_id) + 1
        return f"order-{number}", f"R-{number:04d}"


class Rasa:
    """The dialogue: an answer is stored with its turn after the action has placed the order, and it may die in between."""

    def __init__(
        self,
        products: Sequence[Product],
        zones: Sequence[Zone],
        ledger: Ledger,
        weather: Weather,
        draws: Random,
    ) -> None:
        self._new_life = lambda: ScriptedDialogue(products, zones, Reachable(ledger, weather))
        self._dialogue = self._new_life()
        self._weather = weather
        self._draws = draws
        self._answers: dict[tuple[str, str], Answer] = {}
        self.forgets = 0.0
        """Share of turns whose answer is lost after the action ran and before it was stored."""

    async def ask(self, turn: Turn) -> Answer:
        key = (turn.conversation_id, turn.turn_id)
        await asyncio.sleep(self._draws.uniform(0.02, 0.3))
        if key not in self._answers:
            answer = await self._dialogue.ask(turn)
            if self._draws.random() < self.forgets:
                self._weather.struck["rasa died after the action"] += 1
                self._dialogue = self._new_life()
                raise Unavailable("rasa died")
            self._answers[key] = answer
        return self._answers[key]


@dataclass
class Reachable:
    """The ledger as an action reaches it."""

    ledger: Ledger
    weather: Weather

    async def place(self, request: OrderRequest) -> PlaceResult:
        if "ledger" in self.weather.down:
            self.weather.struck["ledger down at an order"] += 1
            raise Unavailable("the ledger is down")
        return await self.ledger.place(request)


@dataclass
class OneShop:
    shop: Shop

    async def get(self, shop: ShopId) -> Shop | None:
        return self.shop if shop == self.shop.id else None


@dataclass
class Market:
    """Everything of one run. ``run`` plays it; afterwards the judge looks at it from outside."""

    seed: int
    plan: Plan
    shoppers: int = 10
    two_way_sms: bool = True
    lanes_type: type[SimulatedLanes] = SimulatedLanes
    worker_failures: int = 0
    log: list[str] = field(default_factory=list)
    finished: bool = False

    def __post_init__(self) -> None:
        from tests.dialogue.memory_ledger import SHOPS, read_products, read_zones

        folder = SHOPS / "awa-mode"
        self.seeds = Seeds(self.seed)
        self.clock = VirtualClock()
        self.weather = Weather()
        self.lanes = self.lanes_type(self.clock)
        self.board = MemoryHealthBoard(self.clock)
        self.meter = MemoryMeter(self.clock)
        products = [replace(p, stock=STOCK) for p in read_products(folder) if p.id in SOLD]
        zones = read_zones(folder)
        self.ledger = Ledger(products, zones)
        self.archive = Archive(self.lanes, self.ledger.order_of)
        self.rasa = Rasa(products, zones, self.ledger, self.weather, self.seeds.stream("rasa"))
        self.door = Door(TOKENS)
        self.carriers = {
            name: Carrier(name, self.seeds.stream("carrier", name), self.door, two_way=self.two_way_sms or name != "sms")
            for name in (ChannelName.WHATSAPP, ChannelName.TELEGRAM, ChannelName.SMS)
        }
        self.shop = Shop(
            SHOP, "Awa Mode", "+2250700000199", sms_two_way=self.two_way_sms, telegram_username="awa_bot"
        )
        self.people = [self._shopper(person) for person in range(self.shoppers)]
        self.workers: dict[str, Process] = {}
        self._working: list[Worker] = []
        self._lives = 0

    def _shopper(self, person: int) -> Shopper:
        draws = self.seeds.stream("shopper", person)
        habits = Habits(
            taps=draws.choice([0.0, 0.5, 1.0]),
            doubles=draws.choice([0.0, 0.0, 0.3]),
            everywhere=draws.choice([0.0, 0.0, 0.5]),
            stays=draws.choice([0.0, 0.0, 0.5]),
            patience=draws.uniform(30.0, 240.0),
        )
        return Shopper(
            person,
            f"+22507000{person:05d}",
            SHOP,
            self.carriers,
            draws,
            habits,
            has_telegram=draws.random() < 0.6,
            wishes=draws.choices(WISHES, k=2),
        )

    # processes

    def start_gateway(self) -> None:
        process = self._process("gateway")
        self.door.lanes = Reached(self.lanes, process, "store", 0.002)

    def stop_gateway(self) -> None:
        self.door.lanes = None

    def start_worker(self, name: str, skew: float = 0.0) -> None:
        """A worker and its jobs, with a memory, permits and a clock of its own."""
        process = self._process(name)
        clock = VirtualClock(skew)
        accounts = Accounts(list(self.carriers.values()), process)
        lanes = ReachedLanes(self.lanes, process, "store", 0.001)
        desk = Desk(
            lanes=lanes,
            board=Reached(self.board, process, "store", 0.001),
            dialogue=Reached(self.rasa, process, "rasa", 0.005),
            channels=accounts,
            shops=OneShop(self.shop),
            records=Reached(self.archive, process, "ledger", 0.002),
            codec=codec,
            clock=clock,
            tokens=TOKENS,
            permits=Permits(),
            files=Drawer(),
            meter=Reached(self.meter, process, "store", 0.001),
            settling=AT_ONCE,
        )
        worker = Worker(desk)
        self._working.append(worker)
        self.workers[name] = process
        self.door.run(worker.run(asyncio.Event()))

        async def alive() -> str | None:
            return None if self.door.lanes is None else "gateway"

        async def listen_back(since: float) -> int:
            return await catch_up(lanes, codec, TOKENS, accounts.inboxes(), since, clock.now())

        self.door.run(self._jobs(lambda: keep_up(clock, alive, listen_back)))

    async def _jobs(self, job: Callable[[], object]) -> None:
        while True:
            try:
                await job()  # type: ignore[misc]
            except Unavailable:
                await asyncio.sleep(1.0)

    def _process(self, name: str) -> Process:
        self._lives += 1
        return Process(name, self.weather, self.seeds.stream("process", name, self._lives))

    # the run

    async def play(self) -> None:
        """Good weather, the plan's faults, good weather again; until everybody has what they wanted."""
        self.start_gateway()
        for name in ("worker-1", "worker-2"):
            self.start_worker(name)
        self.door.run(self._project())
        draws = self.seeds.stream("arrivals")
        span = self.plan.last_seconds
        lives = [
            asyncio.create_task(person.live(lambda: draws.uniform(0.0, span / 2)), name=f"shopper {person.person}")
            for person in self.people
        ]
        await self.plan.happen(self)
        done, late = await asyncio.wait(lives, timeout=self.plan.after_seconds)
        self.finished = not late
        for life in done:
            life.result()
        for life in late:
            life.cancel()
        await asyncio.sleep(1900.0)
        await self.archive.project()
        self.worker_failures = sum(worker.failures for worker in self._working)

    async def _project(self) -> None:
        while True:
            await asyncio.sleep(5.0)
            if "ledger" not in self.weather.down:
                await self.archive.project()

    @property
    def struck(self) -> Counter[str]:
        """Every fault that hit something, by name."""
        total = Counter(self.weather.struck)
        for carrier in self.carriers.values():
            total.update(carrier.struck)
        return total

    def history(self) -> str:
        """A digest of everything that could be seen from outside."""
        digest = hashlib.sha256()
        for carrier in self.carriers.values():
            for to, screen in sorted(carrier.screens.items()):
                for shown in screen:
                    digest.update(f"{to} {shown.at:.6f} {shown.provider_id} {shown.part.text}\n".encode())
        for basket, order in self.ledger.orders.items():
            digest.update(f"{basket} {order.turn_id} {order.channel}\n".encode())
        for lane, heard in sorted(self.archive.heard.items()):
            digest.update(f"{lane} {heard}\n".encode())
        return digest.hexdigest()
