"""Shoppers: each wants certain things, reads what the phone shows, and has habits that make trouble."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from bot.core.addresses import ChannelName, ShopId
from bot.core.messages import Received
from bot.core.wording import plain
from tests.simulation.carriers import Carrier, OnScreen, address_on
from tests.simulation.virtual import VirtualClock

W, T, S = ChannelName.WHATSAPP, ChannelName.TELEGRAM, ChannelName.SMS

QUESTIONS = {
    "late": "on en tient compte",
    "confirm": "je confirme",
    "payment": "comment voulez-vous payer",
    "name": "a quel nom",
    "phone": "quel numero",
    "landmark": "le repere",
    "commune": "dans quelle commune",
    "option": "taille ou couleur",
    "more": "autre chose",
    "product": "que voulez-vous ?",
}
ANSWERS = {
    "payment": "wave",
    "name": "Awa Kone",
    "phone": "07 00 00 00 77",
    "landmark": "derriere la pharmacie",
    "commune": "Cocody",
    "more": "commander",
    "late": "non",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a shopper wants to have ordered in the end."""

    words: str
    option: str
    lines: tuple[tuple[str, int], ...]
    """(product id, quantity)"""
    recap: tuple[str, ...]
    """Lines of the recap that shows exactly this."""


WISHES = (
    Wish("2 foulards satin", "rose", (("foulard-satin", 2),), ("2 x Foulard satin (rose)",)),
    Wish("1 foulard wax", "", (("foulard-wax", 1),), ("1 x Foulard wax",)),
    Wish(
        "2 foulards wax et 1 foulard satin",
        "rose",
        (("foulard-wax", 2), ("foulard-satin", 1)),
        ("2 x Foulard wax", "1 x Foulard satin (rose)"),
    ),
)


@dataclass(frozen=True, slots=True)
class Habits:
    """Shares of the times a shopper does each."""

    taps: float
    doubles: float
    """Presses send twice (two messages)."""
    everywhere: float
    """Says "oui" on every channel there is, at once."""
    stays: float
    """Goes on writing on WhatsApp though the shop writes elsewhere."""
    patience: float
    """Seconds of silence before they write again."""


