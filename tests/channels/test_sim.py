"""A SIM in the vendor's phone: its signed events, its API, and both against the stand-in."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot import channels
from bot.channels import sim_webhooks
from bot.channels.accounts import SimAccount, TwilioAccount
from bot.channels.content import MemoryContentCache
from bot.channels.sim import Sim, name_of
from bot.channels.sim_webhooks import classify, code_of, signature
from bot.channels.webhooks import Forbidden, Ignored, Malformed, Parsed, Reading, WebhookRequest
from bot.core.addresses import Address, ChannelName, Scheme, ShopId
from bot.core.failures import Accepted, Certainty, Failure, Refused, Retry, Scope, Unsure
from bot.core.messages import MessageId, MessageStatus, Part, Received, Reported
from bot.ports import Outgoing
from tests.channels.scripted_provider import Provider, Says
from tests.simulator.stage import Stage, stage

KEY, OLD_KEY = "new-password", "old-signing-key"
ACCOUNT = SimAccount("awa-phone", (KEY, OLD_KEY), "+2250700000195")
SHOP = ShopId("awa")
NOW = 1_790_000_000.0
LANE = "0a" * 10
MESSAGE = MessageId(f"{LANE}-7")
AYA = "+2250700000001"


def event(kind: str, **payload: Any) -> dict[str, Any]:
    return {"deviceId": "d", "event": kind, "id": "Ey6ECgOkVVFjz3CL48B8C", "payload": payload, "webhookId": "w"}


def request(
    body: dict[str, Any] | bytes, key: str = KEY, at: float = NOW, **headers: str
) -> WebhookRequest:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = str(int(at))
    signed = {"x-timestamp": stamp, "x-signature": signature(key, raw, stamp), **headers}
    return WebhookRequest(f"/webhooks/sms/{SHOP}", signed, raw, SHOP, NOW)


def read(body: dict[str, Any] | bytes, **more: Any) -> Reading:
    return channels.read(ChannelName.SMS, request(body, **more), ACCOUNT, "https://r.example")


TEXT = event("sms:received", messageId="a1", message="2 pagnes", sender=AYA, receivedAt="2026-09-21T13:33:20.000+00:00")
HEARD = Received(
    id="sim:Ey6ECgOkVVFjz3CL48B8C", shop_id=SHOP, channel=ChannelName.SMS, address=Address(Scheme.TEL, AYA),
    reply_to=AYA, received_at=NOW, text="2 pagnes", written_at=1_789_997_600.0,
)
OF_OURS = f"{MESSAGE}.0badcafe"


def reported(status: MessageStatus, code: str | None = None) -> Reported:
    return Reported("sim:Ey6ECgOkVVFjz3CL48B8C", MESSAGE, OF_OURS, status, NOW, code, status.value)


CASES: list[tuple[str, dict[str, Any], Reading]] = [
    ("a text", TEXT, Parsed((HEARD,))),
    ("the sender under its older name", event("sms:received", message="oui", phoneNumber=AYA),
     Parsed((replace(HEARD, text="oui", written_at=None),))),
    ("a number of before 2021", event("sms:received", message="oui", sender="07000001"),
     Parsed((replace(HEARD, text="oui", written_at=None, reply_to="07000001",
                     address=Address(Scheme.TEL, "+2250707000001")),))),
    ("an operator's name cannot be answered", event("sms:received", message="promo", sender="ORANGE"),
     Ignored("sender is no phone number")),
    ("another SIM's message", event("sms:received", message="oui", sender=AYA, recipient="+2250700000196"),
     Forbidden("another SIM's message")),
    ("sent", event("sms:sent", messageId=OF_OURS, sentAt="x"), Parsed((reported(MessageStatus.SENT),))),
    ("delivered", event("sms:delivered", messageId=OF_OURS), Parsed((reported(MessageStatus.DELIVERED),))),
    ("failed for want of a network", event("sms:failed", messageId=OF_OURS, reason="RESULT_ERROR_NO_SERVICE"),
     Parsed((reported(MessageStatus.FAILED, "RESULT_ERROR_NO_SERVICE"),))),
    ("failed without a reason", event("sms:failed", messageId=OF_OURS),
     Parsed((reported(MessageStatus.FAILED, "failed"),))),
    ("a message that is not ours", event("sms:sent", messageId="by-hand"),
     Parsed((Reported("sim:Ey6ECgOkVVFjz3CL48B8C", None, "by-hand", MessageStatus.SENT, NOW, None, "sent"),))),
    ("a ping", event("system:ping"), Ignored("system:ping")),
]


@pytest.mark.parametrize(("body", "meaning"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_an_event(body: dict[str, Any], meaning: Reading) -> None:
    assert read(body) == meaning
    assert read(body, key=OLD_KEY) == meaning
    assert read(body, key="somebody's") == Forbidden("bad signature")
    assert read({**body, "id": None}) == Malformed("no id")
    assert read(body, at=NOW - 8 * 86_400) == Forbidden("timestamp out of range")


def test_a_body_that_was_changed_is_refused() -> None:
    good = request(TEXT)
    assert sim_webhooks.read(replace(good, body=good.body.replace(b"2", b"3")), ACCOUNT) == Forbidden("bad signature")


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b'{"payload": 1, "id": "x"}', b"\xff"])
def test_a_signed_body_without_an_event_is_malformed(body: bytes) -> None:
    assert isinstance(read(body), Malformed)


def test_headers_that_are_missing_are_refused() -> None:
    assert isinstance(sim_webhooks.read(replace(request(TEXT), headers={}), ACCOUNT), Forbidden)


def test_every_code_of_the_table_is_classified_and_only_the_phone_itself_speaks_of_an_outage() -> None:
    with sim_webhooks.TABLE.open(newline="") as file:
        codes = [row["code"] for row in csv.DictReader(file)]
    assert len(codes) == len(set(codes)) > 20
    assert {classify(code).code for code in codes} == set(codes)
    assert classify("RESULT_ERROR_NO_SERVICE").scope is Scope.CHANNEL
    assert classify("RESULT_ERROR_GENERIC_FAILURE").scope is Scope.RECIPIENT
    assert classify("never heard of").scope is Scope.RECIPIENT


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("Sending error: RESULT_ERROR_RADIO_OFF (2)", "RESULT_ERROR_RADIO_OFF"),
        ("Message expired: TTL exceeded", "expired"),
        ("something else", "something else"),
        ("", "failed"),
    ],
)
def test_the_code_is_found_in_the_reason(reason: str, code: str) -> None:
    assert code_of(reason) == code


# --- sending -----------------------------------------------------------------------------------------------------


def outgoing(text: str = "Bonjour", validity: int | None = 60) -> Outgoing:
    return Outgoing(MESSAGE, AYA, Part(text, segments=1), validity_seconds=validity)


@pytest.fixture
async def sim(provider: Provider) -> AsyncIterator[Sim]:
    opened = Sim(ACCOUNT, api_url=provider.url, timeout=0.5)
    yield opened
    await opened.close()


async def test_a_text_goes_out_under_our_own_id(sim: Sim, provider: Provider) -> None:
    provider.says(Says({"id": "x", "state": "Pending"}, 202))
    assert await sim.send(outgoing()) == Accepted(name_of(outgoing()))
    (asked,) = provider.asked
    assert (asked.method, asked.path) == ("POST", "/messages")
    assert asked.json == {
        "id": name_of(outgoing()), "textMessage": {"text": "Bonjour"}, "phoneNumbers": [AYA],
        "withDeliveryReport": True, "ttl": 60,
    }
    assert asked.headers["authorization"].startswith("Basic ")
    assert len(name_of(outgoing())) <= 36
    assert name_of(outgoing("a")) != name_of(outgoing("b"))


async def test_the_same_message_again_is_the_same_message(sim: Sim, provider: Provider) -> None:
    provider.says(Says({"message": "duplicate id"}, 409))
    assert await sim.send(outgoing()) == Accepted(name_of(outgoing()))


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        (Says("", 401), Refused(classify("401"))),
        (Says("", 400), Refused(classify("400"))),
        (Says("", 429), Refused(classify("429"))),
        (Says("", 503), Refused(
            Failure(Scope.CHANNEL, Retry.OTHER_ROAD, Certainty.NOT_DELIVERED, "503", "HTTP 503"))),
        (Says("", 500), Refused(Failure(Scope.CHANNEL, Retry.OTHER_ROAD, Certainty.UNKNOWN, "500", "HTTP 500"))),
        (Says(hang=True), Unsure("no answer in time")),
        (Says(drop=True), Unsure("the connection broke")),
    ],
)
async def test_what_an_answer_means(sim: Sim, provider: Provider, says: Says, outcome: object) -> None:
    provider.says(says)
    assert await sim.send(outgoing()) == outcome


async def test_no_connection_is_certain() -> None:
    nowhere = Sim(ACCOUNT, api_url="http://127.0.0.1:9", timeout=0.5)
    assert await nowhere.send(outgoing()) == Refused(classify("connection"))
    assert not await nowhere.probe()
    await nowhere.close()


async def test_a_lost_answer_can_be_asked_about(sim: Sim, provider: Provider) -> None:
    failed = {"id": "x", "state": "Failed", "recipients": [{"state": "Failed", "error": "RESULT_NETWORK_ERROR"}]}
    provider.says(Says({"id": "x", "state": "Sent", "recipients": []}), Says(failed), Says("", 404), Says(hang=True))
    first, second = await sim.look_up(None, outgoing()), await sim.look_up("x", outgoing())
    assert first is not None
    assert (first.message_id, first.status) == (MESSAGE, MessageStatus.SENT)
    assert second is not None
    assert (second.status, second.error_code) == (MessageStatus.FAILED, "RESULT_NETWORK_ERROR")
    assert await sim.look_up(None, outgoing()) is None
    assert await sim.look_up(None, outgoing()) is None


async def test_it_is_introduced_with_every_event_it_must_bring(sim: Sim, provider: Provider) -> None:
    provider.says(Says({}, 201))
    assert await sim.introduce("https://r.example/webhooks/sms/awa") is None
    assert {asked.json["event"] for asked in provider.asked} == {"sms:received", *sim_webhooks.EVENTS}
    assert {asked.json["url"] for asked in provider.asked} == {"https://r.example/webhooks/sms/awa"}
    provider.says(Says("", 401))
    assert await sim.introduce("https://r.example/webhooks/sms/awa") == "HTTP 401"


# --- against the stand-in ----------------------------------------------------------------------------------------

SIM_SHOP = """
id: sim
name: Sim
phone: "+2250700000199"
channels:
  sms: {provider: android, address: "+2250700000195", two_way: true, price_xof: 10,
        account_sid: "${SIM_USERNAME}", auth_token: "${SIM_PASSWORD}"}
