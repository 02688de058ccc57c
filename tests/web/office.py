"""A house with its console: real Redis for sessions, a real ledger, people of two shops, and a shopper who says bad things."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from redis.asyncio import Redis

from bot.core.addresses import Address, ChannelName, LaneId, Scheme, home_lane
from bot.core.messages import Attachment, Received
from bot.ledger.audit import LedgerAudit
from bot.ledger.importing import import_shops
from bot.ledger.passwords import Passwords
from bot.ledger.projector import LedgerRecords, Projector
from bot.ledger.users import LedgerUsers, Role
from bot.storage.journal import START
from bot.storage.kept_files import KeptFiles
from bot.storage.memory_lanes import MemoryJournal
from bot.storage.sessions import RedisSessions
from bot.storage.throttle import RedisThrottle
from bot.web.console.parts import Console
from bot.web.ledger_reads import LedgerReads
from tests.web.house import OTHER, SECRET, SHOP, House, serving

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "quatre mots bien à moi"
PEOPLE = {
    "owner": (SHOP, Role.OWNER),
    "staff": (SHOP, Role.STAFF),
    "reader": (SHOP, Role.READER),
    "stranger": (OTHER, Role.OWNER),
}
PHONE = Address(Scheme.WHATSAPP, "+2250700000001")
LANE = home_lane(SHOP, PHONE)
_TOKEN = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


@cache
def _digest() -> str:
    from bot.ledger import passwords

    return passwords._HASHER.hash(PASSWORD)


@dataclass
class Office:
    """The house, its console, and people at work."""

    house: House
    console: Console
    offsets: dict[int, str] = field(default_factory=dict)
    serial: int = 0

    @property
    def http(self) -> httpx.AsyncClient:
        return self.house.http

    @contextlib.asynccontextmanager
    async def signed_in(self, who: str) -> AsyncIterator[Person]:
        async with httpx.AsyncClient(base_url=self.http.base_url, timeout=20) as client:
            answer = await client.post("/console/login", data={"login": who, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
            person = Person(client)
            person.keep(answer)
            yield person

    async def hear(self, text: str, **more: Any) -> None:
        """A shopper writes, the worker answers, the ledger learns of it."""
        self.serial += 1
        received = Received(
            f"whatsapp:SM{self.serial}", SHOP, ChannelName.WHATSAPP, PHONE, "whatsapp:+2250700000001",
            self.house.clock.now(), text,
        )  # fmt: skip
        await self.house.gateway().receive(SHOP, replace(received, **more))
        await self.settle()

    async def settle(self) -> None:
        """Step lanes until none is due, and project what they told."""
        from bot.flows.step import step

        for _ in range(50):
            due = await self.house.lanes.due_partitions()
            for partition in due:
                lease = await self.house.lanes.take(partition)
                if lease is not None:
                    await step(self.house.desk, lease)
            if not due:
                break
        await self.project()

    async def project(self) -> None:
        offsets = self.offsets or dict.fromkeys(range(64), START)
        self.offsets = offsets
        projector = Projector(MemoryJournal(self.house.lanes), LedgerRecords(self.house.ledger))
        await projector.once(offsets)

    async def hostile(self, payload: str) -> LaneId:
        """A conversation in which everything a stranger can choose is the payload."""
        file = Attachment("document", "javascript:alert(1)", "text/html", label=payload)
        await self.hear(payload, profile_name=payload, attachments=(file,))
        await self.hear("2 pagnes")
        return LANE


@dataclass
class Person:
    """Somebody with a session."""

    client: httpx.AsyncClient

    @property
    def word(self) -> str:
        """What the cookie holds."""
        return self.client.headers["Cookie"].partition("=")[2]

    def keep(self, answer: httpx.Response) -> None:
        """Take the cookie that is for https only, as the proxy's browser would."""
        found = re.match(r"relais_console=([^;]*)", answer.headers.get("set-cookie", ""))
        if found is not None:
            self.client.headers["Cookie"] = f"relais_console={found[1]}"
            self.client.cookies.clear()

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(f"/console{path}", headers=headers)

    async def token(self) -> str:
        found = _TOKEN.search((await self.get("/account")).text)
        assert found is not None
        return found[1]

    async def post(self, path: str, headers: dict[str, str] | None = None, **fields: str) -> httpx.Response:
        """Send a form of ours, with its token."""
        data = {"csrf": await self.token(), **fields}
        answer = await self.client.post(f"/console{path}", data=data, headers=headers)
        self.keep(answer)
        return answer


@contextlib.asynccontextmanager
async def open_office(redis: Redis, work: bool = False, **parts: Any) -> AsyncIterator[Office]:
    """Serve it. ``work``: step lanes all the time, for actions that wait for their commit. ``parts``: of the gateway."""
    house = House()
    console = Console(
        ledger=house.ledger,
        users=LedgerUsers(house.ledger),
        audit=LedgerAudit(house.ledger),
        sessions=RedisSessions(redis),
        throttle=RedisThrottle(redis, SECRET),
        files=KeptFiles(house.folder / "files"),
        passwords=Passwords(),
    )
    async with serving(house, work, console=console, reads=LedgerReads(house.ledger), **parts):
        await import_shops(house.ledger, ROOT / "shops")
        for login, (shop, role) in PEOPLE.items():
            await console.users.create(shop, login, login.title(), role, password_hash=_digest())
        yield Office(house, console)
