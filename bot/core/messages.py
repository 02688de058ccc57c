"""What flows between shopper and shop, in words of no provider: received, reported, replies, choices.

Vendor words stay in ``channels/``; an unknown word becomes UNKNOWN with the raw value beside it, never an exception.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from bot.core.addresses import Address, ChannelName, ShopId

MessageId = NewType("MessageId", str)
"""``<lane>-<n>``: names its lane, so a status callback needs no look-up."""


class Awaiting(StrEnum):
    """What the bot asked for last (REST ``awaiting``)."""

    PRODUCT = "product"
    OPTION = "option"
    QUANTITY = "quantity"
    COMMUNE = "commune"
    LANDMARK = "landmark"
    NAME = "name"
    PHONE = "phone"
    PAYMENT = "payment"
    CONFIRMATION = "confirmation"
    LATE_CONFIRMATION = "late_confirmation"
    OTHER = "other"


class MessageStatus(StrEnum):
    """A transcript item's status (REST ``status``)."""

    RECEIVED = "received"
    WAITING = "waiting"
    HELD = "held"
    SENDING = "sending"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"


class Purpose(StrEnum):
    """Why a reply is sent; it decides whether an unknown outcome is repeated and what quiet hours may hold."""

    ANSWER = "answer"
    QUESTION = "question"
    ORDER_CONFIRMATION = "order_confirmation"
    MOVE_NOTICE = "move_notice"
    STATUS_CHANGE = "status_change"
    VENDOR = "vendor"
    REMINDER = "reminder"
    REACH_OUT = "reach_out"


UNASKED = frozenset({Purpose.REMINDER, Purpose.REACH_OUT})
"""Nobody waits for these: quiet hours, budget and STOP hold them, and they are never said twice."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing a shopper can pick.

    ``value`` is what the dialogue understands: ``confirm``, ``deny`` or ``slot=value`` (``commune=Cocody``).
    Titles longer than a channel's limit are cut by rendering, never here.
    """

    value: str
    title: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file or place beside a message. ``kind``: image, audio, video, document, location, contact, sticker."""

    kind: str
    url: str | None = None
    content_type: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """Something to say to the shopper, in no channel's form. The channel is chosen when it is sent."""

    text: str
    purpose: Purpose = Purpose.ANSWER
    choices: tuple[Choice, ...] = ()
    awaiting: Awaiting | None = None
    """Set on the reply that asks the pending question."""
    image_url: str | None = None
    """A whole address, or a path below our public address."""
    expires_at: float | None = None
    only_on: ChannelName | None = None
    """Never sent anywhere else (told on the channel that proved a link; welcome on the one just linked)."""
    author: str = "bot"
    """``bot``, ``vendor`` or ``system``."""
    gone: ChannelName | None = None
    """The channel whose outage it tells of, unasked: dropped when the shopper would read it there."""
    asks: str | None = None
    """The question with which ``text`` ends, where more stands before it: put again without the rest."""
    contact_title: str = ""
    """On the button that shares the shopper's own number, where a channel has one and the reply no choices."""

    @property
    def lead(self) -> str:
        """What is said before the question; all of it when it asks nothing."""
        question = self.question
        return self.text.removesuffix(question).rstrip() if question else self.text

    @property
    def question(self) -> str:
        """The question alone, or an empty text."""
        if self.awaiting is None:
            return ""
        return self.text if self.asks is None else self.asks


@dataclass(frozen=True, slots=True)
class Received:
    """One message from a shopper, as a channel parsed it."""

    id: str
    """Provider's message id, prefixed by its kind: the key by which repeats are dropped."""
    shop_id: ShopId
    channel: ChannelName
    address: Address
    reply_to: str
    """The provider's form of the address, exactly as received (``whatsapp:+22507000001``, a chat id)."""
    received_at: float
    text: str = ""
    payload: str | None = None
    """A tapped button's signed payload (``choices.sign``), unread."""
    quoted_provider_id: str | None = None
    written_at: float | None = None
    """When the shopper wrote it, where the provider says so (Telegram; catch-up listing)."""
    profile_name: str | None = None
    external_id: Address | None = None
    """WhatsApp's ``ExternalUserId`` when the phone number is known as well."""
    link_token: str | None = None
    """Telegram's ``/start <token>``."""
    shared_phone: str | None = None
    """E.164 number of a shared contact card that is provably the sender's own."""
    attachments: tuple[Attachment, ...] = ()
    caught_up: bool = False
    """Found by the catch-up listing, not by a webhook."""
    opt_out: str | None = None
    """``STOP`` or ``START`` when the provider itself matched an opt-out word."""
    edited: bool = False
    """The shopper changed a message that was sent before."""

    @property
    def place(self) -> tuple[float, float] | None:
        """Latitude and longitude of a location in it, or None."""
        for attachment in self.attachments:
            if attachment.latitude is not None and attachment.longitude is not None:
                return attachment.latitude, attachment.longitude
        return None


@dataclass(frozen=True, slots=True)
class Reported:
    """A provider's word on one of our messages; joined, never assigned."""

    id: str
    message_id: MessageId | None
    provider_id: str
    status: MessageStatus
    at: float
    error_code: str | None = None
    raw_status: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """What a person or program asks of a conversation: travels through the lane like any message.

    ``name``: ``say`` (text as the vendor), ``take_over``, ``release``, ``link_telegram`` (arguments: address,
    reply_to, nonce), ``page_opened``, ``erase``, ``order_placed`` and ``order_updated`` (``flows.tell_orders``).
    """

    id: str
    name: str
    at: float
    arguments: tuple[tuple[str, str], ...] = ()

    def argument(self, name: str) -> str | None:
        return dict(self.arguments).get(name)


Item = Received | Reported | Command
"""What can be put into a lane. Each has an ``id`` that is unique for its cause."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can carry; ``rendering`` obeys it."""

    max_text: int
    max_choice_text: int = 0
    """Limit of a text that carries buttons or rows, where it is a smaller one; 0 for the same."""
    max_buttons: int = 0
    max_button_title: int = 0
    max_list_rows: int = 0
    max_row_title: int = 0
    max_row_description: int = 0
    images: bool = False
    pictured_choices: bool = False
    """May a picture and buttons be one message?"""
    gsm7: bool = False
    """Rewrite to GSM 03.38 and count segments."""
    two_way: bool = True
    receipts: bool = True
    """Does the provider tell ``sent`` and ``delivered`` apart later?"""
    look_up: bool = True
    """Can the provider be asked about one message?"""
    validity_period: bool = False
    own_contact: bool = False
    """Has it a button that shares the shopper's own number, proved by the provider?"""


@dataclass(frozen=True, slots=True)
class Part:
    """One message as a channel will send it: text, and at most one of buttons or list rows."""

    text: str
    buttons: tuple[tuple[str, str], ...] = ()
    """(payload, title)"""
    rows: tuple[tuple[str, str, str], ...] = ()
    """(payload, title, description)"""
    list_label: str = ""
    image_url: str | None = None
    segments: int | None = None
    contact_title: str = ""
    """On a button that shares the shopper's own number."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A reply in a channel's form; ``loss`` names what could not be expressed."""

    parts: tuple[Part, ...]
    put_as_choice: bool
    """True when a number or a tap answers it on this channel."""
    loss: tuple[str, ...] = field(default=())

    @property
    def text(self) -> str:
        """The words as the shopper sees them, for the transcript."""
        return "\n".join(part.text for part in self.parts if part.text)
