"""Stand-ins for the providers, as one seeded script: what Twilio and Telegram do on good days and on bad ones.

A mode is how a carrier fails: ``refuse_later`` (201, then 63012 by callback), ``refuse`` (an error answer), ``silent``
(201 and nothing more), ``sent_only`` (``sent``, never ``delivered``), ``hang`` (no answer; half of them left), ``throttle``.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from bot.core.addresses import Address, ChannelName, Scheme, ShopId
from bot.core.failures import Accepted, Certainty, Failure, Outcome, Refused, Retry, Scope, Unsure
from bot.core.messages import Capabilities, MessageStatus, Part, Received, Reported
from bot.ports import Outgoing, Unavailable
from tests.simulation.process import Process
from tests.simulation.virtual import VirtualClock

if TYPE_CHECKING:
    from tests.simulation.door import Door

SEND_SECONDS = 5.0
OUTAGE = Failure(Scope.CHANNEL, Retry.OTHER_ROAD, Certainty.NOT_DELIVERED, "63012")
EXPIRED = Failure(Scope.CHANNEL, Retry.OTHER_ROAD, Certainty.NOT_DELIVERED, "30036")
WRONG_NUMBER = Failure(Scope.RECIPIENT, Retry.OTHER_ROAD, Certainty.NOT_DELIVERED, "63003")
THROTTLED = Failure(Scope.THROTTLE, Retry.LATER, Certainty.NOT_DELIVERED, "20429", retry_after=2.0)
BY_CODE = {failure.code: failure for failure in (OUTAGE, EXPIRED, WRONG_NUMBER, THROTTLED)}

CAPABILITIES = {
    ChannelName.WHATSAPP: Capabilities(max_text=1600, max_buttons=3, max_button_title=20, validity_period=True),
    ChannelName.TELEGRAM: Capabilities(
        max_text=4096, max_buttons=8, max_button_title=64, receipts=False, look_up=False
    ),
    ChannelName.SMS: Capabilities(max_text=1600, gsm7=True, validity_period=True),
    ChannelName.WEB: Capabilities(max_text=4000, max_buttons=10, max_button_title=80, look_up=False),
}
DOMAINS = {
    ChannelName.WHATSAPP: ("twilio", "meta"),
    ChannelName.SMS: ("twilio",),
    ChannelName.TELEGRAM: ("telegram", "internet"),
    ChannelName.WEB: ("internet",),
}


@dataclass(frozen=True, slots=True)
class OnScreen:
    """A message as the shopper's phone shows it."""

    at: float
    channel: ChannelName
    part: Part
    provider_id: str


@dataclass
class Sent:
    """A message in the carrier's own record."""

    provider_id: str
    outgoing: Outgoing
    status: MessageStatus
    at: float
    mode: str


