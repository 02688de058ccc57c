"""The people, their phones, and every message that exists: the simulator's whole memory, bounded.

Nothing here talks to a network; `version` of the bus tells the page that something is to be shown.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.simulator.accounts import Sender, Shop, TelegramBot
from bot.simulator.ids import Ids
from bot.simulator.timing import Pulse, SimClock

MESSAGE_LIMIT = 50_000
CHAT_LIMIT = 500

Power = Literal["on", "no_data", "off"]


@dataclass(slots=True)
class Person:
    """One shopper: one SIM, one WhatsApp, at most one Telegram account."""

    id: str
    name: str
    number: str
    telegram_id: int
    hide_number: bool = False
    old_number: bool = False
    has_whatsapp: bool = True
    has_telegram: bool = True
    reads: bool = True
    power: Power = "on"
    external_id: str = ""
    whatsapp_blocked: set[str] = field(default_factory=set)

    @property
    def whatsapp(self) -> str:
        """The address Twilio writes in `From`: the number, its form from before 2021, or the opaque id."""
        if self.hide_number:
            return f"whatsapp:{self.external_id}"
        if self.old_number:
            return f"whatsapp:+225{self.number[-8:]}"
        return f"whatsapp:{self.number}"

    def owns(self, address: str) -> bool:
        """Say whether this Twilio address (SMS or WhatsApp) rings at this person's phone."""
        return address in (
            self.number, f"whatsapp:{self.number}", self.whatsapp, f"whatsapp:{self.external_id}"
        )

    def describe(self) -> dict[str, Any]:
        """Give the person as the control API shows it."""
        return {
            "id": self.id, "name": self.name, "number": self.number, "whatsapp": self.whatsapp,
            "external_id": self.external_id, "telegram_id": self.telegram_id,
            "hide_number": self.hide_number, "old_number": self.old_number,
            "has_whatsapp": self.has_whatsapp, "has_telegram": self.has_telegram,
            "reads": self.reads, "power": self.power,
        }


@dataclass(slots=True)
class Card:
    """What a Content template became: the text and what can be tapped."""

    body: str
    buttons: list[dict[str, str]] = field(default_factory=list)
    list_button: str = ""
    rows: list[dict[str, str]] = field(default_factory=list)
    template: bool = False


@dataclass(slots=True)
class TwilioMessage:
    """One Message resource, and what only the simulator knows about it."""

    sid: str
    account_sid: str
    shop_id: str
    channel: str
    direction: str
    sender: str
    to: str
    body: str
    status: str
    created: float
    person_id: str | None
    updated: float = 0.0
    sent: float | None = None
    error_code: int | None = None
    error_message: str | None = None
    num_segments: int = 1
    messaging_service_sid: str | None = None
    media: list[tuple[str, str]] = field(default_factory=list)
    status_callback: str | None = None
    validity: float = 36_000.0
    card: Card | None = None
    #: When the shopper's phone showed it (outbound), or when Twilio received it (inbound).
    shown: float | None = None
    history: list[tuple[str, float]] = field(default_factory=list)
    extra: dict[str, str] = field(default_factory=dict)
    deleted: bool = False

    @property
    def hidden(self) -> bool:
        """True when the API does not know it: deleted, or still on its way to Twilio."""
        return self.deleted or self.status == "receiving"

    @property
    def inbound(self) -> bool:
        """True for what a shopper wrote."""
        return self.direction == "inbound"


@dataclass(slots=True)
class TelegramMessage:
    """One message of a private chat between a bot and a person."""

    message_id: int
    shop_id: str
    person_id: str
    from_bot: bool
    date: float
    text: str = ""
    caption: str = ""
    photo: str = ""
    photo_id: str = ""
    contact: dict[str, Any] | None = None
    location: dict[str, float] | None = None
    inline: list[list[dict[str, Any]]] | None = None
    reply_to: int | None = None
    edited: float | None = None
    shown: float | None = None
    deleted: bool = False


@dataclass(slots=True)
class Chat:
    """The state of one private chat: started, blocked, the keyboard below the input, the messages."""

    started: bool = False
    blocked: bool = False
    keyboard: list[list[dict[str, Any]]] | None = None
    keyboard_placeholder: str = ""
    typing_until: float = 0.0
    notice: str = ""
    messages: deque[TelegramMessage] = field(default_factory=lambda: deque(maxlen=CHAT_LIMIT))
    next_id: int = 1

    def find(self, message_id: int) -> TelegramMessage | None:
        """Find a message that is still there."""
        return next((m for m in self.messages if m.message_id == message_id and not m.deleted), None)


