"""A whole Relais in memory for flow tests: real flows and core, stand-ins for providers and the dialogue, a clock to turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.core.addresses import (
    PARTITIONS,
    Address,
    ChannelName,
    LaneId,
    Scheme,
    ShopId,
    home_lane,
)
from bot.core.basket import BasketLine
from bot.core.bursts import AT_ONCE, Settling
from bot.core.conversations import Conversation, WantedFile
from bot.core.failures import (
    Accepted,
    Certainty,
    Failure,
    Outcome,
    Refused,
    Retry,
    Scope,
    Unsure,
)
from bot.core.journal import Entry
from bot.core.messages import (
    Awaiting,
    Capabilities,
    Choice,
    Item,
    MessageStatus,
    Purpose,
    Received,
    Reply,
    Reported,
)
from bot.core.shops import Shop
from bot.core.tokens import Tokens
from bot.flows.desk import Desk
from bot.flows.permits import Permits
from bot.flows.receive import receive
from bot.flows.step import step
from bot.ports import Answer, FileOutcome, Outgoing, Records, Turn, Unavailable
from bot.storage import codec
from bot.storage.memory import MemoryHealthBoard, MemoryLanes, MemoryMeter

SHOP = ShopId("awa-mode")
TOKENS = Tokens(b"s" * 32, "https://relais.example")
PICTURE = "/photos/awa-mode/sac/0123456789abcdef"
RECAP = (Choice("confirm", "Confirmer"), Choice("deny", "Annuler"))


class TurnedClock:
    """Time moves only when a test says so."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class Phone:
    """A stand-in channel: keeps what arrives, and fails as it is told."""

    name: ChannelName
    capabilities: Capabilities
    outcome: Outcome | None = None
    no_pictures: bool = False
    record: MessageStatus | None = MessageStatus.ACCEPTED
    domains: tuple[str, ...] = ()
    shown: list[Outgoing] = field(default_factory=list)

    @property
    def account(self) -> str:
        return f"account:{self.name}"

    async def send(self, outgoing: Outgoing) -> Outcome:
        if self.outcome is not None:
            return self.outcome
        if self.no_pictures and outgoing.part.image_url is not None:
            return NO_PICTURE
        self.shown.append(outgoing)
        return Accepted(
            f"SM{len(self.shown)}-{self.name}", final=not self.capabilities.receipts
        )

    async def look_up(
        self, provider_id: str | None, outgoing: Outgoing
    ) -> Reported | None:
        if self.record is None:
            return None
        return Reported(
            f"look:{outgoing.message_id}",
            outgoing.message_id,
            provider_id or "SMx",
            self.record,
            0.0,
        )

    def classify(self, code: str) -> Failure:
        scope = {
            "63012": Scope.CHANNEL,
            "63003": Scope.RECIPIENT,
            "63016": Scope.WINDOW,
            "63019": Scope.CONTENT,
        }[code]
        return Failure(scope, Retry.OTHER_ROAD, Certainty.NOT_DELIVERED, code)

    @property
    def texts(self) -> list[str]:
        return [outgoing.part.text for outgoing in self.shown]


REFUSED = Refused(
    Failure(Scope.CHANNEL, Retry.OTHER_ROAD, Certainty.NOT_DELIVERED, "63012")
)
NO_PICTURE = Refused(Failure(Scope.CONTENT, Retry.CHANGE, Certainty.NOT_DELIVERED, "21620"))
BUTTONS = Capabilities(max_text=1600, max_buttons=3, max_button_title=20, images=True)
TELEGRAM = Capabilities(
    max_text=4096, max_buttons=8, max_button_title=64, images=True, receipts=False, look_up=False, own_contact=True
)
ONE_WAY = Capabilities(max_text=1600, gsm7=True, two_way=False)
TWO_WAY = Capabilities(max_text=1600, gsm7=True)
PAGE = Capabilities(max_text=4000, max_buttons=10, max_button_title=80, look_up=False)


