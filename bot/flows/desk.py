"""What a worker has at hand, and one lane's work between take and commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.core import health
from bot.core.addresses import ChannelName, LaneId, ShopId
from bot.core.bursts import TYPING, Settling
from bot.core.conversations import Conversation
from bot.core.deliveries import Delivery
from bot.core.health import AccountHealth, State
from bot.core.journal import Entry, PublicEvent, TranscriptItem
from bot.core.messages import Item, MessageStatus, Received
from bot.core.shops import Shop
from bot.core.tokens import Tokens
from bot.flows.permits import Permits
from bot.ports import (
    Channel,
    Channels,
    Clock,
    Codec,
    Commit,
    Dialogue,
    Files,
    HealthBoard,
    Lanes,
    Lease,
    Meter,
    Parked,
    Records,
    Shops,
)


@dataclass(frozen=True, slots=True)
class Desk:
    """The ports a worker's flows use."""

    lanes: Lanes
    board: HealthBoard
    dialogue: Dialogue
    channels: Channels
    shops: Shops
    records: Records
    codec: Codec
    clock: Clock
    tokens: Tokens
    permits: Permits
    files: Files
    meter: Meter
    settling: Settling = TYPING
    """How long a shopper may go on typing before a thought is answered."""


class NoPermit(Exception):
    """The outside party has its limit of calls in flight: the lane goes back, due when ``Permits.again_at`` says."""

    def __init__(self, party: str) -> None:
        super().__init__(party)
        self.party = party


class Later(Exception):
    """The turn cannot be had now; the lane goes back, due in ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:.1f} s")
        self.seconds = seconds


@dataclass(slots=True)
class Work:
    """One lane in hand. ``items`` are still to be handled; ``handled`` leave the inbox with the next commit."""

    lease: Lease
    shop: Shop
    conversation: Conversation
    items: list[tuple[str, Item]]
    committed: Conversation | None
    """As it was at the last commit; None for a new conversation."""
    handled: list[str] = field(default_factory=list)
    heard: list[TranscriptItem] = field(default_factory=list)
    events: list[PublicEvent] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    doing: str = ""
    """Name of what is being done, by which a failure can blame it."""

    @property
    def lane(self) -> LaneId:
        return self.lease.lane

    @property
    def dirty(self) -> bool:
        return (
            bool(self.handled or self.heard or self.events or self.parked)
            or self.conversation != self.committed
        )

    def done(self, item_id: str) -> None:
        """This inbox item is dealt with."""
        self.handled.append(item_id)
        self.items = [(key, item) for key, item in self.items if key != item_id]

    def hear(self, received: Received, late: bool) -> None:
        """Put a shopper's message into the transcript."""
        serial, self.conversation = self.conversation.next_serial()
        self.heard.append(
            TranscriptItem(
                id=self.conversation.message_id(serial),
                direction="in",
                author="shopper",
                channel=received.channel,
                text=received.text,
                status=MessageStatus.RECEIVED,
                created_at=received.received_at,
                late=late,
                provider_id=received.id,
                # ``file``: the name under which it is kept, once it is fetched (``keep_files``).
                attachments=tuple(
                    {
                        "file": f"{self.conversation.message_id(serial)}-{index}" if a.url else None,
                        **{
                            name: getattr(a, name)
                            for name in ("kind", "url", "content_type", "latitude", "longitude", "label")
                        },
                    }
                    for index, a in enumerate(received.attachments)
                ),
            )
        )
        self.event(
            "message.received",
            received.received_at,
            received.id,
            channel=received.channel,
            late=late,
        )

    def event(self, type_: str, at: float, cause: str, **data: object) -> None:
        """Tell the feed; ``cause`` makes its id, so the same thing told twice is one event."""
        body = {
            "conversation_id": self.lane,
            "customer_id": self.conversation.customer.id,
            **data,
        }
        self.events.append(PublicEvent(f"{type_}:{self.lane}:{cause}", type_, at, body))


async def commit(desk: Desk, work: Work, due_at: float | None, release: bool) -> None:
    """Write everything that changed since the last commit, with its journal entry. Raises LostLease."""
    now = desk.clock.now()
    before = {d.id: d for d in work.committed.deliveries} if work.committed else {}
    said = tuple(
        _transcript(d) for d in work.conversation.deliveries if before.get(d.id) != d
    )
    entry = Entry(
        lane=work.lane,
        shop_id=work.shop.id,
        at=now,
        conversation=desk.codec.conversation_to_json(work.conversation),
        messages=(*work.heard, *said),
        events=tuple(work.events),
    )
    await desk.lanes.commit(
        work.lease,
        Commit(
            state=desk.codec.encode_conversation(work.conversation),
            handled=tuple(work.handled),
            due_at=due_at,
            journal=desk.codec.encode_entry(entry) if work.dirty else None,
            release=release,
            parked=tuple(work.parked),
        ),
    )
    work.committed = work.conversation
    work.handled, work.heard, work.events, work.parked = [], [], [], []


def _transcript(delivery: Delivery) -> TranscriptItem:
    return TranscriptItem(
        id=delivery.id,
        direction="out",
        author=delivery.reply.author,
        channel=delivery.channel,
        text=delivery.text if delivery.text is not None else delivery.reply.text,
        status=delivery.shown,
        created_at=delivery.created_at,
        superseded_by=delivery.superseded_by,
        provider_id=delivery.provider_id,
        error_code=delivery.error_code,
        reason=delivery.reason,
        cost_xof=delivery.cost_xof,
    )


def force_key(shop: ShopId, channel: ChannelName) -> str:
    return f"{shop}/{channel}"


async def channel_health(desk: Desk, shop: Shop) -> Mapping[ChannelName, AccountHealth]:
    """Health of each channel the shop has: its account's or a fallen fault domain's, the shop's force as the state."""
    have: dict[ChannelName, Channel] = {}
    for name in ChannelName:
        channel = desk.channels.of(shop.id, name)
        if channel is not None:
            have[name] = channel
    keys = [channel.account for channel in have.values()] + [
        force_key(shop.id, name) for name in have
    ]
    keys += sorted({health.domain_key(word) for channel in have.values() for word in channel.domains})
    known = await desk.board.read(keys)
    found: dict[ChannelName, AccountHealth] = {}
    for name, channel in have.items():
        shared = [known.get(health.domain_key(word), AccountHealth()) for word in channel.domains]
        measured = health.worst(known.get(channel.account, AccountHealth()), shared)
        force = known.get(force_key(shop.id, name))
        found[name] = health.routed(measured, force)
    return found


def states_of(known: Mapping[ChannelName, AccountHealth]) -> dict[ChannelName, State]:
    """States for routing. A channel that a person forced down does not exist, so it is not probed either."""
    return {
        name: account.state
        for name, account in known.items()
        if account.forced != "down"
    }
