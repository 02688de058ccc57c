"""A simulator on a free port, and in the gateway's place somebody who writes down what comes."""

from __future__ import annotations

import asyncio
import json
import socket
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web

from bot.simulator.accounts import load_shops
from bot.simulator.app import Simulator
from bot.simulator.phones import Person
from bot.simulator.timing import Pace

SPECS = Path(__file__).resolve().parents[1] / "specs"
SHOP = "robe"
QUICK = Pace(send=0.002, deliver=0.002, read=0.002, refuse=0.002, retry=0.002, telegram_retry=0.002)
LIMIT = 5.0
SHOP_YML = """
id: {id}
name: {name}
tagline: "Invented"
phone: "+2250700000199"
channels:
  whatsapp: {{provider: twilio, address: "{wa}", account_sid: "${{{env}_TWILIO_ACCOUNT_SID}}",
             auth_token: "${{{env}_TWILIO_AUTH_TOKEN}}"}}
  sms: {{provider: twilio, address: "{sms}", two_way: {two_way}, price_xof: 35,
        account_sid: "${{{env}_TWILIO_ACCOUNT_SID}}", auth_token: "${{{env}_TWILIO_AUTH_TOKEN}}"}}
  telegram: {{bot_username: exemple_{id}_bot, token: "${{{env}_TELEGRAM_TOKEN}}",
             secret: "${{{env}_TELEGRAM_SECRET}}"}}
"""
T = TypeVar("T")


def write_shops(folder: Path) -> Path:
    """Two tiny shops: one with a name as SMS sender (one way), one with a number (two-way)."""
    for shop_id, name, wa, sms, two_way in (
        ("robe", "Robe & Cie", "+2250700000190", "ROBE CIE", "false"),
        ("sac", "Sacs", "+2250700000192", "+2250700000193", "true"),
    ):
        (folder / shop_id).mkdir(parents=True)
        (folder / shop_id / "shop.yml").write_text(
            SHOP_YML.format(id=shop_id, name=name, wa=wa, sms=sms, two_way=two_way, env=shop_id.upper())
        )
    return folder


