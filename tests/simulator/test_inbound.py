"""What a shopper writes reaches the shop's webhook as Twilio sends it."""

from __future__ import annotations

import json

import pytest
from aiohttp import web

from tests.simulator.stage import Heard, Stage
from tests.simulator.test_twilio_journeys import signed


async def arrived(stage: Stage, channel: str = "whatsapp", shop: str = "robe", count: int = 1) -> list[Heard]:
    path = f"/webhooks/{channel}/{shop}"
    await stage.until(lambda: len(stage.door.at(path)) >= count)
    return stage.door.at(path)


async def test_whatsapp_text_carries_identity_and_signature(on_stage: Stage) -> None:
    await on_stage.write("Bonsoir, ça coûte ? + & =")
    (heard,) = await arrived(on_stage)
    assert signed(on_stage, heard)
    form = heard.form
    assert form["Body"] == "Bonsoir, ça coûte ? + & ="
    assert (form["From"], form["To"]) == ("whatsapp:+2250700000001", "whatsapp:+2250700000190")
    assert (form["WaId"], form["ProfileName"], form["MessageType"]) == ("2250700000001", "Aya Koffi", "text")
    assert form["ExternalUserId"] == f"whatsapp:{on_stage.aya.external_id}"
    assert form["MessageSid"] == form["SmsSid"] == form["SmsMessageSid"]
    assert json.loads(form["ChannelMetadata"])["data"]["context"]["WaId"] == form["WaId"]


async def test_hidden_number_shows_only_the_opaque_id(on_stage: Stage) -> None:
    await on_stage.sim("whatsapp", person="mariam", shop="robe", text="bjr")
    form = (await arrived(on_stage))[0].form
    assert form["From"] == form["ExternalUserId"]
    assert form["From"].startswith("whatsapp:CI.")
    assert "WaId" not in form


async def test_number_from_before_2021_is_sent_with_eight_digits(on_stage: Stage) -> None:
    await on_stage.sim("whatsapp", person="yao", shop="robe", text="bjr")
    form = (await arrived(on_stage))[0].form
    assert (form["From"], form["WaId"]) == ("whatsapp:+22500000003", "22500000003")
    await on_stage.send(To=form["From"])
    found = await on_stage.until(lambda: on_stage.get("/sim/messages", person="yao", channel="whatsapp"))
    assert found["messages"]


@pytest.mark.parametrize(("what", "names"), [
    ({"media": "image"}, {"MediaUrl0", "MediaContentType0"}), ({"media": "sticker"}, {"MediaUrl0"}),
    ({"location": {"latitude": 5.36, "longitude": -3.99, "label": "Maquis"}}, {"Latitude", "Longitude", "Label"}),
])
async def test_media_and_location_have_an_empty_body_that_is_signed(
    on_stage: Stage, what: dict[str, object], names: set[str]
) -> None:
    await on_stage.sim("whatsapp", person="aya", shop="robe", **what)
    (heard,) = await arrived(on_stage)
    assert heard.form["Body"] == ""
    assert signed(on_stage, heard)
    assert names <= set(heard.form)


async def test_tap_on_a_button_names_the_message_it_answers(on_stage: Stage) -> None:
    await on_stage.open_window()
    _, made = await on_stage.twilio("POST", "/v1/Content", json_body={"language": "fr", "types": {
        "twilio/quick-reply": {"body": "On confirme ?", "actions": [{"title": "Oui", "id": "signed.1"}]}}})
    sent = await on_stage.send("", ContentSid=made["sid"])
    await on_stage.shown("On confirme ?")
    await on_stage.sim("whatsapp", person="aya", shop="robe",
                       button={"message_sid": sent["sid"], "payload": "signed.1"})
    form = (await arrived(on_stage))[-1].form
    assert (form["Body"], form["ButtonText"], form["ButtonPayload"]) == ("Oui", "Oui", "signed.1")
    assert (form["MessageType"], form["OriginalRepliedMessageSid"]) == ("interactive", sent["sid"])


async def test_tap_on_a_list_row_carries_its_id(on_stage: Stage) -> None:
    await on_stage.open_window()
    _, made = await on_stage.twilio("POST", "/v1/Content", json_body={"language": "fr", "types": {
        "twilio/list-picker": {"body": "Quoi ?", "button": "Voir", "items": [{"item": "Robe", "id": "r1"}]}}})
    sent = await on_stage.send("", ContentSid=made["sid"])
    assert (await on_stage.shown("Quoi ?"))["list_button"] == "Voir"
    await on_stage.sim("whatsapp", person="aya", shop="robe",
                       button={"message_sid": sent["sid"], "payload": "r1"})
    form = (await arrived(on_stage))[-1].form
    assert (form["ListId"], form["ListTitle"], form["Body"]) == ("r1", "Robe", "Robe")


async def test_button_that_was_never_shown_cannot_be_tapped(on_stage: Stage) -> None:
    async with on_stage.http.post(f"{on_stage.url}/sim/whatsapp", json={
        "person": "aya", "shop": "robe", "button": {"message_sid": "SM0", "payload": "x"}}) as answer:
        assert answer.status == 409


async def test_messages_of_one_phone_arrive_in_order(on_stage: Stage) -> None:
    for number in range(8):
        await on_stage.write(f"n{number}")
    heard = await arrived(on_stage, count=8)
    assert [one.form["Body"] for one in heard] == [f"n{number}" for number in range(8)]


async def test_webhook_is_repeated_after_5xx_and_a_cut(on_stage: Stage) -> None:
    on_stage.door.answers = [web.Response(status=500), "cut"]
    await on_stage.write("bonjour")
    heard = await arrived(on_stage, count=3)
    assert len({one.form["MessageSid"] for one in heard}) == 1
    assert "I-Twilio-Idempotency-Token" not in heard[0].headers
    assert "I-Twilio-Idempotency-Token" in heard[1].headers


async def test_plain_text_answer_is_sent_to_the_shopper(on_stage: Stage) -> None:
    on_stage.door.answers = [web.Response(text="ok", content_type="text/plain")]
    await on_stage.write("bonjour")
    assert await on_stage.shown("ok")


async def test_sms_to_a_name_is_impossible(on_stage: Stage) -> None:
    async with on_stage.http.post(f"{on_stage.url}/sim/sms", json={
        "person": "aya", "shop": "robe", "text": "oui"}) as answer:
        assert answer.status == 409
        assert "impossible" in (await answer.json())["error"]


async def test_sms_to_a_number_arrives_signed(on_stage: Stage) -> None:
    await on_stage.write("je prends 2", channel="sms", shop="sac")
    (heard,) = await arrived(on_stage, "sms", "sac")
    assert signed(on_stage, heard, "sms", "sac")
    assert (heard.form["From"], heard.form["FromCity"]) == ("+2250700000001", "")


async def test_stop_blocks_until_start_and_still_reaches_the_webhook(on_stage: Stage) -> None:
    await on_stage.write("Stop", channel="sms", shop="sac")
    assert (await arrived(on_stage, "sms", "sac"))[0].form["OptOutType"] == "STOP"
    form = {"From": on_stage.sender("sms", "sac").address, "To": on_stage.aya.number, "Body": "x"}
    status, answer = await on_stage.twilio("POST", "Messages.json", shop="sac", **form)
    assert (status, answer["code"]) == (400, 21610)
    await on_stage.write("START", channel="sms", shop="sac")
    await arrived(on_stage, "sms", "sac", count=2)
    assert (await on_stage.twilio("POST", "Messages.json", shop="sac", **form))[0] == 201
