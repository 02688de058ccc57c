"""What each webhook answers, in the order of the contract's checks."""

from __future__ import annotations

import random
from typing import Any

import httpx
import pytest

from tests.web.house import OTHER, OTHER_SID, OTHER_TOKEN, SHOP, SID, SMS, WHATSAPP, House

FORM = {
    "MessageSid": "SM" + "a" * 32,
    "AccountSid": SID,
    "From": "whatsapp:+2250700000001",
    "To": f"whatsapp:{WHATSAPP}",
    "Body": "Bonjour",
    "NumMedia": "0",
}
UPDATE: dict[str, Any] = {
    "update_id": 1,
    "message": {
        "message_id": 5,
        "date": 1_700_000_000,
        "chat": {"id": 77, "type": "private"},
        "from": {"id": 77, "is_bot": False, "first_name": "Awa"},
        "text": "Bonjour",
    },
}


async def test_a_signed_message_is_taken_and_answered_with_empty_twiml(house: House) -> None:
    answer = await house.twilio("whatsapp", FORM)
    assert (answer.status_code, answer.text) == (200, "<Response/>")
    assert answer.headers["content-type"].startswith("text/xml")
    assert house.lanes.puts == 1


async def test_a_repeat_is_answered_the_same(house: House) -> None:
    first, second = await house.twilio("whatsapp", FORM), await house.twilio("whatsapp", FORM)
    assert (first.status_code, first.content) == (second.status_code, second.content)


async def test_blank_fields_are_part_of_the_signature(house: House) -> None:
    place = {**FORM, "Body": "", "Latitude": "5.35", "Longitude": "-3.98", "Label": ""}
    assert (await house.twilio("whatsapp", place)).status_code == 200


async def test_an_unknown_shop_is_404_before_anything_is_read(house: House) -> None:
    path = "/webhooks/whatsapp/nobody"
    assert (await house.http.post(path, content=b"x" * 300_000)).status_code == 404


async def test_over_256_kb_is_413_before_the_signature_counts(house: House) -> None:
    answer = await house.http.post(f"/webhooks/whatsapp/{SHOP}", content=b"x" * (256 * 1024 + 1))
    assert (answer.status_code, house.lanes.puts) == (413, 0)


async def test_a_large_body_without_a_length_is_413(house: House) -> None:
    async def pieces() -> Any:
        for _ in range(40):
            yield b"x" * 10_000

    try:
        answer = await house.http.post(f"/webhooks/sms/{SHOP}", content=pieces())
    except (httpx.WriteError, httpx.ReadError):
        pytest.skip("the server hung up before the client had finished writing")
    assert answer.status_code == 413


async def test_exactly_256_kb_is_read(house: House) -> None:
    answer = await house.http.post(f"/webhooks/whatsapp/{SHOP}", content=b"x" * (256 * 1024))
    assert answer.status_code == 403


@pytest.mark.parametrize("kind", ["whatsapp", "sms", "twilio-status"])
async def test_a_bad_signature_is_403(house: House, kind: str) -> None:
    assert (await house.twilio(kind, FORM, token="wrong")).status_code == 403
    assert house.lanes.puts == 0


async def test_no_signature_at_all_is_403(house: House) -> None:
    assert (await house.http.post(f"/webhooks/whatsapp/{SHOP}", data=FORM)).status_code == 403


@pytest.mark.parametrize("change", [{"To": "whatsapp:+2250700000194"}, {"AccountSid": OTHER_SID}])
async def test_another_shops_number_or_account_is_403(house: House, change: dict[str, str]) -> None:
    assert (await house.twilio("whatsapp", {**FORM, **change})).status_code == 403
    assert house.lanes.puts == 0


async def test_a_message_signed_by_another_shop_is_403(house: House) -> None:
    assert (await house.twilio("whatsapp", FORM, shop=OTHER, token=OTHER_TOKEN)).status_code == 403


@pytest.mark.parametrize("missing", ["MessageSid", "From"])
async def test_no_message_id_or_no_sender_is_400(house: House, missing: str) -> None:
    form = {name: value for name, value in FORM.items() if name != missing}
    assert (await house.twilio("whatsapp", form)).status_code == 400
    assert house.lanes.puts == 0