@dataclass
class Heard:
    """One request at the gateway's door."""

    path: str
    url: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Door:
    """Stands where the gateway would: answers what it was told to and remembers every request."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answers: list[web.Response | str] = field(default_factory=list)
    pages: dict[str, Any] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path in self.pages:
            page = self.pages[request.path]
            return await page(request) if callable(page) else web.json_response(page)
        self.heard.append(
            Heard(request.path, str(request.url), dict(request.headers), await request.read())
        )
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, web.Response):
                return answer
            assert request.transport is not None
            if answer == "cut":
                request.transport.abort()
        if request.path.startswith(("/webhooks/whatsapp", "/webhooks/sms")):
            return web.Response(text="<Response/>", content_type="text/xml")
        return web.Response(status=200)

    def at(self, path: str) -> list[Heard]:
        """Return what came to paths that begin like this."""
        return [one for one in self.heard if one.path.startswith(path)]


@dataclass
class Stage:
    """Everything a test needs."""

    simulator: Simulator
    url: str
    door: Door
    http: aiohttp.ClientSession

    @property
    def aya(self) -> Person:
        return self.simulator.world.people["aya"]

    def sender(self, channel: str = "whatsapp", shop: str = SHOP) -> Any:
        found = self.simulator.world.shops[shop].sender(channel)
        assert found is not None
        return found

    def bot(self, shop: str = SHOP) -> Any:
        bot = self.simulator.world.shops[shop].bot
        assert bot is not None
        return bot

    async def sim(self, path: str, **body: Any) -> Any:
        """POST to the control API; a refusal raises."""
        async with self.http.post(f"{self.url}/sim/{path}", json=body) as answer:
            found = await answer.json()
            assert answer.status == 200, found
            return found

    async def fault(self, channel: str, fault: str, on: bool = True, **options: Any) -> None:
        await self.sim("faults", channel=channel, fault=fault, on=on, options=options)

    async def get(self, path: str, **query: str) -> Any:
        async with self.http.get(f"{self.url}{path}", params=query) as answer:
            return await answer.json()

    async def write(self, text: str, channel: str = "whatsapp", shop: str = SHOP, **more: Any) -> Any:
        return await self.sim(channel, person="aya", shop=shop, text=text, **more)

    async def open_window(self, shop: str = SHOP) -> None:
        """Let Aya write once, so that free text may be sent to her; the door forgets it."""
        await self.write("bonjour", shop=shop)
        await self.until(lambda: self.door.at("/webhooks/whatsapp"))
        self.door.heard.clear()

    async def twilio(
        self, method: str, path: str, shop: str = SHOP, token: str | None = None, json_body: Any = None,
        **form: str,
    ) -> tuple[int, Any]:
        """Call Twilio's API raw; a path that begins with `/` is absolute, else within the account."""
        sender = self.sender(shop=shop)
        login = b64encode(f"{sender.account_sid}:{token or sender.auth_token}".encode()).decode()
        url = path if path.startswith("/") else f"/2010-04-01/Accounts/{sender.account_sid}/{path}"
        async with self.http.request(
            method, self.url + url, data=form or None, json=json_body,
            headers={"Authorization": f"Basic {login}"},
        ) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text[:1] == "{" else text

    async def send(self, body: str = "Bonjour", shop: str = SHOP, channel: str = "whatsapp", **more: str) -> Any:
        """Send one message to Aya with status callbacks to the door; return the resource."""
        to = self.aya.whatsapp if channel == "whatsapp" else self.aya.number
        form = {
            "From": self.sender(channel, shop).address, "To": to, "Body": body,
            "StatusCallback": f"{self.door.url}/webhooks/twilio-status/{shop}?d=1#rc=3&rp=ct,rt,5xx",
        } | more
        status, answer = await self.twilio("POST", "Messages.json", shop=shop, **form)
        assert status == 201, answer
        return answer

    async def telegram(self, method: str, token: str | None = None, **params: Any) -> tuple[int, Any]:
        async with self.http.post(
            f"{self.url}/bot{token or self.bot().token}/{method}", json=params
        ) as answer:
            return answer.status, await answer.json()

    async def start_telegram(self) -> int:
        """Let Aya open the bot; return the chat id."""
        await self.sim("telegram", person="aya", shop=SHOP, start="")
        await self.until(lambda: self.door.at("/webhooks/telegram"))
        self.door.heard.clear()
        return self.aya.telegram_id

    async def phone(self, channel: str = "whatsapp", **query: str) -> list[Any]:
        """Return what Aya's phone shows on one channel."""
        found = await self.get("/sim/messages", person="aya", channel=channel, **query)
        return list(found["messages"])

    async def shown(self, text: str, channel: str = "whatsapp") -> Any:
        """Wait until the shop's message is on the phone."""
        async def look() -> Any:
            return next((m for m in await self.phone(channel)
                         if m["direction"] == "out" and m["text"] == text), None)
        return await self.until(look)

    def statuses(self, sid: str) -> list[str]:
        """Return the statuses called back for one message, in order."""
        return [one.form["MessageStatus"] for one in self.door.at("/webhooks/twilio-status")
                if one.form["MessageSid"] == sid]

    async def until(self, look: Callable[[], T] | Callable[[], Any], what: str = "") -> Any:
        """Look again until it is there."""
        async with asyncio.timeout(LIMIT):
            while True:
                found = look()
                if asyncio.iscoroutine(found):
                    found = await found
                if found:
                    return found
                await asyncio.sleep(0.005)


@asynccontextmanager
async def stage(
    folder: Path, keys: Path | None = None, shops: Callable[[Path], Path] = write_shops
) -> AsyncIterator[Stage]:
    """Run a simulator and the door until the test is over. ``shops`` writes the shops' files."""
    door = Door()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", door.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    door.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    sock = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    simulator = Simulator(
        load_shops(shops(folder), {}), door.url, url, QUICK, keys_file=keys, seed=7
    )
    server = await simulator.app.create_server(sock=sock, return_asyncio_server=True)
    assert server is not None
    await server.startup()
    await server.before_start()
    try:
        async with aiohttp.ClientSession() as http:
            yield Stage(simulator, url, door, http)
    finally:
        await server.before_stop()
        for connection in list(server.connections):
            connection.abort()
        await server.close()
        sock.close()
        await runner.cleanup()
