"""Hundreds of shoppers at once on a running Relais: they write by phone, and what became of them is counted.

The record of each conversation is read as it was committed (``Lanes.peek``); what arrived is read from the phones.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from bot.core.addresses import ChannelName, LaneId
from bot.core.conversations import Conversation
from bot.core.messages import Awaiting, MessageStatus
from bot.core.moving import LEFT
from bot.storage import codec
from bot.storage.redis import RedisLanes, connect
from tests.system.running import SHOP, TWO_WAY_SHOP, Running

W, T, S, P = ChannelName.WHATSAPP, ChannelName.TELEGRAM, ChannelName.SMS, ChannelName.WEB
LINK = re.compile(r"https?://\S+/c/[A-Za-z0-9_-]+")
FIRST = {SHOP: "2 pagnes uniwax rouge", TWO_WAY_SHOP: "2 colliers de perles"}
TOTAL = {SHOP: 33_500, TWO_WAY_SHOP: 14_500}
"""Of that order, delivered to Cocody."""
SAID = {
    Awaiting.OTHER: "commander",
    Awaiting.COMMUNE: "Cocody",
    Awaiting.LANDMARK: "Rue des Jardins, portail vert",
    Awaiting.NAME: "Awa Koné",
    Awaiting.PHONE: "07 00 00 00 77",
    Awaiting.PAYMENT: "wave",
    Awaiting.CONFIRMATION: "oui",
    Awaiting.LATE_CONFIRMATION: "non",
}
ACCEPTED = re.compile(r'^relais_webhooks_accepted_total\{hook="whatsapp"\} (\S+)$', re.MULTILINE)
NOWHERE = LaneId("")
AT_ONCE = 12
"""Requests of the test's own at once: more would only measure the test."""


@dataclass
class Shopper:
    """One phone. ``reach``: whatsapp (number hidden), telegram, two_way or one_way (the SMS of its shop)."""

    reach: str
    person: dict[str, Any]
    shop: str
    lane: LaneId = NOWHERE
    wrote_at: float = 0.0
    page: str = ""

    @property
    def id(self) -> str:
        return str(self.person["id"])


