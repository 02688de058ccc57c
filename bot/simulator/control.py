"""The control API under `/sim/`: what people do on their phones, and the switches. For the page and tests."""

from __future__ import annotations

import asyncio
import json as jsonlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sanic import Blueprint, Request
from sanic.exceptions import BadRequest
from sanic.response import HTTPResponse, file, json

from bot.simulator.days import DAYS
from bot.simulator.display import messages_of, telegram_state
from bot.simulator.faults import Faults
from bot.simulator.ids import Ids
from bot.simulator.inbound import CannotWrite, Inbound
from bot.simulator.journeys import Carrier
from bot.simulator.phones import Person, World
from bot.simulator.replay import Replay
from bot.simulator.telegram_phone import TelegramPhone

STATIC = Path(__file__).parent / "static"
CSP = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: http: https:; "
       "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")

#: The phones that stand on the table at start: an ordinary one, one whose number is hidden, one without
#: Telegram and with a number from before 2021 in WhatsApp.
FIRST_PEOPLE: tuple[Mapping[str, Any], ...] = (
    {"id": "aya", "name": "Aya Koffi", "number": "+2250700000001"},
    {"id": "mariam", "name": "Mariam Traoré", "number": "+2250500000002", "hide_number": True},
    {"id": "yao", "name": "Yao Kouassi", "number": "+2250100000003", "has_telegram": False,
     "old_number": True},
)
_OPTIONS = {"hide_number", "old_number", "has_whatsapp", "has_telegram", "reads"}


class BadOrder(ValueError):
    """A control request that makes no sense; answered as 400."""


def make_person(ids: Ids, given: Mapping[str, Any]) -> Person:
    """Make a person from the control API's options; raises BadOrder."""
    unknown = set(given) - _OPTIONS - {"id", "name", "number", "telegram_id", "power", "external_id"}
    if unknown:
        raise BadOrder(f"unknown options: {', '.join(sorted(unknown))}")
    number = str(given.get("number") or f"+22507{ids.number(10_000_000, 99_999_999)}")
    if not re.fullmatch(r"\+\d{8,15}", number):
        raise BadOrder(f"not an E.164 number: {number}")
    person = Person(
        id=str(given.get("id") or f"p{number[-8:]}"), name=str(given.get("name") or f"Client {number[-4:]}"),
        number=number, telegram_id=int(given.get("telegram_id") or ids.number(1_000_000_000, 7_999_999_999)),
        external_id=str(given.get("external_id") or f"CI.{ids.opaque()}"),
    )
    _apply(person, given)
    return person


def _apply(person: Person, given: Mapping[str, Any]) -> None:
    for name in _OPTIONS & set(given):
        setattr(person, name, bool(given[name]))
    if "power" in given:
        if given["power"] not in {"on", "no_data", "off"}:
            raise BadOrder("power is on, no_data or off")
        person.power = given["power"]


