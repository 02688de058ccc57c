"""What the flows need from the outside, each as small as it can be. Adapters are chosen in ``wiring`` only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Protocol

from bot.core.addresses import Address, ChannelName, LaneId, ShopId
from bot.core.basket import Basket
from bot.core.conversations import Conversation, WantedFile
from bot.core.failures import Failure, Outcome
from bot.core.health import AccountHealth, Evidence, Transition
from bot.core.incidents import Outage
from bot.core.journal import Entry
from bot.core.messages import (
    Awaiting,
    Capabilities,
    Item,
    MessageId,
    Part,
    Reply,
    Reported,
)
from bot.core.orders import OrderRequest, PlaceResult
from bot.core.payments import Checkout, NoSession, Session, Settled
from bot.core.readiness import Road
from bot.core.shops import Shop
from bot.core.triage import Candidate, Tier


class Clock(Protocol):
    """Time, so that tests need not wait. Unix seconds, UTC."""

    def now(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


# --- lanes ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lease:
    """A lane in one worker's hands. ``token`` is (generation, counter): every commit is checked against it."""

    lane: LaneId
    token: tuple[str, int]
    until: float
    """When it expires, by the store's clock."""
    now: float
    """The store's clock when it was taken."""
    state: bytes | None
    """The encoded conversation, or None for a new lane."""
    items: tuple[tuple[str, bytes], ...]
    """Inbox, oldest first: (item id, encoded item)."""
    attempts: int = 1
    """Takes since the lane was last given back in order, this one with them."""
    failure: str | None = None
    """Why the last attempt failed, as it was told to ``release``."""
    late: float = 0.0
    """Seconds for which the lane had been due."""
    others: bool = True
    """False: no other lane of the partition was due then. One that becomes due wakes a worker."""


@dataclass(frozen=True, slots=True)
class Put:
    """Result of ``Lanes.put``. ``lane`` is where it ended after forwards; ``fresh`` is False for a repeat."""

    lane: LaneId
    fresh: bool


class ParkedKind(StrEnum):
    """What was set aside: something from the inbox, something from it that nobody can read, or a turn."""

    ITEM = "item"
    UNREADABLE = "unreadable"
    TURN = "turn"


@dataclass(frozen=True, slots=True)
class Parked:
    """What failed too often and was set aside, so that its lane goes on. Put back, ``item`` is tried again."""

    lane: LaneId
    item_id: str
    item: bytes
    """Encoded item. It holds what a shopper wrote."""
    kind: ParkedKind
    why: str
    """The last failure: a type and a place, never a value."""
    attempts: int
    at: float
    """Unix seconds."""

    @property
    def id(self) -> str:
        """Name for the operator, the same for the same item of the same lane."""
        return f"{self.lane}-{blake2b(self.item_id.encode(), digest_size=4).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Commit:
    """All that changes at once. ``due_at``: store's clock, None for never; items left over make it due now."""

    state: bytes
    """The encoded conversation; empty leaves the lane without one."""
    handled: tuple[str, ...]
    """Ids of inbox items to remove."""
    due_at: float | None
    journal: bytes | None = None
    release: bool = True
    """False keeps the lease for the next step."""
    parked: tuple[Parked, ...] = ()
    """Set aside in the same step; their ids are among ``handled`` where they came from the inbox."""


class LostLease(Exception):
    """Somebody else holds the lane now: stop, nothing was written."""


class Unavailable(Exception):
    """The store, Rasa or the ledger cannot be reached. Nothing was promised."""


