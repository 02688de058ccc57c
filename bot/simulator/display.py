"""What a phone shows, as plain data: the page draws it and the tests judge by it."""

from __future__ import annotations

from typing import Any

from bot.simulator.phones import Person, TelegramMessage, TwilioMessage, World

#: The shopper's own ticks: still on the phone (or held on the way), received by the provider.
_CLOCK, _TWO = "clock", "two"


def messages_of(
    world: World, person: Person, channel: str | None = None, shop_id: str | None = None, shown: bool = True
) -> list[dict[str, Any]]:
    """List a phone's messages, oldest first; `direction` is the shop's: `in` is what the shopper wrote.

    With `shown=False` also those that have not arrived.
    """
    items = []
    for message in world.of_person(person.id):
        wanted = channel in (None, message.channel) and shop_id in (None, message.shop_id)
        if wanted and (message.inbound or message.shown is not None or not shown):
            items.append(_twilio(message))
    if channel in (None, "telegram"):
        for (shop, owner), chat in world.chats.items():
            if owner == person.id and shop_id in (None, shop):
                items += [_telegram(m) for m in chat.messages
                          if not m.deleted and (not m.from_bot or m.shown is not None or not shown)]
    # The shop's words stand where they arrived, the shopper's where they were typed.
    return sorted(items, key=lambda item: float((item["direction"] == "out" and item["shown_at"]) or item["at"]))


def telegram_state(world: World, person: Person, shop_id: str) -> dict[str, Any]:
    """Describe one Telegram chat beside its messages: started, blocked, keyboard, typing, notice."""
    chat = world.chat(shop_id, person.id)
    return {
        "started": chat.started, "blocked": chat.blocked, "keyboard": chat.keyboard,
        "placeholder": chat.keyboard_placeholder, "notice": chat.notice,
        "typing": chat.typing_until > world.clock.now(),
    }


def _twilio(m: TwilioMessage) -> dict[str, Any]:
    card = m.card
    return {
        "id": m.sid, "channel": m.channel, "shop": m.shop_id, "direction": "in" if m.inbound else "out",
        "from": m.sender, "to": m.to, "text": m.body, "at": m.created, "shown_at": m.shown,
        "status": m.status, "error_code": m.error_code, "segments": m.num_segments,
        "ticks": _own_ticks(m) if m.inbound else None,
        "history": [{"status": status, "at": at} for status, at in m.history],
        "buttons": card.buttons if card else [], "list_button": card.list_button if card else "",
        "rows": card.rows if card else [],
        "media": [{"url": url, "type": kind} for url, kind in m.media],
        "location": _location(m), "quotes": m.extra.get("OriginalRepliedMessageSid"),
        "pending": not m.inbound and m.shown is None,
    }


def _own_ticks(m: TwilioMessage) -> str:
    return _TWO if m.status == "received" else _CLOCK


def _location(m: TwilioMessage) -> dict[str, str] | None:
    if "Latitude" not in m.extra:
        return None
    return {"latitude": m.extra["Latitude"], "longitude": m.extra["Longitude"],
            "label": m.extra.get("Label", ""), "address": m.extra.get("Address", "")}


def _telegram(m: TelegramMessage) -> dict[str, Any]:
    return {
        "id": m.message_id, "channel": "telegram", "shop": m.shop_id,
        "direction": "out" if m.from_bot else "in", "text": m.text or m.caption, "at": m.date,
        "shown_at": m.shown, "ticks": None if m.from_bot else (_TWO if m.shown is not None else _CLOCK),
        "inline": m.inline or [], "photo": m.photo, "contact": m.contact, "location": m.location,
        "edited": m.edited is not None, "pending": m.from_bot and m.shown is None,
    }