class Carrier:
    """One provider account. ``screens`` puts a message on the phone behind an address."""

    def __init__(self, name: ChannelName, draws: Random, door: Door, two_way: bool = True) -> None:
        self.name = name
        self.account = f"account:{name}"
        self.domains = DOMAINS[name]
        self.capabilities = replace(CAPABILITIES[name], two_way=two_way)
        self.mode = "ok"
        self.callbacks_lost = 0.0
        self.holds_inbound = False
        """The platform keeps what shoppers write, and delivers it when it is well again."""
        self.webhooks_lost = 0.0
        self.repeats = 0.0
        self._draws = draws
        self._door = door
        self._clock = VirtualClock()
        self._numbers = 0
        self.record: dict[str, Sent] = {}
        self.calls: Counter[tuple[str, str]] = Counter()
        """How often each part of each item was given to us: more than once is a doubled message."""
        self.struck: Counter[str] = Counter()
        self.screens: dict[str, list[OnScreen]] = {}
        self.bells: dict[str, asyncio.Event] = {}
        self._held: list[Received] = []
        self.inbound: list[Received] = []
        """Twilio's list of inbound messages."""

    # what Relais calls

    async def send(self, outgoing: Outgoing) -> Outcome:
        self.calls[outgoing.message_id, outgoing.part.text] += 1
        await asyncio.sleep(self._draws.uniform(0.02, 0.3))
        if self.mode != "ok":
            self.struck[f"{self.name} {self.mode}"] += 1
        match self.mode:
            case "refuse":
                return Refused(OUTAGE)
            case "throttle":
                return Refused(THROTTLED)
            case "refuse_later" if not self.capabilities.receipts:
                return Refused(OUTAGE)
            case "hang":
                if self._draws.random() < 0.5:
                    self._take(outgoing)
                await asyncio.sleep(SEND_SECONDS)
                return Unsure("no answer")
            case "silent" | "sent_only" if not self.capabilities.receipts:
                return Unsure("no answer")
        return Accepted(self._take(outgoing).provider_id, final=not self.capabilities.receipts)

    async def look_up(self, provider_id: str | None, outgoing: Outgoing) -> Reported | None:
        await asyncio.sleep(self._draws.uniform(0.02, 0.3))
        if self.mode == "hang" or not self.capabilities.look_up:
            return None
        found = self.record.get(provider_id or "") or next(
            (s for s in self.record.values() if s.outgoing.message_id == outgoing.message_id), None
        )
        if found is None:
            return None
        at = self._clock.now()
        return Reported(f"look:{found.provider_id}:{at}", outgoing.message_id, found.provider_id, found.status, at)

    def classify(self, code: str) -> Failure:
        return BY_CODE[code]

    async def list_inbound(self, since: float) -> Sequence[Received]:
        await asyncio.sleep(0.2)
        if self.mode == "hang":
            raise Unavailable("no answer")
        return [replace(received, caught_up=True) for received in self.inbound if received.received_at >= since]

    # what happens behind it

    def _take(self, outgoing: Outgoing) -> Sent:
        self._numbers += 1
        sent = Sent(f"SM{self.name}{self._numbers}", outgoing, MessageStatus.ACCEPTED, self._clock.now(), self.mode)
        self.record[sent.provider_id] = sent
        self._door.run(self._journey(sent))
        return sent

    async def _journey(self, sent: Sent) -> None:
        """From the queue to the phone, with a callback at each step."""
        validity = sent.outgoing.validity_seconds or 14_400
        end = sent.at + validity
        await asyncio.sleep(self._draws.uniform(0.1, 1.0))
        if sent.mode == "refuse_later":
            await self._report(sent, MessageStatus.FAILED, OUTAGE.code)
            return
        while self.mode == "silent" and sent.mode == "silent":
            await asyncio.sleep(2.0)
            if self._clock.now() >= end:
                await self._report(sent, MessageStatus.FAILED, EXPIRED.code)
                return
        if self.capabilities.receipts:
            await self._report(sent, MessageStatus.SENT)
        while self.mode == "sent_only" and sent.mode == "sent_only":
            await asyncio.sleep(2.0)
        await asyncio.sleep(self._draws.uniform(0.1, 2.0))
        self._show(sent)
        if self.capabilities.receipts:
            await self._report(sent, MessageStatus.DELIVERED)
            if self._draws.random() < 0.3:
                await asyncio.sleep(self._draws.uniform(0.5, 20.0))
                await self._report(sent, MessageStatus.READ)

    def _show(self, sent: Sent) -> None:
        to = sent.outgoing.to
        shown = OnScreen(self._clock.now(), self.name, sent.outgoing.part, sent.provider_id)
        self.screens.setdefault(to, []).append(shown)
        if to in self.bells:
            self.bells[to].set()

    async def _report(self, sent: Sent, status: MessageStatus, code: str | None = None) -> None:
        sent.status = status
        if self._draws.random() < self.callbacks_lost:
            self.struck[f"{self.name} callback lost"] += 1
            return
        reported = Reported(
            f"{sent.provider_id}:{status}",
            sent.outgoing.message_id,
            sent.provider_id,
            status,
            self._clock.now(),
            code,
        )
        self._door.run(self._call_back(reported))

    async def _call_back(self, reported: Reported) -> None:
        await asyncio.sleep(self._draws.expovariate(1 / 0.3))
        await self._door.deliver(reported, patience=15.0)
        if self._draws.random() < self.repeats:
            self.struck[f"{self.name} callback repeated"] += 1
            await asyncio.sleep(self._draws.uniform(0.0, 60.0))
            await self._door.deliver(reported, patience=15.0)

    # what shoppers do

    def write(self, received: Received) -> None:
        """A shopper pressed send. The platform passes it on, now or when it is well again."""
        if self.holds_inbound:
            self.struck[f"{self.name} inbound held"] += 1
            self._held.append(received)
            return
        self._pass_on(received)

    def recover(self) -> None:
        """All is well again: what was held comes in one flood, not always in order."""
        self.mode, self.holds_inbound = "ok", False
        flood, self._held = self._held, []
        if self._draws.random() < 0.3:
            self._draws.shuffle(flood)
        for received in flood:
            self.struck[f"{self.name} late flood"] += 1
            self._pass_on(received)

    def _pass_on(self, received: Received) -> None:
        received = replace(received, received_at=self._clock.now())
        self.inbound.append(received)
        self._door.heard.append(received)
        self._door.run(self._webhook(received))

    async def _webhook(self, received: Received) -> None:
        await asyncio.sleep(self._draws.uniform(0.02, 0.4))
        if self._draws.random() < self.webhooks_lost:
            self.struck[f"{self.name} webhook lost"] += 1
            return
        # Telegram repeats until it is told 200; Twilio gives up after 15 s and keeps a list.
        patience = 86_400.0 if self.name is ChannelName.TELEGRAM else 15.0
        await self._door.deliver(received, patience)
        while self._draws.random() < self.repeats:
            self.struck[f"{self.name} webhook repeated"] += 1
            await asyncio.sleep(self._draws.uniform(0.0, 30.0))
            await self._door.deliver(received, patience)


