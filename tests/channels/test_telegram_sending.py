"""Sending by Telegram: what goes over the wire, what each refusal means, and the pace."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.channels.accounts import TelegramAccount
from bot.channels.pacing import Pace
from bot.channels.telegram import Telegram
from bot.core.failures import Accepted, Certainty, Failure, Refused, Retry, Scope, Unsure
from bot.core.messages import MessageId, Part
from bot.ports import Outgoing
from tests.channels.scripted_provider import Provider, Says

SPEC = json.loads((Path(__file__).parent.parent / "specs" / "telegram_bot_api.json").read_text(encoding="utf-8"))
ACCOUNT = TelegramAccount("7000000001:AAAA", "s3cret", "awa_bot")
TEXT = Outgoing(MessageId("0a" * 10 + "-7"), "4242", Part("Bonjour"))
BUTTONS = replace(TEXT, part=Part("On confirme ?", buttons=(("1.2.0.mac", "Oui"), ("1.2.1.mac", "Non"))))
SENT = Says({"ok": True, "result": {
    "message_id": 5, "date": 1, "chat": {"id": 4242, "type": "private"}, "text": "x",
}})


@pytest.fixture
async def telegram(provider: Provider) -> AsyncIterator[Telegram]:
    channel = Telegram(ACCOUNT, api_url=provider.url, timeout=0.5, pace=Pace(per_chat=1000, overall=1000))
    yield channel
    await channel.close()


def no(code: int, description: str, **parameters: Any) -> Says:
    body = {"ok": False, "error_code": code, "description": description}
    return Says(body | ({"parameters": parameters} if parameters else {}), code)


async def test_a_text_goes_out_as_the_published_method(provider: Provider, telegram: Telegram) -> None:
    provider.says(SENT)
    assert await telegram.send(TEXT) == Accepted("4242:5", final=True)
    (asked,) = provider.asked
    assert asked.path == "/bot7000000001:AAAA/sendMessage"
    assert asked.form == {"chat_id": "4242", "text": "Bonjour"}
    fields = {field["name"]: field["required"] for field in SPEC["methods"]["sendMessage"]["fields"]}
    assert set(asked.form) <= set(fields)
    assert {name for name, required in fields.items() if required} <= set(asked.form)


async def test_choices_are_one_button_a_line(provider: Provider, telegram: Telegram) -> None:
    provider.says(SENT)
    await telegram.send(BUTTONS)
    assert json.loads(provider.asked[0].form["reply_markup"]) == {"inline_keyboard": [
        [{"text": "Oui", "callback_data": "1.2.0.mac"}], [{"text": "Non", "callback_data": "1.2.1.mac"}],
    ]}


async def test_a_picture_carries_words_and_buttons(provider: Provider, telegram: Telegram) -> None:
    provider.says(SENT)
    await telegram.send(replace(BUTTONS, part=replace(BUTTONS.part, image_url="https://r.ci/1.jpg")))
    (asked,) = provider.asked
    assert asked.path.endswith("/sendPhoto")
    assert (asked.form["photo"], asked.form["caption"]) == ("https://r.ci/1.jpg", "On confirme ?")
    assert set(asked.form) <= {field["name"] for field in SPEC["methods"]["sendPhoto"]["fields"]}


async def test_a_payload_too_long_for_a_button_is_our_bug(telegram: Telegram) -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        await telegram.send(replace(TEXT, part=Part("x", buttons=(("p" * 65, "Oui"),))))


NOS = [
    ("blocked by the shopper", no(403, "Forbidden: bot was blocked by the user"), Scope.RECIPIENT, Retry.OTHER_ROAD),
    ("a chat that does not exist", no(400, "Bad Request: chat not found"), Scope.RECIPIENT, Retry.OTHER_ROAD),
    ("words it does not take", no(400, "Bad Request: message is too long"), Scope.CONTENT, Retry.CHANGE),
    ("a wrong token", no(401, "Unauthorized"), Scope.SENDER, Retry.NEVER),
    ("another who polls", no(409, "Conflict: terminated by other getUpdates"), Scope.SENDER, Retry.NEVER),
    ("a moved chat", no(400, "Bad Request: migrated", migrate_to_chat_id=-1), Scope.RECIPIENT, Retry.OTHER_ROAD),
    ("Telegram broken", no(500, "Internal Server Error"), Scope.CHANNEL, Retry.OTHER_ROAD),
    ("a gateway's page", Says("<h1>502</h1>", 502), Scope.CHANNEL, Retry.OTHER_ROAD),
]


@pytest.mark.parametrize(("claim", "says", "scope", "retry"), NOS, ids=[case[0] for case in NOS])
async def test_a_no_is_classified(
    provider: Provider, telegram: Telegram, claim: str, says: Says, scope: Scope, retry: Retry
) -> None:
    provider.says(says)
    outcome = await telegram.send(TEXT)
    assert isinstance(outcome, Refused)
    assert (outcome.failure.scope, outcome.failure.retry) == (scope, retry)
    assert (outcome.failure.certainty is Certainty.UNKNOWN) == (scope is Scope.CHANNEL)


@pytest.mark.filterwarnings("ignore:.*retry_after.*")
async def test_too_fast_says_when_to_come_back(provider: Provider, telegram: Telegram) -> None:
    provider.says(no(429, "Too Many Requests: retry after 7", retry_after=7))
    outcome = await telegram.send(TEXT)
    assert isinstance(outcome, Refused)
    assert (outcome.failure.scope, outcome.failure.retry_after) == (Scope.THROTTLE, 7.0)


@pytest.mark.parametrize("says", [Says(hang=True), Says(drop=True), Says("<p>", 200)])
async def test_silence_is_unsure_and_never_repeated(provider: Provider, telegram: Telegram, says: Says) -> None:
    provider.says(says)
    assert isinstance(await telegram.send(TEXT), Unsure)
    assert len(provider.asked) == 1


async def test_a_refused_connection_is_the_channels_fault_and_sent_nothing() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        free = listener.getsockname()[1]
    telegram = Telegram(ACCOUNT, api_url=f"http://127.0.0.1:{free}", timeout=0.5)
    outcome = await telegram.send(TEXT)
    await telegram.close()
    assert isinstance(outcome, Refused)
    assert (outcome.failure.scope, outcome.failure.certainty) == (Scope.CHANNEL, Certainty.NOT_DELIVERED)


async def test_a_tap_is_acknowledged_at_best(provider: Provider, telegram: Telegram) -> None:
    provider.says(Says({"ok": True, "result": True}), no(400, "Bad Request: query is too old"), Says(hang=True))
    assert [await telegram.acknowledge("cb1") for _ in range(3)] == [True, False, False]
    assert provider.asked[0].form == {"callback_query_id": "cb1"}


async def test_a_probe_asks_who_the_bot_is(provider: Provider, telegram: Telegram) -> None:
    me = {"id": 7000000001, "is_bot": True, "first_name": "Awa", "username": "awa_bot"}
    provider.says(Says({"ok": True, "result": me}), no(500, "no"))
    assert [await telegram.probe(), await telegram.probe()] == [True, False]


async def test_telegram_keeps_no_record(telegram: Telegram) -> None:
    assert await telegram.look_up("4242:5", TEXT) is None
    assert not telegram.capabilities.look_up


async def test_no_error_carries_the_token(provider: Provider, telegram: Telegram) -> None:
    provider.says(no(401, "Unauthorized"), Says(drop=True))
    assert "AAAA" not in repr([await telegram.send(TEXT), await telegram.send(TEXT)])


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


async def test_one_chat_gets_one_message_a_second_and_the_wait_is_bounded() -> None:
    clock = Clock()
    pace = Pace(max_wait=1.5, now=clock.now, sleep=clock.sleep)
    assert await pace.wait("a") == 0
    assert await pace.wait("a") == 0
    assert clock.at == 101.0
    frozen = Pace(max_wait=0.5, now=lambda: 5.0, sleep=clock.sleep)
    assert await frozen.wait("a") == 0
    assert await frozen.wait("a") == pytest.approx(1.0)


async def test_thirty_a_second_in_all() -> None:
    clock = Clock()
    pace = Pace(max_wait=60, now=clock.now, sleep=clock.sleep)
    for chat in range(61):
        assert await pace.wait(str(chat)) == 0
    assert clock.at == pytest.approx(102.0)


async def test_a_chat_that_must_wait_does_not_hold_the_others_up() -> None:
    pace = Pace(max_wait=1.5, now=lambda: 100.0, sleep=Clock().sleep)
    assert await pace.wait("a") == 0
    assert await pace.wait("a") == 0
    assert await pace.wait("b") == 0


async def test_too_fast_for_our_own_pace_is_a_throttle(provider: Provider) -> None:
    provider.says(SENT)
    telegram = Telegram(ACCOUNT, api_url=provider.url, timeout=1.0, pace=Pace(max_wait=0))
    assert isinstance(await telegram.send(TEXT), Accepted)
    outcome = await telegram.send(TEXT)
    await telegram.close()
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.failure, Failure)
    assert outcome.failure.scope is Scope.THROTTLE
    assert 0 < (outcome.failure.retry_after or 0) <= 1
    assert len(provider.asked) == 1


async def test_one_key_shares_the_shoppers_own_number(provider: Provider, telegram: Telegram) -> None:
    provider.says(SENT)
    await telegram.send(replace(TEXT, part=Part("Votre numéro ?", contact_title="Partager mon numéro")))
    assert json.loads(provider.asked[0].form["reply_markup"]) == {
        "keyboard": [[{"text": "Partager mon numéro", "request_contact": True}]],
        "one_time_keyboard": True,
        "resize_keyboard": True,
    }
