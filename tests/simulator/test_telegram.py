"""The Bot API: driven by python-telegram-bot, answers and updates held against the published API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
    Update,
)
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter, TimedOut

from tests.simulator import schemas
from tests.simulator.stage import Stage

CHOICE = {"inline_keyboard": [[{"text": "Oui", "callback_data": "s.1"}, {"text": "Site", "url": "https://x.ci"}]]}


@asynccontextmanager
async def official(stage: Stage, token: str | None = None) -> AsyncIterator[Bot]:
    bot = Bot(token or stage.bot().token, base_url=f"{stage.url}/bot")
    # Not `async with bot`: that calls getMe first, which some of these tests want to see fail.
    await bot._request[1].initialize()
    try:
        yield bot
    finally:
        await bot._request[1].shutdown()


async def updates(stage: Stage, count: int = 1) -> list[Any]:
    await stage.until(lambda: len(stage.door.at("/webhooks/telegram")) >= count)
    return [one.json for one in stage.door.at("/webhooks/telegram")]


async def test_results_match_the_published_api(on_stage: Stage) -> None:
    chat_id = await on_stage.start_telegram()
    _, sent = await on_stage.telegram("sendMessage", chat_id=chat_id, text="Bonjour https://x.ci/a", reply_markup=CHOICE)
    number = sent["result"]["message_id"]
    calls: list[tuple[str, dict[str, Any]]] = [
        ("getMe", {}), ("getWebhookInfo", {}), ("sendChatAction", {"chat_id": chat_id, "action": "typing"}),
        ("sendPhoto", {"chat_id": chat_id, "photo": "https://x.ci/a.jpg", "caption": "Robe"}),
        ("sendMessage", {"chat_id": chat_id, "text": "/aide +2250700000001"}), ("getChat", {"chat_id": chat_id}),
        ("editMessageText", {"chat_id": chat_id, "message_id": number, "text": "Changé"}),
        ("editMessageReplyMarkup", {"chat_id": chat_id, "message_id": number, "reply_markup": CHOICE}),
        ("deleteMessage", {"chat_id": chat_id, "message_id": number}),
        ("setWebhook", {"url": on_stage.door.url + "/webhooks/telegram/robe", "secret_token": "s"}),
        ("deleteWebhook", {}),
    ]
    for method, params in calls:
        status, answer = await on_stage.telegram(method, **params)
        assert (method, status, answer["ok"]) == (method, 200, True)
        schemas.telegram_result(method, answer["result"])


async def test_updates_match_the_published_api_and_carry_the_secret(on_stage: Stage) -> None:
    chat_id = await on_stage.start_telegram()
    _, sent = await on_stage.telegram("sendMessage", chat_id=chat_id, text="Oui ?", reply_markup=CHOICE)
    number = sent["result"]["message_id"]
    await on_stage.shown("Oui ?", "telegram")
    acts: list[dict[str, Any]] = [
        {"text": "2 robes"}, {"callback": {"message_id": number, "data": "s.1"}}, {"contact": True},
        {"location": {"latitude": 5.36, "longitude": -3.99}}, {"photo": True, "caption": "ça"},
        {"text": "celle-ci", "reply_to": number}, {"edit": {"message_id": number + 1, "text": "3 robes"}},
        {"block": True},
    ]
    for act in acts:
        await on_stage.sim("telegram", person="aya", shop="robe", **act)
    found = await updates(on_stage, len(acts))
    for update in found:
        schemas.telegram("Update", update)
        assert Update.de_json(update, None) is not None
    ids = [update["update_id"] for update in found]
    assert ids == list(range(ids[0], ids[0] + len(acts)))
    kinds = [next(key for key in update if key != "update_id") for update in found]
    assert kinds == ["message", "callback_query", "message", "message", "message", "message",
                     "edited_message", "my_chat_member"]
    assert found[2]["message"]["contact"]["user_id"] == chat_id
    secrets = {one.headers["X-Telegram-Bot-Api-Secret-Token"] for one in on_stage.door.heard}
    assert secrets == {on_stage.bot().secret}


async def test_official_client_sends_edits_and_answers(on_stage: Stage) -> None:
    chat_id = await on_stage.start_telegram()
    async with official(on_stage) as bot:
        keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Oui", callback_data="s.1")]])
        sent = await bot.send_message(chat_id, "On confirme ?", reply_markup=keyboard)
        await on_stage.shown("On confirme ?", "telegram")
        await on_stage.sim("telegram", person="aya", shop="robe",
                           callback={"message_id": sent.message_id, "data": "s.1"})
        query = Update.de_json((await updates(on_stage))[0], bot).callback_query
        assert query is not None and query.data == "s.1"
        assert await query.answer("Noté")
        await bot.edit_message_reply_markup(chat_id, sent.message_id, reply_markup=None)
        photo = await bot.send_photo(chat_id, "https://x.ci/robe.jpg", caption="Robe")
        assert photo.photo and photo.caption == "Robe"
        await bot.send_photo(chat_id, b"\x89PNG not read", caption="Fichier")
        assert (await bot.get_me()).is_bot
        assert await bot.set_webhook(on_stage.door.url + "/webhooks/telegram/robe", secret_token="abc")
        assert (await bot.get_webhook_info()).pending_update_count == 0
    assert [m["inline"] for m in await on_stage.phone("telegram") if m["text"] == "On confirme ?"] == [[]]


async def test_shared_contact_comes_from_its_keyboard(on_stage: Stage) -> None:
    chat_id = await on_stage.start_telegram()
    async with official(on_stage) as bot:
        await bot.send_message(chat_id, "Votre numéro ?", reply_markup=ReplyKeyboardMarkup(
            [[KeyboardButton("Partager", request_contact=True)]], one_time_keyboard=True))
    state = await on_stage.get("/sim/state", person="aya", shop="robe")
    assert state["telegram"]["keyboard"] == [[{"text": "Partager", "request_contact": True}]]
    await on_stage.sim("telegram", person="aya", shop="robe", contact="yao")
    contact = (await updates(on_stage))[0]["message"]["contact"]
    assert contact["phone_number"] == "2250100000003" and "user_id" not in contact


@pytest.mark.parametrize(("method", "params", "error", "text"), [
    ("send_message", {"chat_id": 1, "text": "x"}, BadRequest, "(?i)chat not found"),
    ("send_message", {"chat_id": "aya", "text": ""}, BadRequest, "text is empty"),
    ("send_message", {"chat_id": "aya", "text": "x" * 4097}, BadRequest, "too long"),
    ("send_message", {"chat_id": "aya", "text": "x", "parse_mode": "Wiki"}, BadRequest, "parse_mode"),
    ("answer_callback_query", {"callback_query_id": "1"}, BadRequest, "(?i)query is too old"),
    ("set_webhook", {"url": "http://example.com/x"}, BadRequest, "(?i)https"),
    ("edit_message_text", {"chat_id": "aya", "message_id": 999, "text": "x"}, BadRequest, "not found"),
])
async def test_bad_call_gets_telegrams_words(
    on_stage: Stage, method: str, params: dict[str, Any], error: type[Exception], text: str
) -> None:
    chat_id = await on_stage.start_telegram()
    async with official(on_stage) as bot:
        call: Callable[..., Any] = getattr(bot, method)
        with pytest.raises(error, match=text):
            await call(**{name: chat_id if value == "aya" else value for name, value in params.items()})


async def test_callback_data_over_64_bytes_is_refused(on_stage: Stage) -> None:
    chat_id = await on_stage.start_telegram()
    markup = {"inline_keyboard": [[{"text": "é", "callback_data": "é" * 33}]]}
    status, answer = await on_stage.telegram("sendMessage", chat_id=chat_id, text="x", reply_markup=markup)
    assert (status, answer["description"]) == (400, "Bad Request: BUTTON_DATA_INVALID")


async def test_unchanged_edit_is_refused(on_stage: Stage) -> None:
    chat_id = await on_stage.start_telegram()
    async with official(on_stage) as bot:
        sent = await bot.send_message(chat_id, "x")
        with pytest.raises(BadRequest, match=r"not modified"):
            await bot.edit_message_text("x", chat_id, sent.message_id)


async def test_bot_cannot_write_first(on_stage: Stage) -> None:
    async with official(on_stage) as bot:
        with pytest.raises(Forbidden, match=r"(?i)can't initiate conversation"):
            await bot.send_message(on_stage.aya.telegram_id, "coucou")


async def test_wrong_token_is_401(on_stage: Stage) -> None:
    async with official(on_stage, "123:" + "a" * 35) as bot:
        with pytest.raises(InvalidToken):
            await bot.get_me()


async def test_deep_link_opens_the_bot_by_its_name(on_stage: Stage) -> None:
    opened = await on_stage.sim("telegram", person="aya", bot="exemple_sac_bot", start="tok_en-1")
    assert opened["shop"] == "sac"
    message = (await updates(on_stage))[0]["message"]
    assert (message["text"], message["entities"][0]["type"]) == ("/start tok_en-1", "bot_command")


async def test_update_is_repeated_until_it_is_taken_and_the_next_waits(on_stage: Stage) -> None:
    on_stage.door.answers = [web.Response(status=503), "cut", web.Response(status=500)]
    await on_stage.sim("telegram", person="aya", shop="robe", start="")
    await on_stage.sim("telegram", person="aya", shop="robe", text="deux")
    found = await updates(on_stage, 5)
    assert [u["message"]["text"] for u in found] == ["/start"] * 4 + ["deux"]
    assert len({u["update_id"] for u in found}) == 2


async def test_more_than_the_burst_is_flood(on_stage: Stage) -> None:
    chat_id = await on_stage.start_telegram()
    answers = [await on_stage.telegram("sendMessage", chat_id=chat_id, text=f"n{n}") for n in range(25)]
    refused = [answer for status, answer in answers if status == 429]
    assert refused
    assert refused[0]["parameters"]["retry_after"] >= 1


@pytest.mark.parametrize(("fault", "options", "error"), [
    ("reject", {}, NetworkError), ("reject", {"status": 500}, NetworkError),
    ("throttle", {"retry_after": 3}, RetryAfter), ("blocked", {}, Forbidden),
])
# The library announces a change of its own; the value is not used here.
@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
async def test_fault_is_the_error_the_client_knows(
    on_stage: Stage, fault: str, options: dict[str, Any], error: type[Exception]
) -> None:
    chat_id = await on_stage.start_telegram()
    await on_stage.fault("telegram", fault, **options)
    async with official(on_stage) as bot:
        with pytest.raises(error):
            await bot.send_message(chat_id, "x")
        await on_stage.fault("telegram", fault, on=False)
        assert await bot.send_message(chat_id, "x")


@pytest.mark.parametrize("deliver", [True, False])
async def test_timeout_delivers_or_not(on_stage: Stage, deliver: bool) -> None:
    chat_id = await on_stage.start_telegram()
    await on_stage.fault("telegram", "timeout", deliver=deliver)
    async with official(on_stage) as bot:
        with pytest.raises(TimedOut):
            await bot.send_message(chat_id, "perdu ?", read_timeout=0.1)
    texts = [m["text"] for m in await on_stage.phone("telegram")]
    assert ("perdu ?" in texts) is deliver


async def test_silent_telegram_says_yes_and_shows_nothing(on_stage: Stage) -> None:
    chat_id = await on_stage.start_telegram()
    await on_stage.fault("telegram", "silent_accepted")
    assert (await on_stage.telegram("sendMessage", chat_id=chat_id, text="jamais"))[0] == 200
    await on_stage.fault("telegram", "silent_accepted", on=False)
    await on_stage.telegram("sendMessage", chat_id=chat_id, text="ensuite")
    await on_stage.shown("ensuite", "telegram")
    assert "jamais" not in [m["text"] for m in await on_stage.phone("telegram")]


async def test_slow_telegram_still_answers(on_stage: Stage) -> None:
    chat_id = await on_stage.start_telegram()
    await on_stage.fault("telegram", "slow", seconds=0.05)
    assert (await on_stage.telegram("sendMessage", chat_id=chat_id, text="x"))[0] == 200


async def test_lost_update_never_comes(on_stage: Stage) -> None:
    await on_stage.start_telegram()
    await on_stage.fault("telegram", "lost_inbound")
    await on_stage.write("perdu", "telegram")
    await on_stage.fault("telegram", "lost_inbound", on=False)
    await on_stage.write("reçu", "telegram")
    assert [u["message"]["text"] for u in await updates(on_stage)] == ["reçu"]


async def test_late_flood_holds_both_ways(on_stage: Stage) -> None:
    chat_id = await on_stage.start_telegram()
    await on_stage.fault("telegram", "late_flood")
    assert (await on_stage.telegram("sendMessage", chat_id=chat_id, text="retenu"))[0] == 200
    await on_stage.write("un", "telegram")
    await on_stage.write("deux", "telegram")
    await asyncio.sleep(0)
    assert on_stage.door.heard == []
    await on_stage.fault("telegram", "late_flood", on=False)
    assert [u["message"]["text"] for u in await updates(on_stage, 2)] == ["un", "deux"]
    await on_stage.shown("retenu", "telegram")


@pytest.mark.parametrize(("fault", "times"), [("twice", 2), ("thrice", 3)])
async def test_updates_come_again(on_stage: Stage, fault: str, times: int) -> None:
    await on_stage.start_telegram()
    await on_stage.fault("telegram", fault)
    await on_stage.write("oui", "telegram")
    found = await updates(on_stage, times)
    assert len(found) == times and len({u["update_id"] for u in found}) == 1