@dataclass
class Crowd:
    """Everybody of one scenario."""

    running: Running
    http: httpx.AsyncClient
    lanes: RedisLanes
    shoppers: list[Shopper] = field(default_factory=list)
    first: str = ""
    """What everybody wants; empty: as ``FIRST`` says."""
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def post(self, path: str, writing: Shopper | None = None, **body: Any) -> Any:
        async with self._turns:
            if writing is not None:
                # Not before: what waits for a turn of this test is not in any phone yet.
                writing.wrote_at = time.time()
            answer = await self.http.post(f"{self.running.simulator}/sim/{path}", json=body)
        assert answer.status_code < 300, f"/sim/{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def fault(self, channel: str, name: str, on: bool = True, **options: Any) -> None:
        await self.post("faults", channel=channel, fault=name, on=on, options=options)

    async def invite(self, reach: Sequence[str]) -> None:
        """Make the phones, link Telegram where somebody has it, and put something into each basket on WhatsApp."""

        async def one(kind: str) -> Shopper:
            person = await self.post("people", hide_number=kind == "whatsapp", has_telegram=kind == "telegram")
            return Shopper(kind, person, TWO_WAY_SHOP if kind == "two_way" else SHOP)

        new = await asyncio.gather(*(one(kind) for kind in reach))
        self.shoppers += new
        await self.everybody([s for s in new if s.reach == "telegram"], self._link)
        await self.everybody(new, lambda s: self.write(s, self.first or FIRST[s.shop]))
        await self.everybody(new, self._find)
        await self.until(new, lambda _, talk: talk.awaiting is not None, 60, "a question each")

    async def everybody(self, who: Iterable[Shopper], act: Callable[[Shopper], Any]) -> None:
        await asyncio.gather(*(act(shopper) for shopper in who))

    async def _find(self, shopper: Shopper) -> None:
        address = str(shopper.person["whatsapp"]).replace("+", "%2B")
        while not shopper.lane:
            async with self._turns:
                answer = await self.http.get(
                    f"{self.running.gateway}/api/v1/conversations?address={address}",
                    headers={"Authorization": f"Bearer {self.running.keys[shopper.shop]}"},
                )
            items = answer.json()["items"]
            shopper.lane = LaneId(items[0]["id"]) if items else NOWHERE
            await asyncio.sleep(0.1)

    async def _link(self, shopper: Shopper) -> None:
        await self.write(shopper, "telegram")
        await self._find(shopper)
        while not (talk := await self.record(shopper)).links:
            await asyncio.sleep(0.1)
        token = next(
            text.partition("start=")[2].split()[0]
            for text in [d.reply.text for d in reversed(talk.deliveries)]
            if "start=" in text
        )
        await self.post("telegram", person=shopper.id, shop=shopper.shop, start=token)
        while not (await self.record(shopper)).customer.on(T):
            await asyncio.sleep(0.1)

    async def write(self, shopper: Shopper, text: str, channel: ChannelName = W, **more: Any) -> None:
        if channel is P:
            shopper.wrote_at = time.time()
            await self._post_page(shopper, text)
            return
        await self.post(channel.value, writing=shopper, person=shopper.id, shop=shopper.shop, text=text, **more)

    async def answer(self, shopper: Shopper, talk: Conversation, channel: ChannelName) -> None:
        """Say what that question asks for."""
        assert talk.awaiting is not None, shopper
        await self.write(shopper, SAID[talk.awaiting], channel)

    async def lose_redis(self) -> None:
        """FLUSHALL, as a new empty server would look."""
        redis = connect(self.running.addresses["redis_url"])
        await redis.flushall()
        await redis.aclose()

    async def found_again(self, who: Iterable[Shopper], seconds: float = 30.0) -> None:
        """Wait until everybody's record is there, whoever has brought it back."""
        async with asyncio.timeout(seconds):
            for shopper in who:
                while await self.lanes.peek(shopper.lane) is None:
                    await asyncio.sleep(0.1)

    async def _post_page(self, shopper: Shopper, text: str) -> None:
        """Write on the light page, whose link came by SMS."""
        if not shopper.page:
            texts = [m["text"] for m in await self.messages(shopper) if m["channel"] == "sms"]
            shopper.page = next(found[0] for found in map(LINK.search, texts) if found)
        async with self._turns:
            answer = await self.http.post(shopper.page, data={"text": text})
        assert answer.status_code == 303, answer.status_code

    async def record(self, shopper: Shopper) -> Conversation:
        state = await self.lanes.peek(shopper.lane)
        assert state is not None
        return codec.decode_conversation(state)

    async def records(self, who: Iterable[Shopper]) -> list[tuple[Shopper, Conversation]]:
        listed = list(who)
        return list(zip(listed, await asyncio.gather(*(self.record(s) for s in listed)), strict=True))

    async def until(
        self, who: Iterable[Shopper], holds: Callable[[Shopper, Conversation], bool], seconds: float, what: str
    ) -> None:
        """Wait until it holds for everybody; those for whom it does are not asked again."""
        left, end = list(who), time.monotonic() + seconds
        while left:
            left = [shopper for shopper, talk in await self.records(left) if not holds(shopper, talk)]
            if left and time.monotonic() > end:
                talk = await self.record(left[0])
                raise AssertionError(f"not within {seconds:g} s: {what}; {len(left)} left, e.g. {left[0]}: {talk}")
            await asyncio.sleep(0.2)

    async def finish(self, who: Iterable[Shopper], on: Callable[[Shopper], ChannelName], seconds: float = 90) -> None:
        """Everybody goes on until the order is placed."""
        end = time.monotonic() + seconds
        left = list(who)
        while left:
            assert time.monotonic() < end, f"{len(left)} did not finish, e.g. {await self.record(left[0])}"
            await self.step(left, on)
            left = [s for s, talk in await self.records(left) if talk.last_order_id is None]

    async def step(self, who: Iterable[Shopper], on: Callable[[Shopper], ChannelName]) -> None:
        """Everybody who is asked something answers it, and is asked the next thing or has an order."""
        before = {s.id: (s, talk, talk.awaiting) for s, talk in await self.records(who)}
        asked = {key: (s, talk, awaiting) for key, (s, talk, awaiting) in before.items() if awaiting is not None}
        await asyncio.gather(*(self.write(s, SAID[awaiting], on(s)) for s, _, awaiting in asked.values()))

        def goes_on(s: Shopper, talk: Conversation) -> bool:
            return talk.pending != asked[s.id][1].pending and not talk.unanswered

        await self.until([s for s, _, _ in asked.values()], goes_on, 60, "the next question")

    async def write_as_it_breaks(self, write: Callable[[], Awaitable[None]], count: int, break_: Callable[[], Any]) -> None:
        """Their messages are in, and not one has been answered, when it breaks: everybody is owed an answer."""
        with self.running.stopped("worker"):
            before = await self._accepted()
            await write()
            async with asyncio.timeout(60):
                while await self._accepted() < before + count:
                    await asyncio.sleep(0.05)
            await break_()

    async def _accepted(self) -> int:
        """WhatsApp webhooks that are durable, by the gateway's own count."""
        text = (await self.http.get(f"{self.running.gateway}/metrics")).text
        found = ACCEPTED.search(text)
        return int(float(found[1])) if found else 0

    async def messages(self, shopper: Shopper) -> list[dict[str, Any]]:
        async with self._turns:
            answer = await self.http.get(
                f"{self.running.simulator}/sim/messages", params={"person": shopper.id, "shop": shopper.shop}
            )
        return [m for m in answer.json()["messages"] if m["direction"] == "out"]

    async def orders(self) -> dict[str, list[dict[str, Any]]]:
        """All orders by conversation."""
        found: dict[str, list[dict[str, Any]]] = {}
        for shop in {s.shop for s in self.shoppers}:
            cursor = ""
            while cursor is not None:
                more = f"&cursor={cursor}" if cursor else ""
                page = (
                    await self.http.get(
                        f"{self.running.gateway}/api/v1/orders?limit=100{more}",
                        headers={"Authorization": f"Bearer {self.running.keys[shop]}"},
                    )
                ).json()
                for order in page["items"]:
                    found.setdefault(order["conversation_id"], []).append(order)
                cursor = page["next_cursor"]
        return found


@asynccontextmanager
async def crowd(running: Running) -> Any:
    redis = connect(running.addresses["redis_url"])
    async with httpx.AsyncClient(timeout=30.0, trust_env=False) as http:
        try:
            yield Crowd(running, http, RedisLanes(redis))
        finally:
            await redis.aclose()


def wrong_channel(talk: Conversation) -> int:
    """Messages that left on another channel than the one their epoch was on."""
    homes: dict[int, Counter[str]] = {}
    for d in talk.deliveries:
        if d.status in LEFT and d.channel is not None and not d.probe and d.reply.only_on is None:
            homes.setdefault(d.epoch, Counter())[d.channel] += 1
    return sum(sum(seen.values()) - max(seen.values()) for seen in homes.values())


def held(talk: Conversation) -> bool:
    return any(d.status is MessageStatus.HELD and not d.superseded_by for d in talk.deliveries)