class Lanes(Protocol):
    """Where conversations live. Every method may raise ``Unavailable``."""

    async def put(self, lane: LaneId, item_id: str, item: bytes) -> Put:
        """Append durably unless the id was seen in the last 8 days; follow forwards; mark due; wake a worker."""
        ...

    async def take(self, partition: int) -> Lease | None:
        """Lease the partition's lane that has been due longest, for 10 s, or None."""
        ...

    async def renew(self, lease: Lease) -> Lease:
        """Extend to 10 s from now. Raises LostLease."""
        ...

    async def commit(self, lease: Lease, commit: Commit) -> None:
        """Write all of it or nothing. Done twice is the same. Raises LostLease."""
        ...

    async def release(self, lease: Lease, due_in: float, failure: str | None = None) -> None:
        """Give it back unchanged, due again in so many seconds. A lost lease is ignored.

        With ``failure`` the attempt counts as failed, and what came meanwhile does not make the lane due sooner.
        """
        ...

    async def forward(self, source: LaneId, target: LaneId) -> None:
        """From now on what is put into ``source`` goes to ``target``; seen ids and inbox travel first. Idempotent."""
        ...

    async def unforward(self, source: LaneId) -> None:
        """Let the lane stand for itself again. Idempotent."""
        ...

    async def resolve(self, lane: LaneId) -> LaneId:
        """Follow forwards to the lane that holds the conversation."""
        ...

    async def peek(self, lane: LaneId) -> bytes | None:
        """The committed state, for readers. Follows no forward."""
        ...

    async def remember(self, lane: LaneId, seen: Sequence[tuple[str, float]]) -> None:
        """Count items (id, when it came: Unix seconds) as seen there: a repeat of one is dropped. Idempotent."""
        ...

    def wakeups(self) -> AsyncIterator[int]:
        """Partitions in which something became due. May lose some: each partition is looked at anyway."""
        ...

    async def due_partitions(self) -> Sequence[int]:
        """Partitions that hold a lane due now (one cheap look at all 64)."""
        ...

    async def forget_parked(self, lane: LaneId) -> None:
        """Remove all that was parked of a lane. Idempotent."""
        ...


# --- outside parties -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One rendered message for one address."""

    message_id: MessageId
    to: str
    """In the provider's form (``KnownAddress.reply_to``)."""
    part: Part
    validity_seconds: int | None = None
    template: str | None = None
    """ContentSid of an approved template to use instead of free text."""
    template_variables: Mapping[str, str] = field(default_factory=dict)


class Channel(Protocol):
    """A shop's account on one channel. It translates; it decides nothing."""

    name: ChannelName
    account: str
    """Key of the provider account: health and limits are shared by all who use it."""
    domains: tuple[str, ...]
    """Fault domains it depends on: meta, twilio, telegram, internet."""
    capabilities: Capabilities

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Send within 5 s; a time-out is ``Unsure``. Never raises for what a provider may do."""
        ...

    async def look_up(self, provider_id: str | None, outgoing: Outgoing) -> Reported | None:
        """What the provider's own record says now, within 5 s; None when it keeps none or does not answer.

        Without a provider id (the answer to the send was lost) the record is searched for this very message.
        """
        ...

    def classify(self, code: str) -> Failure:
        """What a vendor code from a status callback means."""
        ...


class Channels(Protocol):
    """All channels of all shops."""

    def of(self, shop: ShopId, channel: ChannelName) -> Channel | None: ...


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing to understand. The same ``turn_id`` always gets the same answer."""

    conversation_id: LaneId
    turn_id: str
    text: str
    choice: str | None
    """Value of the ``Choice`` that was picked, or None for free text."""
    shop_id: ShopId
    channel: ChannelName
    language: str
    customer_id: str
    customer_name: str | None
    known_phone: str | None
    basket: Basket
    awaiting: Awaiting | None
    asked_version: int | None
    """Basket version of the pending question: a confirmation counts only for it."""
    last_order_id: str | None
    offered: tuple[str, ...] = ()
    """Values of the pending question's choices."""
    place: tuple[float, float] | None = None
    """Latitude and longitude of a location that was shared."""
    now: float = 0.0
    """When it is asked, Unix seconds: opening hours depend on it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole outcome of a turn. ``replies`` in order; the one with ``awaiting`` asks the pending question."""

    replies: tuple[Reply, ...]
    basket: Basket
    customer_name: str | None = None
    language: str | None = None
    hand_over: bool = False
    order_id: str | None = None
    move_to: ChannelName | None = None
    """The shopper asked to go on elsewhere."""


class TurnFailed(Unavailable):
    """Rasa and the actions are there, and this very turn fails: asking again for ever would not help."""


class Dialogue(Protocol):
    """Rasa. Raises ``Unavailable`` for anything that is not a whole answer; asking again is safe.

    ``TurnFailed`` is that of it which is this turn's own fault.
    """

    async def ask(self, turn: Turn) -> Answer: ...


class FileOutcome(StrEnum):
    """What became of fetching a file."""

    KEPT = "kept"
    LATER = "later"
    GONE = "gone"


class Files(Protocol):
    """Where shoppers' voice notes and pictures are kept."""

    async def keep(self, shop: ShopId, lane: LaneId, wanted: WantedFile) -> FileOutcome:
        """Fetch and store within 5 s; never raises for what a provider may do. Done twice is the same."""
        ...

    async def forget(self, lane: LaneId) -> None:
        """Remove all that was kept of a conversation."""
        ...


