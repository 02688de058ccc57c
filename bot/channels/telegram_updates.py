"""Telegram's updates: verify the secret header and parse. Pure functions; private chats only.

https://core.telegram.org/bots/api#update
"""

from __future__ import annotations

import hmac
import json
import re
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.channels.accounts import TelegramAccount
from bot.channels.webhooks import Forbidden, Ignored, Malformed, Parsed, Reading, WebhookRequest
from bot.core.addresses import Address, ChannelName, Scheme, normalise_msisdn
from bot.core.messages import Attachment, Command, Received

_START = re.compile(r"/start(?:@\w+)?\s+([A-Za-z0-9_-]{1,64})\s*")

# What a message always or often carries beside its content.
_ENVELOPE = frozenset({
    "message_id", "message_thread_id", "from", "date", "chat", "edit_date", "reply_to_message", "quote",
    "external_reply", "forward_origin", "forward_date", "forward_from", "forward_sender_name", "via_bot",
    "media_group_id", "author_signature", "entities", "caption_entities", "link_preview_options",
    "effect_id", "reply_markup", "has_protected_content", "is_from_offline", "show_caption_above_media",
    "has_media_spoiler", "caption", "sender_tag",
})
_FILES = {
    "voice": "audio",
    "audio": "audio",
    "video": "video",
    "video_note": "video",
    "animation": "video",
    "document": "document",
    "sticker": "sticker",
}
_PRESENCE = {"kicked": "blocked", "member": "unblocked"}


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Chat(_Model):
    id: int
    type: str


class _User(_Model):
    id: int
    is_bot: bool = False
    first_name: str = ""
    last_name: str = ""

    @property
    def name(self) -> str | None:
        return " ".join(f"{self.first_name} {self.last_name}".split()) or None


class _File(_Model):
    file_id: str = ""
    mime_type: str | None = None


class _Contact(_Model):
    phone_number: str
    first_name: str = ""
    user_id: int | None = None


class _Location(_Model):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class _Venue(_Model):
    location: _Location
    title: str = ""


class _Button(_Model):
    text: str = ""
    callback_data: str | None = None


class _Keyboard(_Model):
    inline_keyboard: list[list[_Button]] = []


class _Reference(_Model):
    message_id: int


class _Message(_Model):
    message_id: int
    date: int
    chat: _Chat
    sender: _User | None = Field(default=None, alias="from")
    text: str | None = None
    caption: str | None = None
    reply_to_message: _Reference | None = None
    photo: list[_File] = []
    voice: _File | None = None
    audio: _File | None = None
    video: _File | None = None
    video_note: _File | None = None
    animation: _File | None = None
    document: _File | None = None
    sticker: _File | None = None
    contact: _Contact | None = None
    location: _Location | None = None
    venue: _Venue | None = None


class _Tapped(_Model):
    message_id: int
    chat: _Chat
    reply_markup: _Keyboard | None = None


class _Callback(_Model):
    id: str
    sender: _User = Field(alias="from")
    message: _Tapped | None = None
    data: str | None = None


class _Member(_Model):
    status: str


class _Presence(_Model):
    chat: _Chat
    new_chat_member: _Member


def read(request: WebhookRequest, account: TelegramAccount) -> Reading:
    """Verify and parse one update."""
    given = request.headers.get("x-telegram-bot-api-secret-token", "")
    if not hmac.compare_digest(given.encode(), account.secret.encode()):
        return Forbidden("bad secret token")
    try:
        update = json.loads(request.body)
    except (ValueError, RecursionError):
        return Malformed("not JSON")
    number = update.get("update_id") if isinstance(update, dict) else None
    if not isinstance(number, int) or isinstance(number, bool):
        return Malformed("no update_id")
    kind = next((key for key in update if key != "update_id"), "empty")
    content = update.get(kind)
    if kind in _READERS and isinstance(content, dict):
        if "chat" not in content and "from" not in content:
            return Malformed("no sender")
        try:
            return _READERS[kind](content, number, request)
        except ValidationError:
            # Signed, so it is Telegram's; an odd field is kept raw and shown, never refused.
            return Ignored(f"{kind} of an unknown form")
    return Ignored(kind)


def provider_id(chat: str, message_id: int) -> str:
    """Message ids count per chat, so the chat is part of ours."""
    return f"{chat}:{message_id}"


