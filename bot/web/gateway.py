"""What the public side needs, in one frozen record, so that tests can build it from memory parts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from bot.core.addresses import LaneId, home_lane, parse
from bot.core.messages import Command, Item
from bot.core.tokens import Tokens
from bot.flows.receive import put_item, receive
from bot.hooks.guard import Guard
from bot.ledger.engine import Ledger
from bot.metrics import Metrics
from bot.ports import Clock, Codec, HealthBoard, Lanes, Put, Shops, Unavailable
from bot.storage.limits import RedisLimits
from bot.web.doors import Doors
from bot.web.feed_watch import FeedWatch
from bot.web.ledger_port import Keys, Reads
from bot.web.rehearsals import Drills

if TYPE_CHECKING:
    from bot.web.console.parts import Console
    from bot.web.payment_hooks import PaymentDoors

T = TypeVar("T")

PUT_SECONDS = 2.0
"""A provider gets its 503 within this time when the store hangs; Twilio's own patience is 15 s."""


WRITERS = 6
"""Transactions of REST at once. Each may wait for a rival's, so there are fewer than the pool has connections."""


async def _nothing() -> Mapping[str, Any]:
    return {}


async def _ready() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts of a running gateway. Everything in it connects lazily: the server accepts without any of them."""

    public_url: str
    secret: bytes = field(repr=False)
    lanes: Lanes
    codec: Codec
    tokens: Tokens
    board: HealthBoard
    shops: Shops
    clock: Clock
    doors: Doors
    """Shops' webhook accounts, in memory."""
    reads: Reads
    """The ledger, as REST and the light page read it."""
    keys: Keys
    ledger: Ledger
    """The ledger itself, for what REST changes there."""
    feed: FeedWatch
    """Wakes those who wait for events."""
    dialogue_ready: Callable[[], Awaitable[bool]] = _ready
    """Does the model answer?"""
    facts: Callable[[], Awaitable[Mapping[str, Any]]] = _nothing
    """For ``/readyz``: redis, durability, ledger, sqlite, model. Must not raise, must be quick."""
    metrics: Metrics = field(default_factory=Metrics)
    """What this process counts."""
    numbers: Callable[[], Awaitable[bytes]] | None = None
    """All of ``/metrics``: also what is read from store and ledger, and the worker's; None: this process alone."""
    acknowledge: Callable[[str, str], Awaitable[object]] | None = None
    """Answer a Telegram callback query: (shop, callback query id)."""
    forget: Callable[[str], Awaitable[None]] | None = None
    """Make the dialogue forget a conversation. May raise Unavailable."""
    keep_raw: Callable[[str, str, str, bytes], Awaitable[None]] | None = None
    """Keep an authentic webhook that was not understood: (shop, hook, its kind, body). May raise Unavailable."""
    drills: Drills | None = None
    """Rehearsals of outages; None: they cannot be started here."""
    console: Console | None = None
    """The vendor's console; None: there is none."""
    payments: PaymentDoors | None = None
    """Payment providers' accounts; None: no shop has any."""
    guard: Guard = field(default_factory=Guard)
    """Where webhooks may be sent."""
    limits: RedisLimits | None = None
    """How often a key may ask; None: as often as it likes."""
    writers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(WRITERS), repr=False)
    close: Callable[[], Awaitable[None]] | None = None
    """Give connections back at the end."""

    async def receive(self, shop: str, item: Item) -> Put | None:
        """Put an item of a webhook into its lane, durably. None: it belongs to no lane.

        Raises Unavailable, also when it takes over 2 s.
        """
        if not isinstance(item, Command):
            return await in_time(receive(self.lanes, self.codec, self.tokens, item))
        address = parse(item.argument("address") or "")
        return None if address is None else await self.put(home_lane(shop, address), item)

    async def put(self, lane: LaneId, item: Item) -> Put:
        """Put an item into a known lane. Raises Unavailable, also when it takes over 2 s."""
        return await in_time(put_item(self.lanes, self.codec, lane, item))


async def in_time(work: Awaitable[T], seconds: float = PUT_SECONDS) -> T:
    """Await it, but not for ever: a time-out is ``Unavailable``."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as late:
        raise Unavailable(f"no answer within {seconds:g} s") from late
