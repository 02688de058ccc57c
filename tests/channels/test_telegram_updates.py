"""Telegram's updates. One table of cases; the runner adds its own checks on each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.channels import read
from bot.channels.accounts import TelegramAccount
from bot.channels.webhooks import Forbidden, Ignored, Malformed, Parsed, Reading, WebhookRequest
from bot.core.addresses import Address, ChannelName, Scheme, ShopId
from bot.core.messages import Attachment, Command, Received

SPEC = json.loads((Path(__file__).parent.parent / "specs" / "telegram_bot_api.json").read_text(encoding="utf-8"))
ACCOUNT = TelegramAccount("7000000001:AAAA", "s3cret", "awa_bot")
SHOP = ShopId("awa")
CHAT = {"id": 4242, "type": "private", "first_name": "Awa"}
AWA = {"id": 4242, "is_bot": False, "first_name": "Awa", "last_name": "K.", "language_code": "fr"}
DATE = 1_790_000_000


def message(**content: Any) -> dict[str, Any]:
    return {"message_id": 9, "from": AWA, "chat": CHAT, "date": DATE} | content


def received(**changes: Any) -> Received:
    fields: dict[str, Any] = {
        "id": "tg:77", "shop_id": SHOP, "channel": ChannelName.TELEGRAM, "address": Address(Scheme.TELEGRAM, "4242"),
        "reply_to": "4242", "received_at": 1000.0, "written_at": float(DATE), "profile_name": "Awa K.",
    }
    return Received(**(fields | changes))


PHOTO = {"file_id": "small", "file_unique_id": "s", "width": 90, "height": 90}
FILE = {"file_id": "F1", "file_unique_id": "u"}
OWN = {"phone_number": "2250700000001", "first_name": "Awa", "user_id": 4242}
LINK = "AbC_-" * 9
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("a text", {"message": message(text="2 pagnes")}, {"text": "2 pagnes"}),
    ("an edited text", {"edited_message": message(text="3 pagnes", edit_date=DATE + 5)},
     {"text": "3 pagnes", "edited": True}),
    ("an answer to one of ours", {"message": message(text="oui", reply_to_message=message(message_id=5, text="?"))},
     {"text": "oui", "quoted_provider_id": "4242:5"}),
    ("a start link", {"message": message(text=f"/start {LINK}")}, {"link_token": LINK}),
    ("a start without a token is what was written", {"message": message(text="/start")}, {"text": "/start"}),
    ("a token with foreign letters is no token", {"message": message(text="/start a.b")}, {"text": "/start a.b"}),
    ("a command is text", {"message": message(text="/confirm_order")}, {"text": "/confirm_order"}),
    ("one's own number", {"message": message(contact=OWN)}, {
        "shared_phone": "+2250700000001", "attachments": (Attachment("contact", label="Awa 2250700000001"),),
    }),
    ("somebody else's card proves nothing", {"message": message(contact=OWN | {"user_id": 1})},
     {"attachments": (Attachment("contact", label="Awa 2250700000001"),)}),
    ("a forwarded card without an owner proves nothing",
     {"message": message(contact={"phone_number": "+2250700000001", "first_name": "Awa"})},
     {"attachments": (Attachment("contact", label="Awa +2250700000001"),)}),
    ("a place", {"message": message(location={"latitude": 5.35, "longitude": -4.01})},
     {"attachments": (Attachment("location", latitude=5.35, longitude=-4.01),)}),
    ("a named place", {"message": message(
        location={"latitude": 5.35, "longitude": -4.01},
        venue={"location": {"latitude": 5.35, "longitude": -4.01}, "title": "Pharmacie", "address": "Angré"},
    )}, {"attachments": (Attachment("location", latitude=5.35, longitude=-4.01, label="Pharmacie"),)}),
    ("a picture with words", {"message": message(photo=[PHOTO, PHOTO | {"file_id": "big"}], caption="celle-ci")},
     {"text": "celle-ci", "attachments": (Attachment("image", "telegram-file:big"),)}),
    ("a voice message", {"message": message(voice=FILE | {"duration": 3, "mime_type": "audio/ogg"})},
     {"attachments": (Attachment("audio", "telegram-file:F1", "audio/ogg"),)}),
    ("a sticker", {"message": message(sticker=FILE | {
        "type": "regular", "width": 1, "height": 1, "is_animated": False, "is_video": False,
    })}, {"attachments": (Attachment("sticker", "telegram-file:F1"),)}),
    ("a kind nobody knows is kept under its name", {"message": message(dice={"emoji": "🎲", "value": 4})},
     {"attachments": (Attachment("dice"),)}),
    ("a tapped button", {"callback_query": {
        "id": "cb1", "from": AWA, "chat_instance": "1", "data": "1.2.0.mac",
        "message": message(text="On confirme ?", reply_markup={"inline_keyboard": [
            [{"text": "Oui", "callback_data": "1.2.0.mac"}], [{"text": "Non", "callback_data": "1.2.1.mac"}],
        ]}),
    }}, {"text": "Oui", "payload": "1.2.0.mac", "quoted_provider_id": "4242:9", "written_at": None}),
    ("a tapped button of a message too old to be shown", {"callback_query": {
        "id": "cb1", "from": AWA, "chat_instance": "1", "data": "1.2.0.mac",
        "message": {"message_id": 9, "chat": CHAT, "date": 0},
    }}, {"payload": "1.2.0.mac", "quoted_provider_id": "4242:9", "written_at": None}),
]


def reading(update: dict[str, Any] | bytes, secret: str = "s3cret") -> Reading:
    body = update if isinstance(update, bytes) else json.dumps(update).encode()
    headers = {"x-telegram-bot-api-secret-token": secret}
    request = WebhookRequest("/webhooks/telegram/awa", headers, body, SHOP, 1000.0)
    return read(ChannelName.TELEGRAM, request, ACCOUNT, "https://relais.example.ci")


def problems(value: Any, kind: str) -> list[str]:
    """What in an object is not as the published API says: missing or unknown fields, wrong types."""
    if kind.startswith("Array of "):
        inner = kind.removeprefix("Array of ")
        return ["no list"] if not isinstance(value, list) else [p for v in value for p in problems(v, inner)]
    plain = {"Integer": int, "String": str, "Boolean": bool, "Float": (int, float)}
    if kind in plain:
        return [] if isinstance(value, plain[kind]) else [f"{value!r} is no {kind}"]
    definition = SPEC["types"].get(kind)
    if definition is None or not isinstance(value, dict):
        return [f"{value!r} is no {kind}"]
    if definition.get("subtypes"):
        return [] if any(not problems(value, sub) for sub in definition["subtypes"]) else [f"{value!r} is no {kind}"]
    fields = {field["name"]: field for field in definition["fields"]}
    found = [f"{kind}.{name} is unknown" for name in value if name not in fields]
    found += [f"{kind}.{name} is missing" for name, f in fields.items() if f["required"] and name not in value]
    for name in value.keys() & fields.keys():
        wrong = [problems(value[name], kind) for kind in fields[name]["types"]]
        found += [] if [] in wrong else wrong[0]
    return found


@pytest.mark.parametrize(("claim", "update", "expected"), CASES, ids=[case[0] for case in CASES])
def test_an_update_is_read(claim: str, update: dict[str, Any], expected: dict[str, Any]) -> None:
    update = {"update_id": 77} | update
    assert problems(update, "Update") == []
    callback = update.get("callback_query", {}).get("id")
    assert reading(update) == Parsed((received(**expected),), callback_id=callback)
    assert reading(update, secret="wrong") == Forbidden("bad secret token")
    assert reading(update, secret="") == Forbidden("bad secret token")
    kind = next(key for key in update if key != "update_id")
    assert reading({kind: update[kind]}) == Malformed("no update_id")
    assert isinstance(reading(json.loads(json.dumps(update).replace('"private"', '"group"'))), Ignored)
    assert isinstance(reading(update | {kind: update[kind] | {"from": "odd"}}), Ignored)


def test_the_samples_are_really_compared_with_the_published_api() -> None:
    assert problems({"update_id": 1, "message": {"message_id": "x"}}, "Update") != []
    assert SPEC["types"]["Update"]["fields"] != []


PRESENCE = [("kicked", "blocked"), ("member", "unblocked")]


@pytest.mark.parametrize(("status", "name"), PRESENCE)
def test_blocking_the_bot_is_told(status: str, name: str) -> None:
    update = {"update_id": 77, "my_chat_member": {
        "chat": CHAT, "from": AWA, "date": DATE,
        "old_chat_member": {"status": "member", "user": AWA}, "new_chat_member": {"status": status, "user": AWA},
    }}
    assert reading(update) == Parsed((Command("tg:77", name, 1000.0, (("address", "telegram:4242"),)),))


ODD: list[tuple[Any, Reading]] = [
    ({"update_id": 1, "message_reaction": {"chat": CHAT}}, Ignored("message_reaction")),
    ({"update_id": 1}, Ignored("empty")),
    ({"update_id": 1, "message": "text"}, Ignored("message")),
    ({"update_id": 1, "message": {"text": "x"}}, Malformed("no sender")),
    ({"update_id": 1, "message": {"message_id": 9, "date": DATE, "chat": CHAT, "text": "x"}}, Malformed("no sender")),
    ({"update_id": 1, "message": message(text=["x"])}, Ignored("message of an unknown form")),
    ({"update_id": 1, "message": message(text="x") | {"from": AWA | {"is_bot": True}}}, Ignored("message of a bot")),
    ({"update_id": "1", "message": message(text="x")}, Malformed("no update_id")),
    (b"{", Malformed("not JSON")),
    (b"\xff", Malformed("not JSON")),
    (b"[" * 100_000, Malformed("not JSON")),
    (b"[]", Malformed("no update_id")),
]


@pytest.mark.parametrize(("update", "expected"), ODD)
def test_an_odd_update_is_never_an_exception(update: Any, expected: Reading) -> None:
    assert reading(update) == expected


def test_a_bots_secrets_stay_out_of_repr() -> None:
    assert "AAAA" not in repr(ACCOUNT)
    assert "s3cret" not in repr(ACCOUNT)
    assert ACCOUNT.bot_id == "7000000001"


def test_a_bot_without_a_secret_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="not empty"):
        TelegramAccount("1:A", "", "awa_bot")


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
KEYS = st.sampled_from(sorted({*message(), *CHAT, *AWA, "text", "contact", "location", "photo", "data", "message"}))
ANY_JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=12
)
UPDATES = st.fixed_dictionaries(
    {"update_id": st.integers() | SCALARS},
    optional=dict.fromkeys(("message", "edited_message", "callback_query", "my_chat_member"), ANY_JSON),
)


@given(UPDATES | ANY_JSON)
@example({"update_id": 1, "message": message(text="\ud800")})
@example({"update_id": 10**400, "message": message(text="x")})
@example({"update_id": 1, "message": message(date=10**30, text="x")})
@example({"update_id": 1, "message": message(location={"latitude": float("nan"), "longitude": 1e999})})
def test_no_update_raises_whatever_telegram_would_send(update: Any) -> None:
    body = json.dumps(update).encode()
    for sent in (body, body[:-1]):
        assert isinstance(reading(sent), Parsed | Ignored | Malformed)