@dataclass
class Waiter:
    """A dialogue of few words: "2 pagnes" adds, "photo" shows a picture ("photo ?" with a question), "recap" asks to confirm, ``confirm`` places, the rest is greeted."""

    down: bool = False
    turns: list[Turn] = field(default_factory=list)
    orders: dict[str, str] = field(default_factory=dict)
    remembered: dict[str, Answer] = field(default_factory=dict)

    async def ask(self, turn: Turn) -> Answer:
        if self.down:
            raise Unavailable("rasa is down")
        self.turns.append(turn)
        if turn.turn_id not in self.remembered:
            self.remembered[turn.turn_id] = self._answer(turn)
        return self.remembered[turn.turn_id]

    def _answer(self, turn: Turn) -> Answer:
        basket = turn.basket
        if turn.text.startswith("2 pagnes"):
            line = BasketLine(
                "uniwax", "Pagne Uniwax", (("couleur", "rouge"),), 2, 16000
            )
            basket = basket.changed(lines=(*basket.lines, line))
            return Answer((_recap(basket.version),), basket)
        if (
            turn.choice == "confirm"
            and turn.asked_version == basket.version
            and basket.lines
        ):
            number = self.orders.setdefault(basket.id, f"AM-{len(self.orders) + 1}")
            said = Reply(f"Commande {number} confirmée", Purpose.ORDER_CONFIRMATION)
            return Answer((said,), replace(basket, closed=True), order_id=number)
        if turn.choice == "confirm" or (turn.text == "oui" and basket.lines and not basket.closed):
            return Answer((_recap(basket.version),), basket)
        if turn.text.startswith("photo"):
            asked = (Choice("add", "Ajouter"),) if turn.text == "photo ?" else ()
            awaiting = Awaiting.PRODUCT if asked else None
            return Answer((Reply("Le sac", Purpose.ANSWER, asked, awaiting, image_url=PICTURE),), basket)
        return Answer((Reply("Bonjour"),), basket)


def _recap(version: int) -> Reply:
    return Reply(
        f"Recap {version} : on confirme ?",
        Purpose.QUESTION,
        RECAP,
        Awaiting.CONFIRMATION,
    )


@dataclass
class Book:
    """Nothing outlives this memory."""

    async def latest(self, lane: LaneId) -> Conversation | None:
        return None

    async def owner(self, shop: ShopId, address: Address) -> LaneId | None:
        return None

    async def heard(self, lane: LaneId, since: float) -> Sequence[tuple[str, float]]:
        return ()

    async def order_of(self, basket_id: str) -> tuple[str, str] | None:
        return None

    async def recent(self, since: float, after: str, most: int) -> Sequence[Conversation]:
        return ()

    async def write(self, entries: object) -> None:
        raise AssertionError("flows never write the ledger")


@dataclass
class Drawer:
    """Keeps the names of files, or fails as it is told."""

    outcome: FileOutcome = FileOutcome.KEPT
    asked: list[WantedFile] = field(default_factory=list)

    async def keep(self, shop: ShopId, lane: LaneId, wanted: WantedFile) -> FileOutcome:
        self.asked.append(wanted)
        return self.outcome

    async def forget(self, lane: LaneId) -> None:
        self.asked = []


@dataclass
class OneShop:
    shop: Shop

    async def get(self, shop: ShopId) -> Shop | None:
        return self.shop if shop == self.shop.id else None


@dataclass
class Roads:
    phones: dict[ChannelName, Phone]

    def of(self, shop: ShopId, channel: ChannelName) -> Phone | None:
        return self.phones.get(channel)


