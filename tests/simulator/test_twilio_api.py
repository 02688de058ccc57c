"""Twilio's REST API: what it answers, held against Twilio's OpenAPI and driven by Twilio's client."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from tests.simulator import schemas
from tests.simulator.stage import Stage

API, CONTENT = "twilio_api_v2010_messages.json", "twilio_content_v1.json"
LIST = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
ONE = "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json"
# Twilio's own client still signs in with a class that aiohttp means to remove.
TWILIOS_CLIENT = pytest.mark.filterwarnings("ignore::DeprecationWarning:twilio.*", "ignore::DeprecationWarning:aiohttp.*")
QUICK_REPLY = {"language": "fr", "types": {"twilio/quick-reply": {
    "body": "{{1}}", "actions": [{"title": "Oui", "id": "{{2}}"}, {"title": "Non", "id": "n"}]}}}
PICKER = {"language": "fr", "types": {"twilio/list-picker": {
    "body": "Choisir", "button": "Voir", "items": [{"item": "Robe", "id": "r1", "description": "wax"}]}}}


@asynccontextmanager
async def official(stage: Stage) -> AsyncIterator[Client]:
    sender = stage.sender()
    http = AsyncTwilioHttpClient()
    client = Client(sender.account_sid, sender.auth_token, http_client=http)
    client.api.base_url = client.content.base_url = stage.url
    try:
        yield client
    finally:
        await http.close()


async def content(stage: Stage, body: dict[str, Any]) -> tuple[int, Any]:
    return await stage.twilio("POST", "/v1/Content", json_body=body)


async def test_created_listed_and_fetched_messages_match_the_openapi(on_stage: Stage) -> None:
    await on_stage.open_window()
    created = await on_stage.send("Bonjour ç")
    schemas.twilio_answer(API, LIST, "post", 201, created)
    assert (created["status"], created["direction"], created["date_sent"]) == ("queued", "outbound-api", None)
    await on_stage.until(lambda: "read" in on_stage.statuses(created["sid"]))
    _, listed = await on_stage.twilio("GET", "Messages.json")
    schemas.twilio_answer(API, LIST, "get", 200, listed)
    assert [m["direction"] for m in listed["messages"]] == ["outbound-api", "inbound"]
    _, fetched = await on_stage.twilio("GET", f"Messages/{created['sid']}.json")
    schemas.twilio_answer(API, ONE, "get", 200, fetched)
    assert fetched == listed["messages"][0]


async def test_account_matches_the_openapi(on_stage: Stage) -> None:
    sid = on_stage.sender().account_sid
    status, answer = await on_stage.twilio("GET", f"/2010-04-01/Accounts/{sid}.json")
    assert status == 200
    schemas.twilio_answer(API, "/2010-04-01/Accounts/{Sid}.json", "get", 200, answer)


async def test_wrong_token_or_other_account_is_401_with_20003(on_stage: Stage) -> None:
    status, answer = await on_stage.twilio("GET", "Messages.json", token="0" * 32)
    assert (status, answer["code"], answer["status"]) == (401, 20003, 401)
    other = on_stage.sender(shop="sac").account_sid
    status, answer = await on_stage.twilio("GET", f"/2010-04-01/Accounts/{other}/Messages.json")
    assert (status, answer["code"]) == (401, 20003)


@pytest.mark.parametrize(("change", "code"), [
    ({"To": ""}, 21604), ({"To": "0700000001"}, 21211), ({"To": "whatsapp:abc"}, 21211),
    ({"To": "+2250700000001"}, 21910), ({"From": "whatsapp:+2250700000777"}, 63007), ({"From": ""}, 21603),
    ({"Body": ""}, 21602), ({"Body": "x" * 1601}, 21617), ({"ValidityPeriod": "36001"}, 20001),
    ({"ValidityPeriod": "0"}, 20001), ({"StatusCallback": "http://a_b.example/x"}, 21609),
    ({"ContentSid": "HX" + "0" * 32}, 21655), ({"ContentVariables": "{}"}, 21654),
    ({"MediaUrl": "ftp://x/y"}, 21620), ({"From": "+2250700000777", "To": "+2250700000001"}, 21606),
    ({"From": "trop long pour un nom", "To": "+2250700000001"}, 21212),
])
async def test_bad_parameter_gets_its_code(on_stage: Stage, change: dict[str, str], code: int) -> None:
    form = {"From": on_stage.sender().address, "To": on_stage.aya.whatsapp, "Body": "x"} | change
    status, answer = await on_stage.twilio("POST", "Messages.json", **form)
    assert (status, answer["code"]) == (400, code)
    assert set(answer) == {"code", "message", "more_info", "status"}


async def test_deleted_message_is_gone(on_stage: Stage) -> None:
    await on_stage.open_window()
    sid = (await on_stage.send())["sid"]
    await on_stage.until(lambda: "read" in on_stage.statuses(sid))
    assert (await on_stage.twilio("DELETE", f"Messages/{sid}.json"))[0] == 204
    assert (await on_stage.twilio("GET", f"Messages/{sid}.json"))[1]["code"] == 20404


@TWILIOS_CLIENT
async def test_official_client_sends_lists_in_pages_and_filters(on_stage: Stage) -> None:
    await on_stage.open_window()
    async with official(on_stage) as client:
        for number in range(5):
            await client.messages.create_async(
                from_=on_stage.sender().address, to=on_stage.aya.whatsapp, body=f"n{number}")
        await on_stage.shown("n4")
        found = await client.messages.list_async(to=on_stage.aya.whatsapp, page_size=2)
        assert sorted(m.body or "" for m in found) == ["n0", "n1", "n2", "n3", "n4"]
        today = datetime.now(UTC)
        inbound = await client.messages.list_async(to=on_stage.sender().address, date_sent_after=today)
        assert [m.body for m in inbound] == ["bonjour"]
        assert await client.messages.list_async(date_sent_before=datetime(2021, 10, 4, tzinfo=UTC)) == []
        assert len(await client.messages.list_async(date_sent=today.date())) == 6


@TWILIOS_CLIENT
async def test_official_client_reads_the_error(on_stage: Stage) -> None:
    async with official(on_stage) as client:
        with pytest.raises(TwilioRestException) as caught:
            await client.messages.create_async(from_=on_stage.sender().address, to="whatsapp:+1", body="x")
    assert (caught.value.status, caught.value.code) == (400, 21211)


async def test_content_resource_matches_the_openapi(on_stage: Stage) -> None:
    status, created = await content(on_stage, QUICK_REPLY)
    assert status == 201
    schemas.twilio_answer(CONTENT, "/v1/Content", "post", 201, created)
    _, fetched = await on_stage.twilio("GET", f"/v1/Content/{created['sid']}")
    assert fetched == created
    _, listed = await on_stage.twilio("GET", "/v1/Content")
    schemas.twilio_answer(CONTENT, "/v1/Content", "get", 200, listed)
    assert listed["contents"] == [created]


@pytest.mark.parametrize(("kind", "change"), [
    ("twilio/quick-reply", {"body": "x" * 1025}), ("twilio/quick-reply", {"actions": []}),
    ("twilio/quick-reply", {"actions": [{"title": "t" * 21, "id": "1"}]}),
    ("twilio/quick-reply", {"actions": [{"title": "t", "id": "i" * 201}]}),
    ("twilio/list-picker", {"items": [{"item": "a", "id": str(i)} for i in range(11)]}),
    ("twilio/list-picker", {"items": [{"item": "a" * 25, "id": "1"}]}),
    ("twilio/list-picker", {"items": [{"item": "a", "id": "1", "description": "d" * 73}]}),
])
async def test_content_over_a_limit_is_refused(on_stage: Stage, kind: str, change: dict[str, Any]) -> None:
    good = {**QUICK_REPLY["types"], **PICKER["types"]}[kind]  # type: ignore[dict-item]
    status, _ = await content(on_stage, {"language": "fr", "types": {kind: {**good, **change}}})
    assert status == 400


async def test_content_is_filled_in_and_its_buttons_shown(on_stage: Stage) -> None:
    await on_stage.open_window()
    _, made = await content(on_stage, QUICK_REPLY)
    await on_stage.send("", ContentSid=made["sid"], ContentVariables=json.dumps({"1": "On confirme ?", "2": "k9"}))
    message = await on_stage.shown("On confirme ?")
    assert message["buttons"] == [{"id": "k9", "title": "Oui"}, {"id": "n", "title": "Non"}]


async def test_content_that_grew_over_a_limit_fails_by_callback(on_stage: Stage) -> None:
    await on_stage.open_window()
    _, made = await content(on_stage, QUICK_REPLY)
    sent = await on_stage.send("", ContentSid=made["sid"], ContentVariables=json.dumps({"1": "x" * 1025}))
    await on_stage.until(lambda: on_stage.statuses(sent["sid"]) == ["failed"])
    assert on_stage.simulator.world.messages[sent["sid"]].error_code == 63021


async def test_approval_is_for_quick_replies_not_for_lists(on_stage: Stage) -> None:
    found = []
    for body in (QUICK_REPLY, PICKER):
        _, made = await content(on_stage, body)
        _, approval = await on_stage.twilio(
            "POST", f"/v1/Content/{made['sid']}/ApprovalRequests/whatsapp",
            json_body={"name": "resume", "category": "UTILITY"})
        schemas.twilio_answer(
            CONTENT, "/v1/Content/{ContentSid}/ApprovalRequests/whatsapp", "post", 201, approval)
        found.append(approval["status"])
    assert found == ["approved", "rejected"]