class Control:
    """The handlers of the control API and the page."""

    def __init__(
        self, world: World, faults: Faults, carrier: Carrier, inbound: Inbound, telegram: TelegramPhone,
        replay: Replay,
    ) -> None:
        self.world = world
        self.faults = faults
        self.carrier = carrier
        self.inbound = inbound
        self.telegram = telegram
        self.replay = replay

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("control")
        routes.static("/sim/static", STATIC, name="assets")
        for path in ("/", "/phones"):
            routes.add_route(self.page, path, name=f"page{len(path)}")
        routes.add_route(self.state, "/sim/state", name="state")
        routes.add_route(self.messages, "/sim/messages", name="messages")
        routes.add_route(self.list_faults, "/sim/faults", methods=["GET"], name="faults")
        routes.add_route(self.replayed, "/sim/replay", methods=["GET"], name="replay")
        routes.add_route(self.events, "/sim/events", name="events")
        posts: tuple[tuple[str, Callable[[dict[str, Any]], dict[str, Any]]], ...] = (
            ("people", self._people), ("person", self._person), ("whatsapp", self._whatsapp),
            ("sms", self._sms), ("telegram", self._telegram), ("faults", self._faults), ("read", self._read),
            ("clock", self._clock), ("replay", self._replay), ("window", self._window), ("reset", self._reset),
        )
        for name, act in posts:
            routes.add_route(self._posted(act), f"/sim/{name}", methods=["POST"], name=f"post_{name}")
        return routes

    def _posted(self, act: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Request], Any]:
        async def handler(request: Request) -> HTTPResponse:
            try:
                body = request.json if request.body else {}
                if not isinstance(body, dict):
                    raise BadOrder("a JSON object is expected")
                return json(act(body))
            # BadOrder, UnknownFault and CannotWrite are ValueErrors; a missing field is a KeyError.
            except (BadRequest, KeyError, TypeError, ValueError) as error:
                detail = f"missing {error}" if isinstance(error, KeyError) else str(error)
                return json({"error": detail}, status=409 if isinstance(error, CannotWrite) else 400)

        return handler

    # --- reading ----------------------------------------------------------------------------------

    async def page(self, request: Request) -> HTTPResponse:
        """The phones page."""
        return await file(STATIC / "index.html", headers={
            "Content-Security-Policy": CSP, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"})

    async def state(self, request: Request) -> HTTPResponse:
        """`GET /sim/state?person=&shop=`: people, shops, switches, alarms and one person's Telegram chat."""
        person = self.world.people.get(str(request.args.get("person") or ""))
        shop_id = str(request.args.get("shop") or "")
        return json({
            "now": self.world.clock.now(),
            "people": [
                {**p.describe(), "offline": self.faults.is_on("country", "offline", None, p.id)}
                for p in self.world.people.values()
            ],
            "shops": [{"id": s.id, "name": s.name, "tagline": s.tagline, "phone": s.phone,
                       "bot": s.bot.username if s.bot else None,
                       "senders": {x.channel: {"address": x.address, "two_way": x.two_way,
                                                "sim": x.provider == "android"}
                                   for x in s.senders}}
                      for s in self.world.shops.values()],
            "faults": self.faults.describe(), "alarms": list(self.world.alarms)[-20:],
            "telegram": telegram_state(self.world, person, shop_id)
            if person is not None and shop_id in self.world.shops else None,
            "public_url": self.inbound.public_url,
        }, headers={"Cache-Control": "no-store"})

    async def messages(self, request: Request) -> HTTPResponse:
        """`GET /sim/messages?person=&channel=&shop=&all=1`: what the phone shows, or `all`."""
        person = self.world.people.get(str(request.args.get("person") or ""))
        if person is None:
            return json({"error": "unknown person"}, status=404)
        items = messages_of(self.world, person, request.args.get("channel") or None,
                            request.args.get("shop") or None, shown=not request.args.get("all"))
        return json({"messages": items}, headers={"Cache-Control": "no-store"})

    async def list_faults(self, request: Request) -> HTTPResponse:
        """`GET /sim/faults`."""
        return json(self._switches(), headers={"Cache-Control": "no-store"})

    async def replayed(self, request: Request) -> HTTPResponse:
        """`GET /sim/replay`: the days there are, and how the one that is played (or was last) goes."""
        days = [{"id": d.id, "title": d.title, "minutes": d.minutes, "begins": d.begins} for d in DAYS.values()]
        return json({"days": days, "run": self.replay.report()}, headers={"Cache-Control": "no-store"})

    async def events(self, request: Request) -> None:
        """`GET /sim/events`: server-sent events; says only which phone changed."""
        stream = await request.respond(content_type="text/event-stream", headers={
            "Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        queue = self.world.bus.listen()
        try:
            await stream.send("retry: 1000\n\n")
            while True:
                try:
                    event = await asyncio.wait_for(queue.get(), 15)
                except TimeoutError:
                    await stream.send(": still here\n\n")
                    continue
                await stream.send(f"data: {jsonlib.dumps(event)}\n\n")
        finally:
            self.world.bus.leave(queue)

    # --- acting -----------------------------------------------------------------------------------

    def _whose(self, body: Mapping[str, Any]) -> Person:
        person = self.world.people.get(str(body.get("person")))
        if person is None:
            raise BadOrder(f"unknown person {body.get('person')!r}")
        return person

    def _people(self, body: dict[str, Any]) -> dict[str, Any]:
        person = self.world.add_person(make_person(self.world.ids, body))
        self.world.bus.publish(type="people")
        return person.describe()

    def _person(self, body: dict[str, Any]) -> dict[str, Any]:
        person = self._whose(body)
        options = {name: value for name, value in body.items() if name not in {"person", "block_whatsapp"}}
        if unknown := set(options) - _OPTIONS - {"power"}:
            raise BadOrder(f"cannot change: {', '.join(sorted(unknown))}")
        _apply(person, options)
        for shop_id, blocked in dict(body.get("block_whatsapp") or {}).items():
            (person.whatsapp_blocked.add if blocked else person.whatsapp_blocked.discard)(shop_id)
        self.world.switches.beat()
        self.world.bus.publish(type="people")
        return person.describe()

    def _whatsapp(self, body: dict[str, Any]) -> dict[str, Any]:
        message = self.inbound.write(self._whose(body), "whatsapp", str(body.get("shop")), body)
        return {"message_sid": message.sid}

    def _sms(self, body: dict[str, Any]) -> dict[str, Any]:
        message = self.inbound.write(self._whose(body), "sms", str(body.get("shop")), {
            "text": body.get("text"), "sent_at": body.get("sent_at")})
        return {"message_sid": message.sid}

    def _telegram(self, body: dict[str, Any]) -> dict[str, Any]:
        shop_id = str(body.get("shop"))
        if (username := body.get("bot")) is not None:
            bot = self.world.bot_named(str(username))
            if bot is None:
                raise CannotWrite(f"Aucun bot ne s'appelle @{username}.")
            shop_id = bot.shop_id
        return {"shop": shop_id, **self.telegram.act(self._whose(body), shop_id, body)}

    def _read(self, body: dict[str, Any]) -> dict[str, Any]:
        person, count = self._whose(body), 0
        for message in list(self.world.of_person(person.id)):
            if not message.inbound and body.get("shop") in (None, message.shop_id):
                before = message.status
                self.carrier.read(message)
                count += message.status != before
        return {"read": count}

    def _faults(self, body: dict[str, Any]) -> dict[str, Any]:
        self.faults.switch(str(body["channel"]), str(body["fault"]), bool(body.get("on", True)),
                           body.get("options"))
        self.world.switches.beat()
        self.world.bus.publish(type="faults")
        return self._switches()

    def _switches(self) -> dict[str, Any]:
        """List all switches, and once more those that are on."""
        every = self.faults.describe()
        return {"on": [fault for fault in every if fault["on"]], "faults": every}

    def _replay(self, body: dict[str, Any]) -> dict[str, Any]:
        """Play a day: `{day, shop, speed, people, telegram_percent}`, people newly invented; or `{stop: true}`."""
        if body.get("stop"):
            self.replay.stop()
        else:
            shop = self.world.shops.get(str(body.get("shop")))
            if shop is None:
                raise BadOrder(f"unknown shop {body.get('shop')!r}")
            count = int(body.get("people", 12))
            if not 1 <= count <= 500:
                raise BadOrder("people is 1 to 500")
            if str(body["day"]) not in DAYS:
                raise BadOrder(f"no recording of {body['day']}")
            percent = int(body.get("telegram_percent", 50))
            # Spread evenly: every stretch of the crowd has its share.
            crowd = [self.world.add_person(make_person(
                         self.world.ids, {"has_telegram": (i + 1) * percent // 100 > i * percent // 100}))
                     for i in range(count)]
            self.replay.start(str(body["day"]), shop, crowd, float(body.get("speed", 60)))
        self.world.bus.publish(type="people")
        return {"run": self.replay.report()}

    def _clock(self, body: dict[str, Any]) -> dict[str, Any]:
        self.world.clock.advance(float(body["advance"]))
        self.world.switches.beat()
        return {"now": self.world.clock.now()}

    def _window(self, body: dict[str, Any]) -> dict[str, Any]:
        """Pretend that a person (or everybody) last wrote on WhatsApp that many hours ago."""
        at = self.world.clock.now() - float(body.get("hours", 25)) * 3600
        for key in self.world.last_heard:
            if body.get("person") in (None, key[0]):
                self.world.last_heard[key] = at
        return {"last_heard": at}

    def _reset(self, body: dict[str, Any]) -> dict[str, Any]:
        """Empty the phones and turn every switch off; people stay unless `people` is true."""
        self.replay.stop()
        self.faults.clear()
        self.world.forget(people=bool(body.get("people")))
        if body.get("people"):
            for given in FIRST_PEOPLE:
                self.world.add_person(make_person(self.world.ids, given))
        self.world.switches.beat()
        self.world.bus.publish(type="people")
        return {"people": list(self.world.people)}
