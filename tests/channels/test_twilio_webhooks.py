"""Twilio's webhooks: signature, WhatsApp and SMS messages, statuses. One table a channel; the runner adds checks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from bot.channels import read
from bot.channels.accounts import TwilioAccount
from bot.channels.twilio_webhooks import OVERRIDES, form_fields, read_status, sign, status_callback, status_of
from bot.channels.webhooks import Forbidden, Ignored, Malformed, Parsed, Reading, WebhookRequest
from bot.core.addresses import Address, ChannelName, Scheme, ShopId
from bot.core.messages import Attachment, MessageId, MessageStatus, Received, Reported

SPEC = Path(__file__).parent.parent / "specs" / "twilio_create_message.json"
URL = "https://relais.example.ci"
SHOP = ShopId("awa")
WHATSAPP = TwilioAccount("AC1", ("new-token", "old-token"), "whatsapp:+14155238886")
SMS = TwilioAccount("AC1", ("new-token", "old-token"), "+14155238887")
ACCOUNTS = {ChannelName.WHATSAPP: WHATSAPP, ChannelName.SMS: SMS}
MESSAGE = MessageId("0a" * 10 + "-7")

BASE = {
    ChannelName.WHATSAPP: {
        "MessageSid": "SM1", "SmsSid": "SM1", "AccountSid": "AC1", "From": "whatsapp:+2250700000001",
        "To": "whatsapp:+14155238886", "Body": "", "NumMedia": "0", "NumSegments": "1", "SmsStatus": "received",
        "ApiVersion": "2010-04-01", "WaId": "2250700000001", "ProfileName": "Awa", "MessageType": "text",
        "Forwarded": "false",
    },
    ChannelName.SMS: {
        "MessageSid": "SM1", "SmsSid": "SM1", "AccountSid": "AC1", "From": "+2250700000001", "To": "+14155238887",
        "Body": "", "NumMedia": "0", "NumSegments": "1", "SmsStatus": "received", "ApiVersion": "2010-04-01",
    },
}


def request(path: str, form: dict[str, str], token: str = "new-token", base: str = URL) -> WebhookRequest:
    fields = list(form.items())
    headers = {"x-twilio-signature": sign(token, base + path, fields)}
    return WebhookRequest(path, headers, urlencode(fields).encode(), SHOP, 1000.0)


def received(channel: ChannelName, **changes: Any) -> Received:
    fields: dict[str, Any] = {
        "id": "tw:SM1", "shop_id": SHOP, "channel": channel, "received_at": 1000.0, "reply_to": "+2250700000001",
        "address": Address(Scheme.TEL, "+2250700000001"),
    }
    if channel is ChannelName.WHATSAPP:
        fields |= {
            "reply_to": "whatsapp:+2250700000001", "profile_name": "Awa",
            "address": Address(Scheme.WHATSAPP, "+2250700000001"),
        }
    return Received(**(fields | changes))


OPAQUE = Address(Scheme.WHATSAPP, "CI.a1B2")
WHATSAPP_CASES: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    ("a text", {"Body": "c cmb la robe ?"}, {"text": "c cmb la robe ?"}),
    ("an empty body is signed too", {}, {}),
    ("a tapped button", {
        "MessageType": "interactive", "Body": "Oui", "ButtonText": "Oui", "ButtonPayload": "1.2.0.mac",
        "OriginalRepliedMessageSender": "whatsapp:+14155238886", "OriginalRepliedMessageSid": "MM5",
        "ChannelMetadata": '{"type":"whatsapp"}',
    }, {"text": "Oui", "payload": "1.2.0.mac", "quoted_provider_id": "MM5"}),
    ("a picked row", {"MessageType": "interactive", "ListId": "1.2.3.mac", "ListTitle": "Cocody"},
     {"text": "Cocody", "payload": "1.2.3.mac"}),
    ("a number and a hidden identity", {"Body": "ok", "ExternalUserId": "whatsapp:CI.a1B2"},
     {"text": "ok", "external_id": OPAQUE}),
    ("a hidden number", {
        "Body": "ok", "From": "whatsapp:CI.a1B2", "ExternalUserId": "whatsapp:CI.a1B2", "WaId": "",
    }, {"text": "ok", "reply_to": "whatsapp:CI.a1B2", "address": OPAQUE}),
    ("a number from before 2021 is answered as it wrote", {"Body": "ok", "From": "whatsapp:+22507000001"}, {
        "text": "ok", "reply_to": "whatsapp:+22507000001", "address": Address(Scheme.WHATSAPP, "+2250707000001"),
    }),
    ("a voice message", {
        "MessageType": "audio", "NumMedia": "1", "MediaUrl0": "https://api.twilio.com/m/0",
        "MediaContentType0": "audio/ogg",
    }, {"attachments": (Attachment("audio", "https://api.twilio.com/m/0", "audio/ogg"),)}),
    ("two pictures with words", {
        "Body": "celle-ci", "NumMedia": "2", "MediaUrl0": "https://m/0", "MediaContentType0": "image/jpeg",
        "MediaUrl1": "https://m/1", "MediaContentType1": "text/vcard",
    }, {"text": "celle-ci", "attachments": (
        Attachment("image", "https://m/0", "image/jpeg"), Attachment("contact", "https://m/1", "text/vcard"),
    )}),
    ("a place", {"MessageType": "location", "Latitude": "5.35", "Longitude": "-4.01", "Label": "Pharmacie"},
     {"attachments": (Attachment("location", latitude=5.35, longitude=-4.01, label="Pharmacie"),)}),
    ("an odd place is no place", {"Body": "x", "Latitude": "nan", "Longitude": "far"}, {"text": "x"}),
    ("a type nobody knows is kept under its name", {"MessageType": "hologram"},
     {"attachments": (Attachment("hologram"),)}),
    ("a field nobody knows changes nothing", {"Body": "x", "Shiny": "1"}, {"text": "x"}),
    ("NumMedia that is no number", {"Body": "x", "NumMedia": "many"}, {"text": "x"}),
    ("an opt-out that Twilio matched", {"Body": "STOP", "OptOutType": "STOP"}, {"text": "STOP", "opt_out": "STOP"}),
    ("a request for help is no opt-out", {"Body": "HELP", "OptOutType": "HELP"}, {"text": "HELP"}),
]
SMS_CASES: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    ("a text", {"Body": "2"}, {"text": "2"}),
    ("French letters", {"Body": "déjà payé"}, {"text": "déjà payé"}),
    ("a number in another form", {"From": "2250700000001", "Body": "x"}, {"text": "x", "reply_to": "2250700000001"}),
    ("an opt-in", {"Body": "START", "OptOutType": "START"}, {"text": "START", "opt_out": "START"}),
    ("a blank body", {}, {}),
]
CASES = [
    *((ChannelName.WHATSAPP, *case) for case in WHATSAPP_CASES), *((ChannelName.SMS, *case) for case in SMS_CASES),
]


def reading(channel: ChannelName, form: dict[str, str], **how: str) -> Reading:
    path = f"/webhooks/{channel}/awa"
    return read(channel, request(path, form, **how), ACCOUNTS[channel], URL)


@pytest.mark.parametrize(("channel", "claim", "changes", "expected"), CASES)
def test_a_message_is_read(
    channel: ChannelName, claim: str, changes: dict[str, str], expected: dict[str, Any]
) -> None:
    form = BASE[channel] | changes
    assert reading(channel, form) == Parsed((received(channel, **expected),))
    assert reading(channel, form, token="old-token") == reading(channel, form)
    assert reading(channel, form, token="stolen") == Forbidden("bad signature")
    assert reading(channel, form | {"To": "+15550000000"}) == Forbidden("another To")
    assert reading(channel, form | {"AccountSid": "AC2"}) == Forbidden("another AccountSid")
    assert reading(channel, {k: v for k, v in form.items() if k not in ("MessageSid", "SmsSid")}) == Malformed(
        "no MessageSid"
    )
    assert reading(channel, {k: v for k, v in form.items() if k != "From"}) == Malformed("no From")


def test_a_sender_nobody_can_answer_is_kept_aside() -> None:
    assert isinstance(reading(ChannelName.SMS, BASE[ChannelName.SMS] | {"From": "ORANGE"}), Ignored)
    assert isinstance(reading(ChannelName.WHATSAPP, BASE[ChannelName.WHATSAPP] | {"From": "tel:+1"}), Ignored)


def test_the_signature_is_twilios_own() -> None:
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    form = {
        "CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234", "From": "+14158675309",
        "To": "+18005551212",
    }
    assert sign("12345", url, form.items()) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@pytest.mark.parametrize("form", [{"Body": "", "From": "x"}, {"Ünï": "é 😀", "B": "2", "A": "1"}, {}])
def test_the_signature_agrees_with_the_official_validator(form: dict[str, str]) -> None:
    assert sign("t", URL, form.items()) == RequestValidator("t").compute_signature(URL, form)


def test_a_repeated_name_is_signed_by_its_distinct_values_in_order() -> None:
    fields = [("A", "2"), ("A", "1"), ("A", "2")]
    assert sign("t", URL, fields) == RequestValidator("t").compute_signature(URL + "A1A2", {})


def test_a_signature_over_the_url_with_its_port_is_good() -> None:
    form = BASE[ChannelName.SMS] | {"Body": "x"}
    assert isinstance(reading(ChannelName.SMS, form, base="https://relais.example.ci:443"), Parsed)
    assert reading(ChannelName.SMS, form, base="https://evil.example") == Forbidden("bad signature")


@pytest.mark.parametrize("body", [b"\xff\xfe", b"&".join([b"a=1"] * 600), b'{"a": 1}', b""])
def test_what_is_no_form_of_twilio_is_forbidden(body: bytes) -> None:
    odd = WebhookRequest("/webhooks/sms/awa", {}, body, SHOP, 1000.0)
    assert isinstance(read(ChannelName.SMS, odd, SMS, URL), Forbidden)


STATUSES = [
    ("sent", "", MessageStatus.SENT, "twst:SM9:sent"),
    ("delivered", "", MessageStatus.DELIVERED, "twst:SM9:delivered"),
    ("read", "", MessageStatus.READ, "twst:SM9:read"),
    ("queued", "", MessageStatus.ACCEPTED, "twst:SM9:queued"),
    ("failed", "63012", MessageStatus.FAILED, "twst:SM9:failed:63012"),
    ("undelivered", "30003", MessageStatus.FAILED, "twst:SM9:undelivered:30003"),
    ("teleported", "", MessageStatus.UNKNOWN, "twst:SM9:teleported"),
]


def status_reading(form: dict[str, str], message_id: MessageId = MESSAGE, token: str = "new-token") -> Reading:
    path = status_callback(URL, SHOP, message_id).removeprefix(URL).partition("#")[0]
    return read_status(request(path, form, token), [WHATSAPP, SMS], URL)


@pytest.mark.parametrize(("word", "code", "status", "item_id"), STATUSES)
def test_a_status_names_its_message(word: str, code: str, status: MessageStatus, item_id: str) -> None:
    form = {"MessageSid": "SM9", "MessageStatus": word, "AccountSid": "AC1", "ErrorCode": code}
    assert status_reading(form) == Parsed((
        Reported(item_id, MESSAGE, "SM9", status, 1000.0, code or None, word),
    ))
    assert status_reading(form, token="stolen") == Forbidden("bad signature")
    assert status_reading(form | {"AccountSid": "AC2"}) == Forbidden("another AccountSid")
    assert status_reading(form | {"MessageSid": ""}) == Malformed("no MessageSid")


def test_a_status_for_no_message_of_ours_names_none() -> None:
    form = {"MessageSid": "SM9", "MessageStatus": "sent", "AccountSid": "AC1"}
    parsed = status_reading(form, MessageId("somebody-else"))
    assert isinstance(parsed, Parsed)
    assert [item.message_id for item in parsed.items if isinstance(item, Reported)] == [None]


def test_a_callback_without_a_status_is_kept_aside() -> None:
    assert status_reading({"MessageSid": "SM9", "AccountSid": "AC1"}) == Ignored("callback without MessageStatus")


def test_every_status_word_that_concerns_sending_is_known() -> None:
    words = set(json.loads(SPEC.read_text(encoding="utf-8"))["statuses"])
    unknown = {word for word in words if status_of(word) is MessageStatus.UNKNOWN}
    assert len(words) > 10
    assert unknown == {"receiving", "received", "partially_delivered"}


def test_twilio_is_told_to_try_again() -> None:
    assert OVERRIDES == "rc=3&rp=ct,rt,5xx"
    assert status_callback(URL, SHOP, MESSAGE) == (
        f"https://relais.example.ci/webhooks/twilio-status/awa?m={MESSAGE}#rc=3&rp=ct,rt,5xx"
    )


def test_secrets_stay_out_of_repr() -> None:
    assert "token" not in repr(WHATSAPP).replace("auth_token", "")


@pytest.mark.parametrize("tokens", [(), ("",), ("good", "")])
def test_an_account_without_a_token_cannot_be_made(tokens: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="not empty"):
        TwilioAccount("AC1", tokens, "+1")


TEXT = st.text(st.characters(exclude_categories=("Cs",)))


@given(
    st.lists(st.tuples(TEXT, TEXT)).map(urlencode)
    | st.text(alphabet="ab%+&=;é0F", max_size=40)
)
def test_form_fields_are_read_as_the_standard_library_reads_them(text: str) -> None:
    assert form_fields(text) == parse_qsl(text, keep_blank_values=True)