class Shops(Protocol):
    """Shops by id, at most some seconds old."""

    async def get(self, shop: ShopId) -> Shop | None: ...


class HealthBoard(Protocol):
    """What all processes know of channel accounts and fault domains. May raise ``Unavailable``."""

    async def read(self, keys: Sequence[str]) -> Mapping[str, AccountHealth]:
        """Health by account or domain key; unknown keys are healthy. Keys of forces: ``<shop>/<channel>``.

        A domain that an operator has forced is read as forced.
        """
        ...

    async def observe(self, key: str, evidence: Evidence) -> Transition | None:
        """Add evidence in one step; the change of state it caused, or None."""
        ...

    async def force(self, shop: ShopId, channel: ChannelName, state: str, reason: str, now: float) -> None:
        """``up``, ``down`` or ``auto`` for one shop."""
        ...

    async def may_probe(self, key: str, every: float) -> bool:
        """True at most once in ``every`` seconds over all processes."""
        ...


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An outage that lasts. ``detected_at``: Unix seconds."""

    id: str
    shop_id: ShopId
    channel: ChannelName
    detected_at: float


@dataclass(frozen=True, slots=True)
class DueAlert:
    """A message that is owed to a person of the shop."""

    id: str
    shop_id: ShopId
    address: Address
    text: str
    attempts: int


class Outages(Protocol):
    """The ledger's book of outages. Every method may raise ``Unavailable``; done twice is the same."""

    async def shops(self) -> Sequence[ShopId]: ...

    async def lasting(self) -> Sequence[OpenIncident]:
        """All outages that have not ended, of all shops."""
        ...

    async def begin(self, shop: Shop, outage: Outage, roads: Sequence[ChannelName], now: float) -> None:
        """Open the incident (or an ended one again, on a relapse), tell the feed, owe the alerts: all at once."""
        ...

    async def end(self, shop: Shop, incident: OpenIncident, now: float) -> None:
        """Close it, tell the feed, owe the alerts of its end: all at once."""
        ...

    async def broken(self, shop: Shop, channel: ChannelName, since: float, now: float) -> None:
        """Owe the owner an alert about an account that only a person can mend, once for that ``since``."""
        ...

    async def recount(self, now: float, settling: bool) -> None:
        """Count anew what lasting incidents came to; ``settling``: also those that ended within a day."""
        ...

    async def waiting_for_person(self, now: float) -> None:
        """Owe alerts for shoppers who have waited ten minutes for a person, read from the feed."""
        ...

    async def candidates(
        self, incident: OpenIncident, tier: Tier, wanted: Road, unwanted: Road, now: float, most: int
    ) -> Sequence[tuple[Candidate, str]]:
        """Who has not been told of this incident, first first, with the number of the order it is about, or "".

        ``wanted``: at least one of these roads, 0 for any; ``unwanted``: none of these.
        """
        ...

    async def asked(self, incident: OpenIncident, told: Sequence[Candidate], road: ChannelName | None, now: float) -> None:
        """Their lanes have been asked."""
        ...

    async def due_alerts(self, now: float, most: int) -> Sequence[DueAlert]: ...

    async def alert_leaves(self, alert: DueAlert, now: float, again_at: float) -> None:
        """Before it is sent: if this process dies now, it is tried again then."""
        ...

    async def alert_ended(
        self, alert: DueAlert, status: str, now: float, detail: str, provider_id: str | None, cost_xof: int
    ) -> None:
        """``sent`` or ``failed``."""
        ...

    async def alert_waits(self, alert: DueAlert, until: float, detail: str) -> None: ...


class Meter(Protocol):
    """Rates and money shared by all processes. May raise ``Unavailable``."""

    async def places(self, key: str, per_second: float, most: int) -> int:
        """How many of ``most`` may go now; those places are taken. At most a second's worth gathers."""
        ...

    async def spend(self, key: str, amount: int, limit: int | None) -> float:
        """0.0 when the amount was spent, else seconds after which to try again. ``limit``: in any hour; None: none."""
        ...

    async def spent(self, key: str) -> int:
        """What was spent in the last hour."""
        ...


class Orders(Protocol):
    """The one write an action makes: order, stock and event in one ledger transaction."""

    async def place(self, request: OrderRequest) -> PlaceResult: ...