class ReachedCarrier:
    """A carrier as one process sees it: the process may die on the way there or back."""

    def __init__(self, carrier: Carrier, process: Process) -> None:
        self._carrier, self._process = carrier, process
        self.name, self.account, self.domains = carrier.name, carrier.account, carrier.domains
        self.capabilities = carrier.capabilities

    async def send(self, outgoing: Outgoing) -> Outcome:
        return await self._process.call(self.name, lambda: self._carrier.send(outgoing), 0.02)

    async def look_up(self, provider_id: str | None, outgoing: Outgoing) -> Reported | None:
        return await self._process.call(self.name, lambda: self._carrier.look_up(provider_id, outgoing), 0.02)

    async def list_inbound(self, since: float) -> Sequence[Received]:
        return await self._process.call(self.name, lambda: self._carrier.list_inbound(since), 0.02)

    def classify(self, code: str) -> Failure:
        return self._carrier.classify(code)


class Page:
    """The light page as a channel: what is said there is shown when it is fetched."""

    name = ChannelName.WEB
    account = "account:web"
    domains = DOMAINS[ChannelName.WEB]
    capabilities = CAPABILITIES[ChannelName.WEB]

    async def send(self, outgoing: Outgoing) -> Outcome:
        return Accepted(f"web:{outgoing.message_id}")

    async def look_up(self, provider_id: str | None, outgoing: Outgoing) -> Reported | None:
        return None

    def classify(self, code: str) -> Failure:
        return BY_CODE[code]


class Accounts:
    """``Channels`` of one process."""

    def __init__(self, carriers: Sequence[Carrier], process: Process) -> None:
        self._by_name: dict[ChannelName, ReachedCarrier | Page] = {
            carrier.name: ReachedCarrier(carrier, process) for carrier in carriers
        }
        self._by_name[ChannelName.WEB] = Page()

    def of(self, shop: ShopId, channel: ChannelName) -> ReachedCarrier | Page | None:
        return self._by_name.get(channel)

    def inboxes(self) -> list[ReachedCarrier]:
        """Accounts with a list of inbound messages."""
        listed = (self._by_name.get(name) for name in (ChannelName.WHATSAPP, ChannelName.SMS))
        return [found for found in listed if isinstance(found, ReachedCarrier)]


def address_on(channel: ChannelName, number: str, person: int) -> Address:
    """Where a shopper is reached on a channel."""
    match channel:
        case ChannelName.TELEGRAM:
            return Address(Scheme.TELEGRAM, str(700_000 + person))
        case ChannelName.SMS:
            return Address(Scheme.TEL, number)
        case _:
            return Address(Scheme.WHATSAPP, number)