async def test_a_store_that_is_down_is_503_with_retry_after(house: House) -> None:
    house.lanes.down = True
    try:
        answer = await house.twilio("whatsapp", FORM)
    finally:
        house.lanes.down = False
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_a_shop_without_the_channel_is_404(house: House) -> None:
    assert (await house.twilio("sms", FORM, shop=OTHER, token=OTHER_TOKEN)).status_code == 404


async def test_a_status_for_an_unknown_message_is_200(house: House) -> None:
    form = {
        "MessageSid": "SM" + "f" * 32,
        "AccountSid": SID,
        "MessageStatus": "delivered",
        "To": "whatsapp:+1",
    }
    assert (await house.twilio("twilio-status", form)).status_code == 200


async def test_an_sms_is_taken(house: House) -> None:
    form = {**FORM, "From": "+2250700000001", "To": SMS}
    assert (await house.twilio("sms", form)).text == "<Response/>"


async def test_a_telegram_update_is_answered_with_nothing(house: House) -> None:
    answer = await house.telegram(UPDATE)
    assert (answer.status_code, answer.content, house.lanes.puts) == (200, b"", 1)


async def test_a_wrong_telegram_secret_is_403(house: House) -> None:
    assert (await house.telegram(UPDATE, secret="guess")).status_code == 403


async def test_an_unknown_kind_of_update_is_200_and_kept_raw(house: House) -> None:
    answer = await house.telegram({"update_id": 9, "something_new": {"a": 1}})
    assert (answer.status_code, len(house.kept), house.lanes.puts) == (200, 1, 0)


async def test_a_tap_is_acknowledged_after_it_is_durable(house: House) -> None:
    tap = {"id": "cb1", "from": UPDATE["message"]["from"], "message": UPDATE["message"], "data": "1.2.0.abc"}
    assert (await house.telegram({"update_id": 10, "callback_query": tap})).status_code == 200
    assert (house.lanes.puts, house.acknowledged) == (1, [(SHOP, "cb1")])


async def test_a_get_is_405_with_allow(house: House) -> None:
    answer = await house.http.get(f"/webhooks/whatsapp/{SHOP}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.headers["content-type"].startswith("text/plain")


async def test_a_thousand_random_bodies_never_break_it_and_write_nothing(house: House) -> None:
    rng = random.Random(20211004)
    statuses = set()
    for number in range(1000):
        kind = rng.choice(["whatsapp", "sms", "twilio-status", "telegram"])
        body = rng.randbytes(rng.randrange(400)) if number % 2 else _almost(rng)
        headers = rng.choice(
            [
                {},
                {b"X-Twilio-Signature": bytes(rng.choice(b"abc=+/\xc3\xff") for _ in range(28))},
                {b"X-Telegram-Bot-Api-Secret-Token": b"\xff\xc3"},
                {"Content-Type": "application/json"},
                {"Content-Type": "multipart/form-data; boundary=x"},
            ]
        )
        statuses.add(
            (await house.http.post(f"/webhooks/{kind}/{SHOP}", content=body, headers=headers)).status_code
        )
    assert statuses == {403}
    assert house.lanes.puts == 0


def _almost(rng: random.Random) -> bytes:
    names = [*FORM, "%zz", "MessageStatus", "\x00"]
    return "&".join(f"{rng.choice(names)}={rng.choice(names)}" for _ in range(rng.randrange(30))).encode()


async def test_authentic_nonsense_from_telegram_is_never_a_5xx(house: House) -> None:
    rng = random.Random(20240314)
    values: list[Any] = [None, 0, -1, "", "x", [], {}, {"id": "a"}, 2**70, True, {"chat": {}}, [1]]
    statuses = set()
    for _ in range(300):
        names = ["update_id", "message", "callback_query", "edited_message", "my_chat_member", "poll"]
        update = {name: rng.choice(values) for name in rng.sample(names, rng.randrange(len(names)))}
        statuses.add((await house.telegram(update)).status_code)
    assert statuses <= {200, 400}