"""


def sim_shop(folder: Path) -> Path:
    (folder / "sim").mkdir(parents=True)
    (folder / "sim" / "shop.yml").write_text(SIM_SHOP)
    return folder


@asynccontextmanager
async def on_stage(folder: Path) -> AsyncIterator[tuple[Stage, SimAccount, Sim]]:
    async with stage(folder, shops=sim_shop) as on:
        sender = on.sender("sms", "sim")
        account = SimAccount(sender.account_sid, (sender.auth_token,), sender.address)
        opened = Sim(account, api_url=f"{on.url}/3rdparty/v1", timeout=2.0)
        try:
            yield on, account, opened
        finally:
            await opened.close()


def parsed(on: Stage, account: SimAccount, heard: Any) -> Any:
    headers = {name.lower(): value for name, value in heard.headers.items()}
    stamp = float(headers["x-timestamp"])
    reading = sim_webhooks.read(WebhookRequest(heard.path, headers, heard.body, ShopId("sim"), stamp), account)
    assert isinstance(reading, Parsed), reading
    return reading.items[0]


async def test_there_and_back_over_the_stand_in(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as (on, account, sim):
        assert await sim.probe()
        message = replace(outgoing(), to=on.aya.number)
        assert isinstance(await sim.send(message), Accepted)
        assert isinstance(await sim.send(message), Accepted)  # the same id: once on the phone
        events = await on.until(lambda: found if len(found := on.door.at("/webhooks/sms/sim")) >= 2 else None)
        assert {parsed(on, account, heard).status for heard in events} == {MessageStatus.SENT, MessageStatus.DELIVERED}
        assert [shown["text"] for shown in await on.phone("sms", shop="sim")] == ["Bonjour"]
        found = await sim.look_up(None, message)
        assert found is not None
        assert found.status is MessageStatus.DELIVERED
        on.door.heard.clear()
        await on.write("2 pagnes", "sms", "sim")
        heard = parsed(on, account, (await on.until(lambda: on.door.at("/webhooks/sms/sim")))[0])
        assert (heard.text, heard.address.value) == ("2 pagnes", on.aya.number)


async def test_a_stranger_may_not_send(tmp_path: Path) -> None:
    async with on_stage(tmp_path) as (on, account, _):
        stranger = Sim(replace(account, secrets=("wrong",)), api_url=f"{on.url}/3rdparty/v1")
        assert await stranger.send(outgoing()) == Refused(classify("401"))
        await stranger.close()


@pytest.mark.parametrize("cut", [("country", "offline"), ("sim", "offline")])
async def test_twilios_outage_does_not_touch_the_sim_and_its_own_or_the_countrys_does(
    tmp_path: Path, cut: tuple[str, str]
) -> None:
    async with on_stage(tmp_path) as (on, _, sim):
        await on.fault("twilio", "down")
        assert isinstance(await sim.send(replace(outgoing("un"), to=on.aya.number)), Accepted)
        await on.until(lambda: len(on.door.at("/webhooks/sms/sim")) >= 2)
        await on.fault(*cut)
        held = replace(outgoing("deux"), to=on.aya.number)
        assert isinstance(await sim.send(held), Accepted)
        found = await sim.look_up(None, held)
        assert found is not None
        assert found.status is MessageStatus.ACCEPTED


def test_a_channel_takes_its_own_providers_accounts_only() -> None:
    with pytest.raises(TypeError):
        channels.build(
            SHOP, ChannelName.WHATSAPP, ACCOUNT, public_url="https://r.example", content_cache=MemoryContentCache()
        )
    twilio = TwilioAccount("AC1", ("token",), "+14155238886")
    with pytest.raises(TypeError):
        channels.read(ChannelName.TELEGRAM, request(TEXT), twilio, "https://r.example")