@dataclass(frozen=True, slots=True)
class OrderNews:
    """An order was placed or changed. ``status``, ``payment``: None where they did not change."""

    event_id: str
    shop_id: str
    conversation_id: str
    order_id: str
    number: str
    placed: bool
    status: str | None
    payment: str | None
    address: str | None
    """Where the shopper of an order made by API or console is told of it."""
    name: str | None


@dataclass(frozen=True, slots=True)
class ShopNews:
    """A stretch of one shop's feed up to number ``seq``, and what of it is news of orders."""

    shop_id: str
    seq: int
    news: tuple[OrderNews, ...]


class OrderFeed(Protocol):
    """The feed as far as it concerns orders, with the place up to which it was told. May raise ``Unavailable``."""

    async def unread(self) -> Sequence[ShopNews]: ...

    async def told(self, shop_id: str, seq: int) -> None: ...


class CheckoutProvider(Protocol):
    """A shop's account at a payment provider. Never raises for what a provider may do; each call ends within 5 s."""

    async def open(self, checkout: Checkout) -> Session | NoSession:
        """Open a session with a link. Asked again for the same checkout it is the same session."""
        ...

    async def look(self, session_id: str) -> Session | NoSession:
        """What the provider's own record says."""
        ...


class CheckoutProviders(Protocol):
    """All payment accounts of all shops."""

    def of(self, shop: ShopId, provider: str) -> CheckoutProvider | None: ...


class Checkouts(Protocol):
    """The ledger's book of payment links. Every method may raise ``Unavailable``; times are Unix seconds."""

    async def begin(self, now: float) -> int:
        """Want a link for each new order that is to be paid by one, once; how many shops had news."""
        ...

    async def due(self, now: float, most: int) -> Sequence[Checkout]: ...

    async def leaves(self, checkout: Checkout, again_at: float | None) -> None:
        """Before the provider is asked: if this process dies now, it is asked again then. None: not again."""
        ...

    async def waits(self, checkout: Checkout, until: float) -> None: ...

    async def opened(self, checkout: Checkout, session: Session, now: float) -> None: ...

    async def failed(self, checkout: Checkout, reason: str, now: float) -> None: ...

    async def by_hand(self, checkout: Checkout) -> Mapping[str, str]:
        """``{to, instructions}`` of the shop for the same means."""
        ...

    async def told(self, checkout: Checkout, now: float) -> None: ...


class Settling(Protocol):
    """Where what a provider tells of a session is written down, once. May raise ``Unavailable``."""

    async def settle(self, shop: str, provider: str, session: Session) -> Settled: ...


class Records(Protocol):
    """What must outlive Redis. Every method may raise ``Unavailable``."""

    async def latest(self, lane: LaneId) -> Conversation | None:
        """The conversation as the ledger last knew it, to rebuild an empty lane."""
        ...

    async def owner(self, shop: ShopId, address: Address) -> LaneId | None:
        """The conversation that an address was proved to belong to."""
        ...

    async def heard(self, lane: LaneId, since: float) -> Sequence[tuple[str, float]]:
        """What the transcript has of the shopper's messages: provider id and when it came (Unix seconds)."""
        ...

    async def order_of(self, basket_id: str) -> tuple[str, str] | None:
        """Id and number of the order that a basket became."""
        ...

    async def recent(self, since: float, after: str, most: int) -> Sequence[Conversation]:
        """Conversations with a message since then (Unix seconds) whose id comes after ``after``, by id."""
        ...

    async def write(self, entries: Sequence[tuple[str, Entry]]) -> None:
        """Project journal entries (stream position, entry). Writing one twice changes nothing."""
        ...


class Losses(Protocol):
    """Which partitions of the store have lost what they held. May raise ``Unavailable``."""

    async def emptied(self) -> Sequence[int]:
        """Partitions that were never marked as whole, or have lost that mark with all else."""
        ...

    async def whole(self, partitions: Sequence[int]) -> None:
        """Mark them: what the ledger knows of them has been asked for."""
        ...


class Codec(Protocol):
    """Bytes for the store, and back."""

    def encode_item(self, item: Item) -> bytes: ...

    def decode_item(self, data: bytes) -> Item: ...

    def encode_conversation(self, conversation: Conversation) -> bytes: ...

    def decode_conversation(self, data: bytes) -> Conversation: ...

    def encode_entry(self, entry: Entry) -> bytes: ...

    def conversation_to_json(self, conversation: Conversation) -> dict[str, Any]: ...
