"""After the 201: statuses in order, signed; and every ordinary reason why a message does not arrive."""

from __future__ import annotations

from aiohttp import web
from twilio.request_validator import RequestValidator

from tests.simulator.stage import Heard, Stage


def signed(stage: Stage, heard: Heard, channel: str = "whatsapp", shop: str = "robe") -> bool:
    """Ask Twilio's own validator."""
    token = stage.sender(channel, shop).auth_token
    return bool(RequestValidator(token).validate(heard.url, heard.form, heard.headers["X-Twilio-Signature"]))


async def test_statuses_come_signed_and_in_order_without_the_first(on_stage: Stage) -> None:
    await on_stage.open_window()
    sid = (await on_stage.send())["sid"]
    await on_stage.until(lambda: on_stage.statuses(sid) == ["sent", "delivered", "read"])
    heard = on_stage.door.at("/webhooks/twilio-status")
    assert [signed(on_stage, one) for one in heard] == [True, True, True]
    assert heard[0].url.endswith("/webhooks/twilio-status/robe?d=1")
    assert heard[0].form["To"] == on_stage.aya.whatsapp
    assert heard[2].form["EventType"] == "READ"


async def test_sms_ends_with_delivered(on_stage: Stage) -> None:
    sid = (await on_stage.send("Votre commande", channel="sms"))["sid"]
    await on_stage.until(lambda: on_stage.statuses(sid) == ["sent", "delivered"])
    assert on_stage.door.at("/webhooks/twilio-status")[1].form["RawDlrDoneDate"].isdigit()


async def test_name_as_sender_reaches_the_phone(on_stage: Stage) -> None:
    await on_stage.send("Votre lien", channel="sms")
    assert (await on_stage.shown("Votre lien", "sms"))["from"] == "ROBE CIE"


async def test_free_text_outside_the_window_is_accepted_then_fails_63016(on_stage: Stage) -> None:
    sent = await on_stage.send()
    await on_stage.until(lambda: on_stage.statuses(sent["sid"]) == ["failed"])
    form = on_stage.door.at("/webhooks/twilio-status")[0].form
    assert form["ErrorCode"] == "63016"
    assert form["ChannelStatusMessage"].startswith("Failed to send freeform message")


async def test_window_closes_24_hours_after_the_last_word(on_stage: Stage) -> None:
    await on_stage.open_window()
    await on_stage.sim("clock", advance=23.9 * 3600)
    first = await on_stage.send("à temps")
    await on_stage.until(lambda: "delivered" in on_stage.statuses(first["sid"]))
    await on_stage.sim("clock", advance=0.2 * 3600)
    second = await on_stage.send("trop tard")
    await on_stage.until(lambda: on_stage.statuses(second["sid"]) == ["failed"])


async def test_approved_template_goes_outside_the_window(on_stage: Stage) -> None:
    _, made = await on_stage.twilio("POST", "/v1/Content", json_body={
        "language": "fr", "types": {"twilio/text": {"body": "Bonjour {{1}}, on reprend ?"}}})
    await on_stage.twilio("POST", f"/v1/Content/{made['sid']}/ApprovalRequests/whatsapp",
                          json_body={"name": "resume", "category": "UTILITY"})
    await on_stage.send("", ContentSid=made["sid"], ContentVariables='{"1": "Aya"}')
    assert await on_stage.shown("Bonjour Aya, on reprend ?")


async def test_numbers_nobody_has_fail_as_the_channel_says(on_stage: Stage) -> None:
    whatsapp = await on_stage.send(To="whatsapp:+2250799999999")
    sms = await on_stage.send(channel="sms", To="+2250799999999")
    await on_stage.until(lambda: on_stage.statuses(whatsapp["sid"]) == ["failed"])
    await on_stage.until(lambda: on_stage.statuses(sms["sid"]) == ["undelivered"])
    codes = [on_stage.simulator.world.messages[m["sid"]].error_code for m in (whatsapp, sms)]
    assert codes == [63024, 30005]


async def test_phone_that_is_off_gets_it_when_it_is_on_again(on_stage: Stage) -> None:
    await on_stage.open_window()
    await on_stage.sim("person", person="aya", power="off")
    sid = (await on_stage.send())["sid"]
    await on_stage.until(lambda: on_stage.statuses(sid) == ["sent"])
    assert [m for m in await on_stage.phone() if m["direction"] == "out"] == []
    await on_stage.sim("person", person="aya", power="on")
    await on_stage.until(lambda: on_stage.statuses(sid) == ["sent", "delivered", "read"])


async def test_reading_is_reported_when_the_person_opens_the_chat(on_stage: Stage) -> None:
    await on_stage.open_window()
    await on_stage.sim("person", person="aya", reads=False)
    sid = (await on_stage.send())["sid"]
    await on_stage.until(lambda: on_stage.statuses(sid) == ["sent", "delivered"])
    assert await on_stage.sim("read", person="aya", shop="robe") == {"read": 1}
    await on_stage.until(lambda: on_stage.statuses(sid)[-1] == "read")


async def test_callback_is_repeated_as_its_fragment_says(on_stage: Stage) -> None:
    await on_stage.open_window()
    await on_stage.sim("person", person="aya", power="off")
    on_stage.door.answers = [web.Response(status=503), "cut", web.Response(status=200)]
    sid = (await on_stage.send())["sid"]
    await on_stage.until(lambda: on_stage.statuses(sid) == ["sent", "sent", "sent"])
    tokens = {one.headers.get("I-Twilio-Idempotency-Token") for one in on_stage.door.heard}
    assert len(tokens) == 2 and None in tokens


async def test_without_a_fragment_a_5xx_is_not_repeated(on_stage: Stage) -> None:
    await on_stage.open_window()
    on_stage.door.answers = [web.Response(status=503)]
    sid = (await on_stage.send(StatusCallback=f"{on_stage.door.url}/webhooks/twilio-status/x"))["sid"]
    await on_stage.until(lambda: "read" in on_stage.statuses(sid))
    assert on_stage.statuses(sid) == ["sent", "delivered", "read"]
    assert (await on_stage.get("/sim/state"))["alarms"][0]["code"] == 11200


async def test_messaging_service_hides_the_sender_at_first(on_stage: Stage) -> None:
    await on_stage.open_window()
    sent = await on_stage.send(From="", MessagingServiceSid="MG" + "a" * 32)
    assert (sent["status"], sent["from"], sent["num_segments"]) == ("accepted", None, "0")
    await on_stage.until(lambda: "delivered" in on_stage.statuses(sent["sid"]))
    assert on_stage.door.heard[0].form["MessagingServiceSid"] == "MG" + "a" * 32
