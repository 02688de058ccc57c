"""Sending by Twilio: what goes over the wire, and what each kind of answer and silence means."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bot.channels import build
from bot.channels.accounts import TwilioAccount
from bot.channels.content import Content, MemoryContentCache, RedisContentCache, content_of
from bot.channels.sms import Sms
from bot.channels.twilio import TwilioApi
from bot.channels.whatsapp import WhatsApp
from bot.core.addresses import Address, ChannelName, Scheme, ShopId
from bot.core.failures import Accepted, Certainty, Refused, Retry, Scope, Unsure
from bot.core.messages import MessageId, MessageStatus, Part
from bot.ports import Outgoing, Unavailable
from tests.channels.scripted_provider import Provider, Says

SPECS = Path(__file__).parent.parent / "specs"
SHOP = ShopId("awa")
MESSAGE = MessageId("0a" * 10 + "-7")
PUBLIC = "https://relais.example.ci"
NOW = 1_790_000_000.0
ACCOUNT = TwilioAccount("AC" + "1" * 32, ("token", "older"), "whatsapp:+14155238886")
ALPHA = TwilioAccount("AC" + "1" * 32, ("token",), "AWA MODE", two_way=False, price_xof=25)
CREATED = Says({"sid": "SM1", "status": "queued"}, 201)
CONTENT = Says({"sid": "HX1", "language": "fr"}, 201)


def outgoing(part: Part, to: str = "whatsapp:+22507000001", **how: Any) -> Outgoing:
    return Outgoing(MESSAGE, to, part, **how)


@pytest.fixture
async def whatsapp(provider: Provider) -> AsyncIterator[WhatsApp]:
    channel = make_whatsapp(provider.url)
    yield channel
    await channel.close()


@pytest.fixture
async def sms(provider: Provider) -> AsyncIterator[Sms]:
    channel = Sms(SHOP, TwilioApi(ALPHA, api_url=provider.url, timeout=0.5, now=lambda: NOW), PUBLIC)
    yield channel
    await channel.close()


def make_whatsapp(url: str, timeout: float = 0.5) -> WhatsApp:
    api = TwilioApi(ACCOUNT, api_url=url, timeout=timeout, now=lambda: NOW)
    return WhatsApp(SHOP, api, MemoryContentCache(), PUBLIC)


def says_error(code: int, status: int) -> Says:
    return Says({"code": code, "message": "no", "more_info": "", "status": status}, status)


async def test_a_text_goes_out_as_the_published_form(provider: Provider, whatsapp: WhatsApp) -> None:
    provider.says(CREATED)
    assert await whatsapp.send(outgoing(Part("Bonjour"), validity_seconds=60)) == Accepted("SM1")
    (asked,) = provider.asked
    assert (asked.method, asked.path) == ("POST", f"/2010-04-01/Accounts/{ACCOUNT.account_sid}/Messages.json")
    assert asked.form == {
        "To": "whatsapp:+22507000001", "From": "whatsapp:+14155238886", "Body": "Bonjour", "ValidityPeriod": "60",
        "StatusCallback": f"{PUBLIC}/webhooks/twilio-status/awa?m={MESSAGE}#rc=3&rp=ct,rt,5xx",
    }
    spec = json.loads((SPECS / "twilio_create_message.json").read_text(encoding="utf-8"))["create"]
    assert set(asked.form) <= set(spec["properties"])
    assert set(spec["required"]) <= set(asked.form)


async def test_a_picture_goes_out_with_its_caption(provider: Provider, whatsapp: WhatsApp) -> None:
    provider.says(CREATED)
    await whatsapp.send(outgoing(Part("La robe", image_url="https://r.ci/1.jpg")))
    assert (provider.asked[0].form["Body"], provider.asked[0].form["MediaUrl"]) == ("La robe", "https://r.ci/1.jpg")


async def test_a_template_replaces_the_words(provider: Provider, whatsapp: WhatsApp) -> None:
    provider.says(CREATED)
    await whatsapp.send(outgoing(Part("Bonjour"), template="HXabc", template_variables={"1": "Awa"}))
    form = provider.asked[0].form
    assert (form["ContentSid"], form["ContentVariables"], "Body" in form) == ("HXabc", '{"1": "Awa"}', False)


async def test_an_sms_comes_from_the_shops_name(provider: Provider, sms: Sms) -> None:
    provider.says(CREATED)
    assert await sms.send(outgoing(Part("Bonjour"), to="tel:+2250700000001")) == Accepted("SM1")
    form = provider.asked[0].form
    assert (form["From"], form["To"]) == ("AWA MODE", "+2250700000001")
    assert not sms.capabilities.two_way


ANSWERS = [
    ("a recipient who said STOP", says_error(21610, 400), Scope.RECIPIENT, Certainty.NOT_DELIVERED, "21610"),
    ("a wrong token", says_error(20003, 401), Scope.SENDER, Certainty.NOT_DELIVERED, "20003"),
    ("too many calls", says_error(20429, 429), Scope.THROTTLE, Certainty.NOT_DELIVERED, "20429"),
    ("trouble inside Twilio", says_error(20500, 500), Scope.CHANNEL, Certainty.UNKNOWN, "20500"),
    ("Twilio closed", says_error(20503, 503), Scope.CHANNEL, Certainty.NOT_DELIVERED, "20503"),
    ("an error page", Says("<h1>503</h1>", 503), Scope.CHANNEL, Certainty.NOT_DELIVERED, "503"),
    ("a gateway's page", Says("<h1>502</h1>", 502), Scope.CHANNEL, Certainty.UNKNOWN, "502"),
    ("a code nobody knows", says_error(63999, 400), Scope.RECIPIENT, Certainty.NOT_DELIVERED, "63999"),
    ("a problem document", Says(
        {"type": "https://t/x", "title": "no", "status": 503, "code": 20503, "detail": "x"}, 503,
    ), Scope.CHANNEL, Certainty.NOT_DELIVERED, "20503"),
]


@pytest.mark.parametrize(("claim", "says", "scope", "certainty", "code"), ANSWERS, ids=[case[0] for case in ANSWERS])
async def test_a_no_is_classified(
    provider: Provider, whatsapp: WhatsApp, claim: str, says: Says, scope: Scope, certainty: Certainty, code: str
) -> None:
    provider.says(says)
    outcome = await whatsapp.send(outgoing(Part("x")))
    assert isinstance(outcome, Refused)
    assert (outcome.failure.scope, outcome.failure.certainty, outcome.failure.code) == (scope, certainty, code)
    assert len(provider.asked) == 1


SILENCES = [
    ("no answer", Says(hang=True)), ("a cut connection", Says(drop=True)), ("an unreadable yes", Says("<p>", 201)),
]


@pytest.mark.parametrize(("claim", "says"), SILENCES, ids=[case[0] for case in SILENCES])
async def test_silence_after_the_request_left_is_unsure_and_never_repeated(
    provider: Provider, whatsapp: WhatsApp, claim: str, says: Says
) -> None:
    provider.says(says)
    started = time.monotonic()
    assert isinstance(await whatsapp.send(outgoing(Part("x"))), Unsure)
    assert time.monotonic() - started < 2
    assert len(provider.asked) == 1


async def test_a_refused_connection_is_the_channels_fault_and_sent_nothing() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        free = listener.getsockname()[1]
    channel = make_whatsapp(f"http://127.0.0.1:{free}")
    outcome = await channel.send(outgoing(Part("x")))
    await channel.close()
    assert isinstance(outcome, Refused)
    failure = outcome.failure
    assert (failure.scope, failure.retry, failure.certainty) == (
        Scope.CHANNEL, Retry.OTHER_ROAD, Certainty.NOT_DELIVERED,
    )


async def test_a_connection_that_is_never_made_sent_nothing() -> None:
    # A full backlog leaves the kernel silent, as a network that swallows packets does.
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        channel = make_whatsapp(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.3)
        outcome = await channel.send(outgoing(Part("x")))
        await channel.close()
    assert isinstance(outcome, Refused)
    assert outcome.failure.certainty is Certainty.NOT_DELIVERED


BUTTONS = Part("On confirme ?", buttons=(("1.2.0.mac", "Oui"), ("1.2.1.mac", "Non")))
ROWS = Part("Où ?", rows=(("p0", "Cocody", "1 500 F"), ("p1", "Abobo", "")), list_label="Choisir")


def shape(part: Part) -> Content:
    content = content_of(part)
    assert content is not None
    return content


async def test_buttons_are_content_made_once_a_shape(provider: Provider, whatsapp: WhatsApp) -> None:
    provider.says(CONTENT, CREATED)
    assert await whatsapp.send(outgoing(BUTTONS)) == Accepted("SM1")
    assert await whatsapp.send(outgoing(replace(BUTTONS, text="Et maintenant ?"))) == Accepted("SM1")
    assert [asked.path.rpartition("/")[2] for asked in provider.asked] == ["Content", "Messages.json", "Messages.json"]
    form = provider.asked[1].form
    assert form["ContentSid"] == "HX1"
    assert json.loads(form["ContentVariables"]) == {"1": "On confirme ?", "2": "1.2.0.mac", "3": "1.2.1.mac"}
    assert "Body" not in form


@pytest.mark.parametrize("part", [BUTTONS, ROWS])
async def test_content_is_made_as_the_published_schema_wants_it(
    provider: Provider, whatsapp: WhatsApp, part: Part
) -> None:
    provider.says(CONTENT, CREATED)
    await whatsapp.send(outgoing(part))
    made = provider.asked[0]
    assert made.headers["content-type"].startswith("application/json")
    spec = json.loads((SPECS / "twilio_content.json").read_text(encoding="utf-8"))
    jsonschema.validate(made.json, spec | {"$ref": "#/components/schemas/ContentCreateRequest"})


def test_a_filled_in_shape_says_what_the_part_said() -> None:
    content = shape(ROWS)
    values = json.loads(content.variables)
    filled = json.dumps(content.request["types"], ensure_ascii=False)
    for number, value in values.items():
        filled = filled.replace(f"{{{{{number}}}}}", value)
    assert json.loads(filled) == {"twilio/list-picker": {"body": "Où ?", "button": "Choisir", "items": [
        {"item": "Cocody", "id": "p0", "description": "1 500 F"}, {"item": "Abobo", "id": "p1"},
    ]}}


def test_a_shape_is_shared_by_all_texts_and_ids() -> None:
    other = replace(BUTTONS, text="Sûr ?", buttons=(("9.9.0.mac", "Oui"), ("9.9.1.mac", "Non")))
    assert shape(BUTTONS).shape == shape(other).shape
    assert shape(BUTTONS).shape != shape(ROWS).shape


NUMBERED = "On confirme ?\n1 Oui\n2 Non"


@pytest.mark.parametrize("says", [says_error(20500, 500), Says(hang=True), Says("<p>", 201), Says({}, 201)])
async def test_buttons_that_cannot_be_made_go_as_numbers_at_once(
    provider: Provider, whatsapp: WhatsApp, says: Says
) -> None:
    provider.says(says, CREATED)
    assert await whatsapp.send(outgoing(BUTTONS)) == Accepted("SM1")
    assert provider.asked[-1].form["Body"] == NUMBERED


async def test_content_that_twilio_forgot_goes_as_numbers_and_is_made_again(
    provider: Provider, whatsapp: WhatsApp
) -> None:
    provider.says(CONTENT, says_error(21655, 400), CREATED)
    assert await whatsapp.send(outgoing(BUTTONS)) == Accepted("SM1")
    assert provider.asked[-1].form["Body"] == NUMBERED
    provider.says(CONTENT, CREATED)
    await whatsapp.send(outgoing(BUTTONS))
    assert provider.asked[-2].path == "/v1/Content"


RECORD = {
    "sid": "SM1", "account_sid": ACCOUNT.account_sid, "from": "whatsapp:+14155238886", "to": "whatsapp:+22507000001",
    "body": "Bonjour", "status": "undelivered", "error_code": 63012, "direction": "outbound-api", "num_media": "0",
    "date_created": format_datetime(datetime.fromtimestamp(NOW - 20, UTC)), "date_sent": None,
}


async def test_a_look_up_tells_what_the_record_says(provider: Provider, whatsapp: WhatsApp) -> None:
    provider.says(Says(RECORD))
    reported = await whatsapp.look_up("SM1", outgoing(Part("Bonjour")))
    assert reported is not None
    assert (reported.id, reported.status, reported.error_code, reported.message_id, reported.at) == (
        "lookup:SM1:undelivered", MessageStatus.FAILED, "63012", MESSAGE, NOW,
    )


@pytest.mark.parametrize("says", [says_error(20404, 404), Says(hang=True), Says("<p>", 503)])
async def test_a_look_up_without_an_answer_tells_nothing(
    provider: Provider, whatsapp: WhatsApp, says: Says
) -> None:
    provider.says(says)
    assert await whatsapp.look_up("SM1", outgoing(Part("x"))) is None


async def test_a_message_whose_answer_was_lost_is_found_by_recipient_and_text(
    provider: Provider, whatsapp: WhatsApp
) -> None:
    old = RECORD | {"sid": "SM0", "date_created": format_datetime(datetime.fromtimestamp(NOW - 3600, UTC))}
    provider.says(Says({"messages": [RECORD | {"sid": "SM2", "body": "Autre"}, RECORD, old]}))
    reported = await whatsapp.look_up(None, outgoing(Part("Bonjour")))
    assert reported is not None
    assert reported.provider_id == "SM1"
    assert provider.asked[0].query["To"] == "whatsapp:+22507000001"
    provider.says(Says({"messages": [old]}))
    assert await whatsapp.look_up(None, outgoing(Part("Bonjour"))) is None


def inbound(sid: str, at: float, **changes: Any) -> dict[str, Any]:
    return {
        "sid": sid, "account_sid": ACCOUNT.account_sid, "from": "whatsapp:+2250700000001",
        "to": "whatsapp:+14155238886", "body": sid, "status": "received", "direction": "inbound", "num_media": "0",
        "date_created": format_datetime(datetime.fromtimestamp(at, UTC)),
        "date_sent": format_datetime(datetime.fromtimestamp(at, UTC)),
    } | changes


async def test_the_catch_up_lists_what_came_in_oldest_first_over_pages(
    provider: Provider, whatsapp: WhatsApp
) -> None:
    page = [inbound("SM4", NOW), inbound("SMx", NOW, direction="outbound-api"), inbound("SM3", NOW - 10)]
    after = f"/2010-04-01/Accounts/{ACCOUNT.account_sid}/Messages.json?Page=1&PageToken=PA3"
    rest = [inbound("SM2", NOW - 20), inbound("SM1", NOW - 3600)]
    provider.says(Says({"messages": page, "next_page_uri": after}), Says({"messages": rest}))
    found = await whatsapp.list_inbound(NOW - 60)
    assert [message.id for message in found] == ["tw:SM2", "tw:SM3", "tw:SM4"]
    assert [message.written_at for message in found] == [NOW - 20, NOW - 10, NOW]
    assert all(message.caught_up for message in found)
    assert found[0].address == Address(Scheme.WHATSAPP, "+2250700000001")
    assert provider.asked[0].query["DateSent>"] == datetime.fromtimestamp(NOW - 86_460, UTC).date().isoformat()


async def test_the_catch_up_stops_at_the_first_page_that_is_too_old(provider: Provider, whatsapp: WhatsApp) -> None:
    after = f"/2010-04-01/Accounts/{ACCOUNT.account_sid}/Messages.json?Page=1"
    provider.says(Says({"messages": [inbound("SM1", NOW - 3600)], "next_page_uri": after}))
    assert await whatsapp.list_inbound(NOW - 60) == []
    assert len(provider.asked) == 1


async def test_a_catch_up_that_cannot_be_done_says_so(provider: Provider, whatsapp: WhatsApp) -> None:
    provider.says(Says("<p>", 503))
    with pytest.raises(Unavailable):
        await whatsapp.list_inbound(NOW)


async def test_a_one_way_sender_has_nothing_to_catch_up(provider: Provider, sms: Sms) -> None:
    assert await sms.list_inbound(NOW) == []
    assert provider.asked == []


@pytest.mark.parametrize(("says", "answers"), [(Says({"sid": "AC1", "status": "active"}), True), (Says("", 503), False)])
async def test_a_probe_asks_for_the_account(
    provider: Provider, whatsapp: WhatsApp, says: Says, answers: bool
) -> None:
    provider.says(says)
    assert await whatsapp.probe() is answers
    assert provider.asked[0].path == f"/2010-04-01/Accounts/{ACCOUNT.account_sid}.json"


class RedisInMemory:
    def __init__(self, broken: bool = False) -> None:
        self.data: dict[str, bytes] = {}
        self.broken = broken

    def _check(self) -> None:
        if self.broken:
            raise ConnectionError

    async def get(self, name: str) -> bytes | None:
        self._check()
        return self.data.get(name)

    async def set(self, name: str, value: str) -> None:
        self._check()
        self.data[name] = value.encode()

    async def delete(self, name: str) -> None:
        self._check()
        self.data.pop(name, None)


async def test_shapes_are_shared_between_processes_through_redis() -> None:
    redis = RedisInMemory()
    await RedisContentCache(redis).put("whatsapp:AC1:+1", "abc", "HX1")
    assert redis.data == {"relais:content:whatsapp:AC1:+1:abc": b"HX1"}
    other = RedisContentCache(redis)
    assert await other.get("whatsapp:AC1:+1", "abc") == "HX1"
    await other.drop("whatsapp:AC1:+1", "abc")
    assert await RedisContentCache(redis).get("whatsapp:AC1:+1", "abc") is None


async def test_without_redis_the_cache_forgets_and_does_not_fail() -> None:
    cache = RedisContentCache(RedisInMemory(broken=True))
    await cache.put("a", "abc", "HX1")
    assert await cache.get("a", "abc") == "HX1"
    await cache.drop("a", "abc")
    assert await cache.get("a", "abc") is None


def test_the_table_builds_a_channel_for_each_account() -> None:
    make: Callable[[ChannelName, TwilioAccount], Any] = lambda channel, account: build(  # noqa: E731
        SHOP, channel, account, public_url=PUBLIC, content_cache=MemoryContentCache()
    )
    channel = make(ChannelName.WHATSAPP, ACCOUNT)
    assert (channel.account, channel.domains) == (
        f"whatsapp:{ACCOUNT.account_sid}:+14155238886", ("meta", "twilio", "internet"),
    )
    assert make(ChannelName.SMS, ALPHA).account == f"sms:{ACCOUNT.account_sid}:AWA MODE"
    with pytest.raises(TypeError, match="TelegramAccount"):
        make(ChannelName.TELEGRAM, ACCOUNT)
