"""One shopper's conversation with one shop: where it is, what is pending, what waits to be said.

It belongs to one lane and changes only in that lane's commit. One per customer and shop, for ever.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bot.core.addresses import ChannelName, LaneId, ShopId
from bot.core.basket import Basket
from bot.core.customers import Customer
from bot.core.deliveries import OPEN, UNCONFIRMED, Delivery
from bot.core.flood import Flood
from bot.core.handover import PersonAwaited
from bot.core.messages import Awaiting, Choice, MessageId, MessageStatus, Received

LINK_SECONDS = 30 * 86400.0
PAGE_SECONDS = 72 * 3600.0
QUESTIONS_KEPT = 12
DELIVERIES_KEPT = 24


@dataclass(frozen=True, slots=True)
class Question:
    """Something the bot asked. ``put_on``: channels on which a number or tap answers it."""

    number: int
    awaiting: Awaiting
    text: str
    choices: tuple[Choice, ...]
    epoch: int
    basket_version: int
    """A confirmation counts only for this version of the basket."""
    put_on: tuple[ChannelName, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkOffer:
    """A single-use token for Telegram that is out."""

    nonce: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Page:
    """The shopper's light page: the same token for a whole outage."""

    nonce: str
    expires_at: float
    opened_at: float | None = None
    seen_at: float | None = None


@dataclass(frozen=True, slots=True)
class Gathering:
    """Suspect messages from a channel the conversation has left, kept until one question quotes them all."""

    messages: tuple[Received, ...]
    first_at: float
    last_at: float
    asked_at: float | None = None
    interrupted: int | None = None
    """Number of the question that was pending when ours was asked."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A message the dialogue has not answered yet. ``replayed``: a late one the shopper wants to count."""

    received: Received
    replayed: bool = False
    ready_at: float = 0.0
    """Not answered before: the shopper may still be typing."""
    late: bool = False
    """A suspect message that only asks: it is answered, and changes nothing."""


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file of the shopper that is still at the provider. ``name``: ``<transcript item>-<attachment>``."""

    name: str
    channel: ChannelName
    url: str
    content_type: str | None = None
    tries: int = 0
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Conversation:
    """The record of a lane. ``serial`` numbers messages, baskets and questions, so that ids need no randomness."""

    id: LaneId
    shop_id: ShopId
    customer: Customer
    channel: ChannelName
    basket: Basket
    created_at: float
    epoch: int = 0
    moved_at: float | None = None
    moved_from: ChannelName | None = None
    home_channel: ChannelName | None = None
    """Where the shopper was before the outage moved the conversation; None when it was not moved."""
    human: bool = False
    human_since: float | None = None
    files: tuple[WantedFile, ...] = ()
    """To be fetched before the provider forgets them."""
    remind_at: float | None = None
    """When the shopper, who agreed, is reminded of the open basket; None: not, or done."""
    person: PersonAwaited | None = None
    """The shopper waits for a word of the vendor."""
    serial: int = 0
    questions: tuple[Question, ...] = ()
    """The last ones asked, oldest first."""
    pending: int | None = None
    """Number of the question that waits for an answer."""
    deliveries: tuple[Delivery, ...] = ()
    late: Gathering | None = None
    unanswered: tuple[Unanswered, ...] = ()
    """Messages that wait for the dialogue, in order. Durable here, so a turn that fails is only asked again."""
    links: tuple[LinkOffer, ...] = ()
    page: Page | None = None
    last_message_at: float | None = None
    last_order_id: str | None = None
    turn_failures: int = 0
    """Times the dialogue could not be had for the first unanswered message."""
    turn_faults: int = 0
    """How many of these were the turn's own fault: the dialogue was there."""
    turn_failing_since: float | None = None
    turn_not_before: float = 0.0
    apologised: bool = False
    undo_link: str | None = None
    """Telegram address linked just now: STOP on another channel takes the link back."""
    unreachable_told: bool = False
    """The call list was told that no road is open."""
    nudged_epoch: int | None = None
    """The move after which one SMS was sent, because Telegram stayed without an answer."""
    flood: Flood = field(default_factory=Flood)
    heard_at: dict[ChannelName, float] = field(default_factory=dict)
    """When the shopper last wrote on each channel, by our clock; the 24 h window is counted from here."""

    def answered(self) -> Conversation:
        """The first unanswered message is dealt with; the next one starts with a clean slate."""
        return replace(
            self,
            unanswered=self.unanswered[1:],
            turn_failures=0,
            turn_faults=0,
            turn_failing_since=None,
            turn_not_before=0.0,
            apologised=False,
        )

    @property
    def question(self) -> Question | None:
        """The pending question, or None."""
        return next((q for q in self.questions if q.number == self.pending), None)

    @property
    def turn_due_at(self) -> float | None:
        """When the dialogue is asked about the first unanswered message; None when there is none."""
        if not self.unanswered:
            return None
        if self.unanswered[0].replayed:
            return self.turn_not_before
        return max(self.turn_not_before, self.unanswered[-1].ready_at)

    @property
    def awaiting(self) -> Awaiting | None:
        return self.question.awaiting if self.question else None

    @property
    def at_rest(self) -> bool:
        """Nothing is owed, asked of a person or in the basket: another conversation may take its addresses over."""
        ordering = bool(self.basket.lines) and not self.basket.closed
        owed = any(d.status in OPEN and d.superseded_by is None for d in self.deliveries)
        return not (ordering or owed or self.unanswered or self.late or self.human)

    @property
    def leaving(self) -> Delivery | None:
        """The notice of a move that is under way or has just left: the move does not count yet."""
        under_way = (*UNCONFIRMED, MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ)
        for delivery in reversed(self.deliveries):
            says_so = delivery.moves_from is self.channel and delivery.epoch == self.epoch + 1
            if says_so and delivery.superseded_by is None and delivery.status in under_way:
                return delivery
        return None

    @property
    def heading(self) -> ChannelName:
        """Where the shopper will be once the notice that is under way has left; else where they are."""
        notice = self.leaving
        return notice.channel if notice is not None and notice.channel is not None else self.channel

    def next_serial(self) -> tuple[int, Conversation]:
        return self.serial + 1, replace(self, serial=self.serial + 1)

    def message_id(self, serial: int) -> MessageId:
        return MessageId(f"{self.id}-{serial}")

    def delivery(self, message_id: MessageId) -> Delivery | None:
        return next((d for d in self.deliveries if d.id == message_id), None)

    def with_delivery(self, changed: Delivery) -> Conversation:
        """Replace the delivery of the same id."""
        return replace(self, deliveries=tuple(changed if d.id == changed.id else d for d in self.deliveries))