class Bus:
    """Tells listeners (the page's event streams, tests) that something changed; keeps no history."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[dict[str, Any]]] = set()
        self.pulse = Pulse()

    def publish(self, **event: Any) -> None:
        """Send one event to every listener; a listener that does not read loses the oldest."""
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)
        self.pulse.beat()

    def listen(self) -> asyncio.Queue[dict[str, Any]]:
        """Open a listener of its own; close it with `leave`."""
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=200)
        self._queues.add(queue)
        return queue

    def leave(self, queue: asyncio.Queue[dict[str, Any]]) -> None:
        """Close a listener."""
        self._queues.discard(queue)


class World:
    """Everything that is remembered. `bus` is told by whoever changes something."""

    def __init__(self, shops: Iterable[Shop], clock: SimClock, ids: Ids) -> None:
        self.shops = {shop.id: shop for shop in shops}
        self.clock = clock
        self.ids = ids
        self.bus = Bus()
        #: Beats when a switch, a phone or the clock changed; messages that are held wait on it.
        self.switches = Pulse()
        self.people: dict[str, Person] = {}
        self.messages: OrderedDict[str, TwilioMessage] = OrderedDict()
        self.chats: dict[tuple[str, str], Chat] = {}
        self.opted_out: set[tuple[str, str]] = set()
        self.last_heard: dict[tuple[str, str], float] = {}
        self.alarms: deque[dict[str, Any]] = deque(maxlen=200)
        self._by_person: dict[str, deque[TwilioMessage]] = {}
        self._by_address: dict[str, Person] = {}
        self._accounts: dict[str, list[Sender]] = {}
        self.staff = {
            number: Person(f"staff{number[1:]}", "Équipe", number, 0, has_telegram=False)
            for shop in self.shops.values() for number in shop.staff
        }
        """The vendors' own phones, by number: nobody plays with them, and they write to their shop each morning."""
        self.sims: dict[str, Sender] = {}
        """SIMs in vendors' phones, by the app's user name."""
        for shop in self.shops.values():
            for sender in shop.senders:
                if sender.provider == "android":
                    self.sims[sender.account_sid] = sender
                else:
                    self._accounts.setdefault(sender.account_sid, []).append(sender)

    # --- accounts ---------------------------------------------------------------------------------

    def account(self, sid: str) -> list[Sender]:
        """Return the senders of one Twilio account; several shops may share it."""
        return self._accounts.get(sid, [])

    def bot(self, token: str) -> TelegramBot | None:
        """Find a bot by its token."""
        return next((s.bot for s in self.shops.values() if s.bot and s.bot.token == token), None)

    def bot_named(self, username: str) -> TelegramBot | None:
        """Find a bot by its user name, as a `t.me` link carries it."""
        wanted = username.lstrip("@").lower()
        return next((s.bot for s in self.shops.values() if s.bot and s.bot.username.lower() == wanted), None)

    # --- people -----------------------------------------------------------------------------------

    def add_person(self, person: Person) -> Person:
        """Put a new phone on the table; raises ValueError when its id or number is taken."""
        if person.id in self.people or person.number in self._by_address:
            raise ValueError(f"person {person.id} or number {person.number} exists already")
        self.people[person.id] = person
        for address in (person.number, f"whatsapp:{person.number}", f"whatsapp:{person.external_id}",
                        f"whatsapp:+225{person.number[-8:]}"):
            self._by_address[address] = person
        return person

    def person_at(self, address: str) -> Person | None:
        """Find whose phone rings at a Twilio address."""
        return self._by_address.get(address) or self.staff.get(address.removeprefix("whatsapp:"))

    def owner(self, person_id: str | None) -> Person | None:
        """Find a person, or one of the vendors' own, by id."""
        staff = (one for one in self.staff.values() if one.id == person_id)
        return self.people.get(person_id or "") or next(staff, None)

    def person_of_chat(self, chat_id: int) -> Person | None:
        """Find the owner of a Telegram account."""
        return next((p for p in self.people.values() if p.telegram_id == chat_id and p.has_telegram), None)

    # --- messages ---------------------------------------------------------------------------------

    def store(self, message: TwilioMessage) -> None:
        """Remember a message, forgetting the oldest beyond the limit."""
        message.updated = message.created
        message.history.append((message.status, message.created))
        self.messages[message.sid] = message
        if len(self.messages) > MESSAGE_LIMIT:
            self.messages.popitem(last=False)
        if message.person_id is not None:
            shelf = self._by_person.setdefault(message.person_id, deque(maxlen=CHAT_LIMIT))
            shelf.append(message)

    def of_person(self, person_id: str) -> Iterator[TwilioMessage]:
        """Walk one phone's Twilio messages, oldest first."""
        return iter(self._by_person.get(person_id, ()))

    def chat(self, shop_id: str, person_id: str) -> Chat:
        """Return the private chat of one bot and one person, making it on first use."""
        return self.chats.setdefault((shop_id, person_id), Chat())

    def changed(self, person_id: str | None, shop_id: str, channel: str) -> None:
        """Tell the page which phone to draw again."""
        self.bus.publish(type="phone", person=person_id, shop=shop_id, channel=channel)

    def alarm(self, code: int, url: str, detail: str) -> None:
        """Keep what a provider's own error log would show, as Twilio's debugger does."""
        self.alarms.append({"at": self.clock.now(), "code": code, "url": url, "detail": detail})
        self.bus.publish(type="alarm", code=code)

    def forget(self, people: bool = False) -> None:
        """Empty every phone and, with `people`, take the phones away; shops and accounts stay."""
        if people:
            self.people.clear()
            self._by_address.clear()
        self.messages.clear()
        self._by_person.clear()
        self.chats.clear()
        self.opted_out.clear()
        self.last_heard.clear()
        self.alarms.clear()