class World:
    """Say things as a shopper, turn the clock, look at the phones."""

    def __init__(
        self, two_way_sms: bool = False, settling: Settling = AT_ONCE, records: Records | None = None
    ) -> None:
        self.clock = TurnedClock()
        self.waiter = Waiter()
        self.phones = {
            ChannelName.WHATSAPP: Phone(ChannelName.WHATSAPP, BUTTONS),
            ChannelName.TELEGRAM: Phone(ChannelName.TELEGRAM, TELEGRAM),
            ChannelName.SMS: Phone(
                ChannelName.SMS, TWO_WAY if two_way_sms else ONE_WAY
            ),
            ChannelName.WEB: Phone(ChannelName.WEB, PAGE),
        }
        shop = Shop(
            SHOP,
            "Awa Mode",
            "+2250700000199",
            sms_two_way=two_way_sms,
            telegram_username="awa_bot",
        )
        self.shops = OneShop(shop)
        self.drawer = Drawer()
        self.lanes = MemoryLanes(self.clock)
        self.board = MemoryHealthBoard(self.clock)
        self.desk = Desk(
            lanes=self.lanes,
            board=self.board,
            dialogue=self.waiter,
            channels=Roads(self.phones),
            shops=self.shops,
            records=records or Book(),
            codec=codec,
            clock=self.clock,
            tokens=TOKENS,
            permits=Permits(),
            files=self.drawer,
            meter=MemoryMeter(self.clock),
            settling=settling,
        )
        self._serial = 0
        self.sent: dict[ChannelName, int] = {ChannelName.SMS: 0}
        """Channels whose messages are reported sent at once, with how many were. The others: by ``report``."""

    @property
    def whatsapp(self) -> Phone:
        return self.phones[ChannelName.WHATSAPP]

    @property
    def telegram(self) -> Phone:
        return self.phones[ChannelName.TELEGRAM]

    @property
    def sms(self) -> Phone:
        return self.phones[ChannelName.SMS]

    @property
    def journal(self) -> list[Entry]:
        """What was told to the ledger, in order."""
        return [codec.decode_entry(stored.entry) for entries in self.lanes.entries for stored in entries]

    def encoded(self, item: Item) -> bytes:
        return codec.encode_item(item)

    async def work(self) -> None:
        """Step every lane that is due, until none is."""
        for _ in range(200):
            due = await self.lanes.due_partitions()
            if not due and not await self._report_sent():
                return
            for partition in due:
                lease = await self.lanes.take(partition)
                if lease is not None:
                    await step(self.desk, lease)
        raise AssertionError(f"a lane is always due: {await self.conversation()}")

    async def _report_sent(self) -> bool:
        """Tell of messages that have left since; False when none has."""
        new = [
            (f"SM{n + 1}-{name}", self.phones[name].shown[n].message_id)
            for name, told in self.sent.items()
            if name in self.phones
            for n in range(told, len(self.phones[name].shown))
        ]
        self.sent = {name: len(self.phones[name].shown) for name in self.sent if name in self.phones}
        for provider_id, message_id in new:
            status = Reported(
                f"sent:{provider_id}", message_id, provider_id, MessageStatus.SENT, self.clock.now()
            )
            await receive(self.lanes, codec, TOKENS, status)
        return bool(new)

    async def turn(self, seconds: float) -> None:
        """Let time pass in steps of a second."""
        for _ in range(int(seconds)):
            self.clock.time += 1
            await self.work()

    def message(
        self, text: str, channel: ChannelName = ChannelName.WHATSAPP, number: int = 1
    ) -> Received:
        self._serial += 1
        if channel is ChannelName.TELEGRAM:
            address = Address(Scheme.TELEGRAM, str(4000 + number))
        else:
            scheme = Scheme.WHATSAPP if channel is ChannelName.WHATSAPP else Scheme.TEL
            address = Address(scheme, f"+22507000000{number:02d}")
        return Received(
            f"{channel}:{self._serial}",
            SHOP,
            channel,
            address,
            address.value,
            self.clock.now(),
            text,
        )

    async def put(self, message: Received) -> None:
        await receive(self.lanes, codec, TOKENS, message)

    async def write(
        self, text: str, channel: ChannelName = ChannelName.WHATSAPP, number: int = 1
    ) -> Received:
        message = self.message(text, channel, number)
        await self.put(message)
        await self.work()
        return message

    async def link_telegram(self, number: int = 1) -> None:
        """Hand out a link and use it."""
        from bot.core.conversations import LinkOffer

        lane = self.lane(number)
        lease = None
        await self.put(self.message("Salut", number=number))
        for partition in range(PARTITIONS):
            lease = await self.lanes.take(partition) or lease
        assert lease is not None
        from bot.flows.desk import commit
        from bot.flows.step import load
        from bot.flows.watch import next_due

        work = await load(self.desk, lease)
        assert work is not None
        work.conversation = replace(
            work.conversation, links=(LinkOffer("77", self.clock.now() + 1000),)
        )
        await commit(self.desk, work, next_due(work.conversation), release=True)
        await self.work()
        start = self.message("", ChannelName.TELEGRAM, number)
        await self.put(replace(start, link_token=TOKENS.link_token(lane, "77")))
        await self.work()

    def lane(self, number: int = 1) -> LaneId:
        return home_lane(SHOP, Address(Scheme.WHATSAPP, f"+22507000000{number:02d}"))

    async def conversation(self, number: int = 1) -> Conversation:
        state = await self.lanes.peek(self.lane(number))
        assert state is not None
        return codec.decode_conversation(state)

    async def report(
        self,
        status: MessageStatus,
        code: str | None = None,
        number: int = 1,
        nth: int = -1,
    ) -> None:
        """A status callback for the nth item that went out."""
        sent = [
            d for d in (await self.conversation(number)).deliveries if d.provider_id
        ]
        item = sent[nth]
        self._serial += 1
        assert item.provider_id is not None
        await receive(
            self.lanes,
            codec,
            TOKENS,
            Reported(
                f"st:{self._serial}",
                item.id,
                item.provider_id,
                status,
                self.clock.now(),
                code,
            ),
        )
        await self.work()


__all__ = ["REFUSED", "TOKENS", "Unsure", "World"]