def _read_message(content: dict[str, object], number: int, request: WebhookRequest) -> Reading:
    message = _Message.model_validate(content)
    if message.chat.type != "private":
        return Ignored(f"message in a {message.chat.type}")
    if message.sender is None:
        return Malformed("no sender")
    if message.sender.is_bot:
        return Ignored("message of a bot")
    text = message.text if message.text is not None else message.caption or ""
    start = _START.fullmatch(text)
    chat = str(message.chat.id)
    reply = message.reply_to_message
    return Parsed((
        Received(
            id=f"tg:{number}",
            shop_id=request.shop_id,
            channel=ChannelName.TELEGRAM,
            address=Address(Scheme.TELEGRAM, chat),
            reply_to=chat,
            received_at=request.received_at,
            text="" if start else text,
            quoted_provider_id=provider_id(chat, reply.message_id) if reply else None,
            written_at=float(message.date),
            profile_name=message.sender.name,
            link_token=start[1] if start else None,
            shared_phone=_own_number(message.contact, message.sender),
            attachments=_attachments(message, content),
        ),
    ))


def _read_callback(content: dict[str, object], number: int, request: WebhookRequest) -> Reading:
    callback = _Callback.model_validate(content)
    if callback.message is None or callback.message.chat.type != "private":
        return Ignored("tap outside a private chat")
    chat = str(callback.message.chat.id)
    # A tap has no time of writing: ``message.date`` is when we wrote the buttons.
    received = Received(
        id=f"tg:{number}",
        shop_id=request.shop_id,
        channel=ChannelName.TELEGRAM,
        address=Address(Scheme.TELEGRAM, chat),
        reply_to=chat,
        received_at=request.received_at,
        text=_title(callback),
        payload=callback.data,
        quoted_provider_id=provider_id(chat, callback.message.message_id),
        profile_name=callback.sender.name,
    )
    return Parsed((received,), callback_id=callback.id)


def _read_presence(content: dict[str, object], number: int, request: WebhookRequest) -> Reading:
    presence = _Presence.model_validate(content)
    name = _PRESENCE.get(presence.new_chat_member.status)
    if presence.chat.type != "private" or name is None:
        return Ignored(f"my_chat_member {presence.new_chat_member.status}")
    address = str(Address(Scheme.TELEGRAM, str(presence.chat.id)))
    command = Command(f"tg:{number}", name, request.received_at, (("address", address),))
    return Parsed((command,))


def _read_edited(content: dict[str, object], number: int, request: WebhookRequest) -> Reading:
    """A changed message is marked so; a live location reports each step as an edit, which nobody wrote."""
    reading = _read_message(content, number, request)
    if not isinstance(reading, Parsed):
        return reading
    if "location" in content:
        return Ignored("step of a live location")
    edited = (replace(item, edited=True) for item in reading.items if isinstance(item, Received))
    return Parsed(tuple(edited))


_READERS = {
    "message": _read_message,
    "edited_message": _read_edited,
    "callback_query": _read_callback,
    "my_chat_member": _read_presence,
}


UPDATES = tuple(_READERS)
"""Kinds of update that are read: what ``setWebhook`` asks for."""


def _title(callback: _Callback) -> str:
    """The words on the tapped button, so that the transcript can show them."""
    keyboard = callback.message.reply_markup if callback.message else None
    buttons = [button for row in keyboard.inline_keyboard for button in row] if keyboard else []
    return next((b.text for b in buttons if b.callback_data == callback.data), "")


def _own_number(contact: _Contact | None, sender: _User) -> str | None:
    """A forwarded card has another user_id, or none: then it proves nothing."""
    if contact is None or contact.user_id != sender.id:
        return None
    phone = contact.phone_number
    # Telegram gives the full international number, at times without its "+".
    return normalise_msisdn(phone if phone.startswith(("+", "00")) else f"+{phone}")


def _attachments(message: _Message, content: dict[str, object]) -> tuple[Attachment, ...]:
    found = []
    if message.photo:
        found.append(Attachment("image", url=f"telegram-file:{message.photo[-1].file_id}"))
    for name, kind in _FILES.items():
        file = getattr(message, name)
        # An animation comes with a copy of itself as a document.
        if file is not None and not (name == "document" and message.animation is not None):
            url = f"telegram-file:{file.file_id}"
            found.append(Attachment(kind, url=url, content_type=file.mime_type))
    if message.venue is not None:
        place = message.venue.location
        found.append(Attachment("location", None, None, place.latitude, place.longitude, message.venue.title))
    elif message.location is not None:
        place = message.location
        found.append(Attachment("location", latitude=place.latitude, longitude=place.longitude))
    if message.contact is not None:
        label = f"{message.contact.first_name} {message.contact.phone_number}".strip()
        found.append(Attachment("contact", label=label))
    if not found and message.text is None:
        # A kind this code does not know: kept under Telegram's own word.
        found.append(Attachment(next((key for key in content if key not in _ENVELOPE), "empty")))
    return tuple(found)
