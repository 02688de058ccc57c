"""A simulated shopper with a goal: reads what the shop says, answers, corrects what the recap shows wrong.

He plays through the real flows and the real dialogue; only phones and lanes are in memory, and the clock is turned.
"""

from __future__ import annotations

import random
from dataclasses import replace

from bot.core.addresses import Address, ChannelName, Scheme, home_lane
from bot.core.bursts import TYPING
from bot.core.conversations import Conversation
from bot.core.messages import Attachment, Awaiting, Received
from bot.ports import Dialogue
from bot.storage import codec
from tests.dialogue.goals import COMMUNES, QUESTIONS, Goal, Want, misspelt, shortened
from tests.flows.world import SHOP, World

MOST_TURNS = 40


class Buyer:
    """One conversation from the first word to the order, or to the end of patience."""

    def __init__(self, goal: Goal, dialogue: Dialogue, seed: int) -> None:
        self.goal = goal
        self.world = World(settling=TYPING)
        self.world.desk = replace(self.world.desk, dialogue=dialogue)
        self.telegram = "telegram" in goal.quirks
        self.channel = ChannelName.TELEGRAM if self.telegram else ChannelName.WHATSAPP
        self.phone = self.world.phones[self.channel]
        # Receipts are another matter: without them a shopper may be silent for hours.
        self.phone.capabilities = replace(self.phone.capabilities, receipts=False)
        scheme = Scheme.TELEGRAM if self.telegram else Scheme.WHATSAPP
        self.address = Address(scheme, str(7_000_000 + seed * 1000 + goal.number) if self.telegram else goal.phone)
        self.lane = home_lane(SHOP, self.address)
        self.said: list[str] = []
        self._chance = random.Random(seed * 1000 + goal.number)
        self._todo = set(goal.quirks)
        self._serial = 0

    @property
    def read(self) -> int:
        """Messages the shopper got."""
        return len(self.phone.texts)

    async def conversation(self) -> Conversation:
        state = await self.world.lanes.peek(self.lane)
        assert state is not None
        return codec.decode_conversation(state)

    async def shop(self) -> None:
        """Talk until an order is placed or patience ends."""
        await self._open()
        for _ in range(MOST_TURNS):
            now = await self.conversation()
            if now.last_order_id is not None or now.human:
                return
            await self._interlude(now)
            await self._answer(await self.conversation())

    async def _open(self) -> None:
        goal = self.goal
        items = " et ".join(want.said() for want in goal.wants)
        if self._due("all_at_once"):
            await self.write(f"slt jveux {items}, livraison {goal.commune_said} {goal.payment_said}")
        elif self._due("extra_then_removed"):
            await self.write("bonjour")
            await self.write(f"je veux {items}")
            if "pagne-kita" not in {want.article.id for want in goal.wants}:
                await self.write("ajoute aussi 1 kita")
        elif self._due("wrong_quantity_first"):
            first = goal.wants[0]
            await self.write(f"je veux {first.said(first.quantity + 1)}")
            await self.write(f"non {first.quantity} {first.name} plutôt")
        elif "thanks" in goal.quirks or self._chance.random() < 0.5:
            await self.write("bonjour")
            await self.write(f"je veux {items}")
        else:
            await self.write(f"je veux {items} s'il vous plait")

    async def _interlude(self, now: Conversation) -> None:
        """One of the things people do beside answering, at a random moment, before the recap at the latest."""
        if now.awaiting is not Awaiting.CONFIRMATION and self._chance.random() < 0.5:
            return
        for quirk, question in QUESTIONS.items():
            if self._due(quirk):
                await self.write(question)
                return
        if self._due("voice_note"):
            await self._send(attachments=(Attachment("audio", "https://x.example/v", "audio/ogg"),))
        elif self._due("sticker"):
            await self._send(attachments=(Attachment("sticker"),))
        elif self._due("thanks"):
            await self.write("merci")
        elif self._due("silence"):
            self.world.clock.time += 1800

    async def _answer(self, now: Conversation) -> None:
        goal, missing = self.goal, self._missing(now)
        match now.awaiting:
            case Awaiting.OPTION:
                await self.write(self._option(now))
            case Awaiting.PRODUCT:
                await self._product(now, missing)
            case Awaiting.COMMUNE if self._due("wrong_commune_first"):
                wrong = next(name for name in COMMUNES if name != goal.commune)
                await self.write(COMMUNES[wrong][1])
                await self.write(f"non pas {wrong}, {goal.commune_said}")
            case Awaiting.COMMUNE if self._due("several_answers"):
                await self.write(f"{goal.commune_said}, je paie {goal.payment_said}")
            case Awaiting.COMMUNE:
                await self._pick_or_write(now, f"commune={goal.commune}", goal.commune_said)
            case Awaiting.LANDMARK:
                await self.write(goal.landmark)
            case Awaiting.NAME:
                await self.write(goal.name)
            case Awaiting.PHONE:
                await self.write(goal.phone.removeprefix("+225"))
            case Awaiting.PAYMENT:
                await self._pick_or_write(now, f"payment={goal.payment}", goal.payment_said)
            case Awaiting.CONFIRMATION:
                await self._confirm(now)
            case _:
                await self._go_on(now, missing)

    async def _go_on(self, now: Conversation, missing: list[Want]) -> None:
        extra = self._extra(now)
        if missing:
            await self.write(f"ajoute {missing[0].said()}")
        elif extra:
            await self.write(f"enlève le {extra}")
        else:
            await self._pick_or_write(now, "checkout", "c'est tout")

    async def _product(self, now: Conversation, missing: list[Want]) -> None:
        """Pick what is wanted from what is offered; else name it, or say that it is all."""
        question = now.question
        for want in missing:
            for choice in question.choices if question else ():
                if choice.value.removeprefix("product=").split(":")[0] == want.article.id:
                    await self.write(choice.title.split(" (")[0])
                    return
        await self.write(missing[0].said() if missing else "non c'est tout")

    def _option(self, now: Conversation) -> str:
        """What the open line lacks, as far as the goal says it."""
        question = now.question
        offered = [choice.value.partition(":")[2] for choice in question.choices] if question else []
        for line in now.basket.lines:
            chosen = {value for _, value in line.options}
            for want in self.goal.wants:
                left = [value for value in want.options if value not in chosen and value in offered]
                if want.article.id == line.product_id and left:
                    return left[0]
        return offered[0] if offered else "je ne sais pas"

    async def _confirm(self, now: Conversation) -> None:
        """Check the recap like a careful shopper: what is wrong is corrected, what is right is confirmed."""
        goal, basket = self.goal, now.basket
        missing, extra = self._missing(now), self._extra(now)
        if self._due("mind_changed_at_recap"):
            want = goal.wants[0]
            await self.write(f"finalement mets {want.quantity + 1} {want.name}")
        elif extra:
            await self.write(f"enlève le {extra}")
        elif missing:
            wrong = [line for line in basket.lines if line.product_id == missing[0].article.id]
            words = missing[0].said()
            await self.write(f"non, {missing[0].quantity} {missing[0].name} plutôt" if wrong else f"ajoute {words}")
        elif basket.checkout.commune != goal.commune:
            await self.write(f"non livrez à {goal.commune_said}")
        elif basket.checkout.payment != goal.payment:
            await self.write(f"non je paie {goal.payment_said}")
        elif basket.checkout.name != goal.name:
            await self._correct("name")
        elif basket.checkout.landmark != goal.landmark:
            await self._correct("landmark")
        else:
            await self._pick_or_write(now, "confirm", self._chance.choice(("oui", "ok", "oui c'est bon", "je confirme")))

    async def _correct(self, field: str) -> None:
        await self.pick("modify_order", "modifier")
        await self.pick(f"field={field}", field)

    def _missing(self, now: Conversation) -> list[Want]:
        have = {
            (line.product_id, tuple(value for _, value in line.options), line.quantity) for line in now.basket.lines
        }
        return [want for want in self.goal.wants if want.line not in have and not self._open_line(now, want)]

    @staticmethod
    def _open_line(now: Conversation, want: Want) -> bool:
        """Is it in the basket with an option still to be told?"""
        return any(
            line.product_id == want.article.id
            and line.quantity == want.quantity
            and len(line.options) < len(want.options)
            and {value for _, value in line.options} <= set(want.options)
            for line in now.basket.lines
        )

    def _extra(self, now: Conversation) -> str | None:
        """The name of something in the basket that is not wanted."""
        wanted = {want.article.id for want in self.goal.wants}
        return next((line.name.split(" (")[0] for line in now.basket.lines if line.product_id not in wanted), None)

    async def _pick_or_write(self, now: Conversation, value: str, words: str) -> None:
        if "taps" in self.goal.quirks:
            await self.pick(value, words)
        else:
            await self.write(words)

    async def pick(self, value: str, words: str) -> None:
        """Tap a choice of the pending question; words when it is not offered."""
        now = await self.conversation()
        question = now.question
        values = [choice.value for choice in question.choices] if question else []
        if question is None or value not in values:
            await self.write(words)
            return
        payload = self.world.desk.tokens.sign_choice(self.lane, now.epoch, question.number, values.index(value))
        await self._send(question.choices[values.index(value)].title, payload=payload)

    async def write(self, text: str) -> None:
        """Type, with the quirks of one's thumbs, in one message or several."""
        quirks, shown = self.goal.quirks, text
        if "typos" in quirks and text not in (self.goal.landmark, self.goal.name):
            shown = misspelt(shown, self._chance)
        if "sms_spelling" in quirks and text not in (self.goal.landmark, self.goal.name):
            shown = shortened(shown)
        if "capitals" in quirks and text not in (self.goal.landmark, self.goal.name):
            shown = shown.upper()
        if "emoji" in quirks and text not in (self.goal.landmark, self.goal.name, *QUESTIONS.values()):
            shown = f"{shown} 🙏"
        pieces = [shown]
        if "burst" in quirks and " et " in shown:
            pieces = [part + (" et" if place == 0 else "") for place, part in enumerate(shown.split(" et ", 1))]
        for piece in pieces:
            await self._send(piece)
            await self._pass(0.4)
        await self._pass(5.0 if len(pieces) > 1 else 1.2)

    async def _send(
        self, text: str = "", payload: str | None = None, attachments: tuple[Attachment, ...] = ()
    ) -> None:
        self._serial += 1
        self.said.append(text or f"({attachments[0].kind})")
        message = Received(
            f"{self.channel}:{self._serial}",
            SHOP,
            self.channel,
            self.address,
            self.address.value,
            self.world.clock.now(),
            text,
            payload=payload,
            attachments=attachments,
        )
        await self.world.put(message)
        await self.world.work()

    async def _pass(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.2)):
            self.world.clock.time += 0.2
            await self.world.work()

    def _due(self, quirk: str) -> bool:
        if quirk not in self._todo:
            return False
        self._todo.discard(quirk)
        return True
