"""Telegram's objects as JSON: users, chats, messages, and the entities found in a text.

https://core.telegram.org/bots/api#available-types
"""

from __future__ import annotations

import re
from typing import Any

from bot.simulator.accounts import TelegramBot
from bot.simulator.phones import Person, TelegramMessage

_COMMAND = re.compile(r"(?:^|(?<=\s))/[A-Za-z0-9_]{1,32}(?:@\w+)?")
_URL = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")
NO_GIFTS = {
    "unlimited_gifts": False, "limited_gifts": False, "unique_gifts": False, "premium_subscription": False,
    "gifts_from_channels": False,
}

_PHONE = re.compile(r"\+\d{10,15}")


def bot_user(bot: TelegramBot) -> dict[str, Any]:
    """Build the User of a bot."""
    return {"id": bot.id, "is_bot": True, "first_name": bot.name, "username": bot.username}


def user(person: Person) -> dict[str, Any]:
    """Build the User of a person."""
    first, _, last = person.name.partition(" ")
    return {"id": person.telegram_id, "is_bot": False, "first_name": first,
            **({"last_name": last} if last else {}), "language_code": "fr"}


def chat(person: Person) -> dict[str, Any]:
    """Build the private Chat with a person."""
    first, _, last = person.name.partition(" ")
    return {"id": person.telegram_id, "first_name": first, **({"last_name": last} if last else {}),
            "type": "private"}


def message(
    bot: TelegramBot, person: Person, m: TelegramMessage, reply_to: TelegramMessage | None = None
) -> dict[str, Any]:
    """Build the Message; a quoted message is not nested a second time."""
    built: dict[str, Any] = {
        "message_id": m.message_id,
        "from": bot_user(bot) if m.from_bot else user(person),
        "chat": chat(person),
        "date": int(m.date),
    }
    if m.edited is not None:
        built["edit_date"] = int(m.edited)
    if reply_to is not None:
        built["reply_to_message"] = message(bot, person, reply_to)
    if m.photo:
        built["photo"] = [
            {"file_id": m.photo_id, "file_unique_id": m.photo_id[:16], "width": 800, "height": 800,
             "file_size": 90_000}
        ]
    if m.caption:
        built["caption"] = m.caption
    if m.text:
        built["text"] = m.text
        if found := entities(m.text):
            built["entities"] = found
    if m.contact is not None:
        built["contact"] = m.contact
    if m.location is not None:
        built["location"] = m.location
    if m.inline is not None:
        built["reply_markup"] = {"inline_keyboard": m.inline}
    return built


def entities(text: str) -> list[dict[str, Any]]:
    """Find commands, links and phone numbers; offsets count UTF-16 units, as Telegram's do."""
    found = []
    for pattern, kind in ((_COMMAND, "bot_command"), (_URL, "url"), (_PHONE, "phone_number")):
        for match in pattern.finditer(text):
            found.append({"offset": _utf16(text[: match.start()]), "length": _utf16(match.group()),
                          "type": kind})
    return sorted(found, key=lambda entity: int(str(entity["offset"])))


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