@dataclass
class Shopper:
    """One person with a phone. ``orders`` counts the wishes that were seen confirmed."""

    person: int
    number: str
    shop: ShopId
    carriers: dict[ChannelName, Carrier]
    draws: Random
    habits: Habits
    has_telegram: bool
    wishes: list[Wish]
    fulfilled: list[Wish] = field(default_factory=list)
    cancelled: int = 0
    linked: bool = False
    misread: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    """Seconds from writing to the shop's next words, wherever they came."""

    def __post_init__(self) -> None:
        self._clock = VirtualClock()
        self._bell = asyncio.Event()
        self._read: dict[ChannelName, int] = {}
        self._serial = 0
        self._here = W
        for channel, carrier in self.carriers.items():
            carrier.bells[self._reply_to(channel)] = self._bell

    def _reply_to(self, channel: ChannelName) -> str:
        value = address_on(channel, self.number, self.person).value
        return f"whatsapp:{value}" if channel is W else value

    async def live(self, pause: Callable[[], float]) -> None:
        """Order one wish after another."""
        for wish in self.wishes:
            await asyncio.sleep(pause())
            await self._order(wish)
            self.fulfilled.append(wish)
            await self._link()

    async def _order(self, wish: Wish) -> None:
        self._skip()
        words, confirmed, option_for = "bonjour", False, wish.option
        self._say(words, self._here)
        while True:
            shown = await self._next(self.habits.patience * self.draws.uniform(0.7, 1.5))
            if shown is None:
                self._nudge(words)
                continue
            await asyncio.sleep(self.draws.uniform(0.5, 15.0))
            # What came while they were reading is read too: the last question is the one they answer.
            fresh = [shown, *self._waiting()]
            if any(re.search(r"commande r-\d+ confirmee", plain(seen.part.text)) for seen in fresh):
                return
            if any("c'est annule" in plain(seen.part.text) for seen in fresh):
                confirmed = False
            asked = [(seen, kind) for seen in fresh if (kind := _question(plain(seen.part.text)))]
            if not asked:
                continue
            shown, kind = asked[-1]
            if not (shown.channel is not self._here and self.draws.random() < self.habits.stays):
                self._here = shown.channel
            if confirmed and kind == "product":
                return  # the order is through, and what said so was lost on the way
            match kind:
                case "product":
                    words = wish.words
                case "option":
                    words = option_for
                case "confirm" if _exactly(shown.part.text, wish):
                    words, confirmed = "oui", True
                case "confirm":
                    self.cancelled += 1
                    words = "annule"
                case _:
                    words = ANSWERS[kind]
            self._answer(words, shown, kind)

    def _answer(self, words: str, shown: OnScreen, kind: str) -> None:
        buttons = {plain(title): payload for payload, title in shown.part.buttons}
        wanted = {"confirm": "confirmer" if words == "oui" else "annuler", "late": "non", "more": "commander"}.get(kind)
        payload = buttons.get(wanted or plain(words))
        if payload is not None and self.draws.random() < self.habits.taps:
            self._say("", shown.channel, payload, shown.provider_id)
        else:
            self._say(words, self._here)
        if self.draws.random() < self.habits.doubles and kind not in ("product",):
            self._say(words, self._here)
        if words == "oui" and self.draws.random() < self.habits.everywhere:
            for channel in self._channels():
                self._say(words, channel)

    def _nudge(self, words: str) -> None:
        """No answer: say it again, here or elsewhere. What would add again is not said twice."""
        again = "bonjour" if words in {wish.words for wish in WISHES} else words
        self._here = self.draws.choice(self._channels())
        self._say(again, self._here)

    def _channels(self) -> list[ChannelName]:
        have = [W]
        if self.linked:
            have.append(T)
        if S in self.carriers and self.carriers[S].capabilities.two_way:
            have.append(S)
        return have

    async def _link(self) -> None:
        """Press the Telegram link that came after the order."""
        if not self.has_telegram or self.linked:
            return
        await asyncio.sleep(5.0)
        texts = [shown.part.text for shown in self.carriers[W].screens.get(self._reply_to(W), [])]
        tokens = [found[1] for text in texts if (found := re.search(r"start=([A-Za-z0-9_-]+)", text))]
        if tokens:
            self._write(T, "", link_token=tokens[-1])
            self.linked = True

    def _say(
        self, text: str, channel: ChannelName, payload: str | None = None, quoted: str | None = None
    ) -> None:
        self._write(channel, text, payload, quoted)

    def _write(
        self,
        channel: ChannelName,
        text: str,
        payload: str | None = None,
        quoted: str | None = None,
        link_token: str | None = None,
    ) -> None:
        self._serial += 1
        now = self._clock.now()
        self._wrote_at = now
        received = Received(
            id=f"{channel}:{self.person}:{self._serial}",
            shop_id=self.shop,
            channel=channel,
            address=address_on(channel, self.number, self.person),
            reply_to=self._reply_to(channel),
            received_at=now,
            text=text,
            payload=payload,
            quoted_provider_id=quoted,
            written_at=now if channel is T else None,
            link_token=link_token,
        )
        self.carriers[channel].write(received)

    def _skip(self) -> None:
        for channel, carrier in self.carriers.items():
            self._read[channel] = len(carrier.screens.get(self._reply_to(channel), []))

    def _waiting(self) -> list[OnScreen]:
        """Everything on the screens that was not read yet, oldest first."""
        fresh: list[OnScreen] = []
        for channel, carrier in self.carriers.items():
            screen = carrier.screens.get(self._reply_to(channel), [])
            fresh += screen[self._read.get(channel, 0) :]
            self._read[channel] = len(screen)
        return sorted(fresh, key=lambda shown: shown.at)

    async def _next(self, seconds: float) -> OnScreen | None:
        """The next message on any screen, oldest first; None when nothing came in time."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            self._bell.clear()
            fresh = [
                (screen[read].at, channel)
                for channel, carrier in self.carriers.items()
                if (read := self._read.get(channel, 0)) < len(screen := carrier.screens.get(self._reply_to(channel), []))
            ]
            if fresh:
                _, channel = min(fresh)
                shown = self.carriers[channel].screens[self._reply_to(channel)][self._read.get(channel, 0)]
                self._read[channel] = self._read.get(channel, 0) + 1
                return shown
            try:
                async with asyncio.timeout_at(end):
                    await self._bell.wait()
            except TimeoutError:
                return None


def _question(text: str) -> str | None:
    """What the text asks, the last of it."""
    at = {kind: text.rfind(words.rstrip(" ?")) for kind, words in QUESTIONS.items()}
    kind = max(at, key=lambda k: at[k])
    return kind if at[kind] >= 0 else None


def _exactly(text: str, wish: Wish) -> bool:
    """Does the recap list exactly what was wanted? A notice's summary of the basket stands within a sentence."""
    shown = re.findall(r"^\d+ x .+$", text, re.MULTILINE)
    return sorted(shown) == sorted(wish.recap)
