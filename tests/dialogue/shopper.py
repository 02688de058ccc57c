"""A shopper who talks to any ``Dialogue`` the way the worker lets him: one turn after the other, state kept outside."""

from __future__ import annotations

from dataclasses import replace

from bot.core.addresses import ChannelName, LaneId, ShopId
from bot.core.basket import Basket
from bot.core.messages import Awaiting, Reply
from bot.ports import Answer, Dialogue, Turn


class Shopper:
    """One conversation. ``say`` types, ``pick`` taps a choice that was offered."""

    def __init__(self, dialogue: Dialogue, shop: str = "awa-mode", lane: str = "lane-1") -> None:
        self._dialogue = dialogue
        self.shop = shop
        self.lane = lane
        self.channel = ChannelName.WHATSAPP
        self.basket = Basket(id=f"{lane}-basket-1")
        self.question: Reply | None = None
        self.asked_version: int | None = None
        self.name: str | None = None
        self.phone: str | None = "+2250707000001"
        self.language = "fr"
        self.last_order_id: str | None = None
        self.answer: Answer | None = None
        self.now = 0.0
        """By the shopper's clock; 0 for none."""
        self.place: tuple[float, float] | None = None
        self.turns = 0
        self.baskets = 1

    @property
    def awaiting(self) -> Awaiting | None:
        return self.question.awaiting if self.question else None

    @property
    def heard(self) -> str:
        """All the bot said in the last turn."""
        return "\n".join(reply.text for reply in self.answer.replies) if self.answer else ""

    @property
    def offered(self) -> tuple[str, ...]:
        """Values of the pending question's choices."""
        return tuple(choice.value for choice in self.question.choices) if self.question else ()

    @property
    def lines(self) -> list[tuple[str, str, int]]:
        """(product id, option values, quantity)"""
        return [
            (line.product_id, "/".join(value for _, value in line.options), line.quantity)
            for line in self.basket.lines
        ]

    def turn(self, text: str, choice: str | None = None) -> Turn:
        """The turn that the worker would make of it."""
        self.turns += 1
        return Turn(
            conversation_id=LaneId(self.lane),
            turn_id=f"{self.lane}-{self.turns}",
            text=text,
            choice=choice,
            shop_id=ShopId(self.shop),
            channel=self.channel,
            language=self.language,
            customer_id="customer-1",
            customer_name=self.name,
            known_phone=self.phone,
            basket=self.basket,
            awaiting=self.awaiting,
            asked_version=self.asked_version,
            last_order_id=self.last_order_id,
            offered=self.offered,
            place=self.place,
            now=self.now,
        )

    async def say(self, *texts: str) -> Answer:
        """Type one message after the other; the last answer."""
        for text in texts:
            answer = self._take(await self._dialogue.ask(self.turn(text)))
        return answer

    async def pick(self, value: str) -> Answer:
        """Tap a choice of the pending question."""
        assert value in self.offered, (value, self.offered)
        return self._take(await self._dialogue.ask(self.turn("", value)))

    async def share(self, latitude: float, longitude: float) -> Answer:
        """Share a position."""
        self.place = (latitude, longitude)
        answer = self._take(await self._dialogue.ask(self.turn("")))
        self.place = None
        return answer

    def _take(self, answer: Answer) -> Answer:
        self.answer = answer
        before = self.basket
        self.basket = answer.basket
        if not answer.basket.id:
            self.baskets += 1
            self.basket = replace(answer.basket, id=f"{self.lane}-basket-{self.baskets}")
        elif (before.lines, before.checkout, before.closed) != (
            answer.basket.lines,
            answer.basket.checkout,
            answer.basket.closed,
        ):
            assert answer.basket.version == before.version + 1
        else:
            assert answer.basket == before
        asked = [reply for reply in answer.replies if reply.awaiting is not None]
        self.question = asked[-1] if asked else None
        self.asked_version = self.basket.version if asked else None
        self.name = answer.customer_name or self.name
        self.language = answer.language or self.language
        self.last_order_id = answer.order_id or self.last_order_id
        return answer
