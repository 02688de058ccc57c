"""REST: keys, scopes, isolation, lists, errors, and what goes through the lane."""

from __future__ import annotations

import re
from typing import Any

import pytest
from openapi_spec_validator import validate

from bot.core.addresses import ChannelName, home_lane
from bot.web.api import models, openapi
from bot.web.api.operations import Operation
from bot.web.api.table import OPERATIONS, PREFIX
from tests.web.house import SHOP, House, open_house
from tests.web.test_webhooks import FORM

LANE = home_lane(SHOP, "whatsapp:+2250700000001")
UNKNOWN = {"conversation_id": "f" * 20, "channel": "pigeon", "order_id": "o-x"}


def path_of(operation: Operation, **values: str) -> str:
    return PREFIX + re.sub(r"{(\w+)}", lambda name: values.get(name[1], "unknown"), operation.path)


async def call(house: House, operation: Operation, path: str, key: str | None = "k-awa") -> Any:
    headers = house.api(key) if key else {}
    return await house.http.request(
        operation.method, path, headers=headers, json=dict(operation.example) if operation.example else None
    )


async def with_conversation(house: House) -> None:
    """A shopper has written on WhatsApp, and was answered."""
    await house.twilio("whatsapp", FORM)
    for _ in range(100):
        found = await house.http.get(f"{PREFIX}/conversations/{LANE}", headers=house.api())
        if found.status_code == 200:
            return
    raise AssertionError("the conversation did not appear")


def fill(house: House, shop: str) -> None:
    """One object of every kind in a shop's ledger."""
    for kind, id_, fields in (
        ("orders", "o1", {"id": "o1"}),
        ("customers", "c1", {"id": "c1"}),
        ("products", "p1", {"product_id": "p1"}),
        ("zones", "Cocody", {"commune": "Cocody"}),
        ("conversations", "e" * 20, {"id": "e" * 20}),
        ("messages", "m1", {"id": "m1"}),
        ("incidents", "i1", {"id": "i1"}),
        ("call_list", "x", {"conversation_id": "e" * 20}),
    ):
        house.shelf.put(shop, kind, id_, **fields)


OWN = {
    "order_id": "o1",
    "customer_id": "c1",
    "product_id": "p1",
    "commune": "Cocody",
    "conversation_id": LANE,
    "channel": "whatsapp",
}


def test_the_table_holds_the_read_side() -> None:
    paths = {operation.path for operation in OPERATIONS}
    assert {
        "/orders",
        "/conversations",
        "/products",
        "/zones",
        "/customers",
        "/incidents",
        "/channels",
    } <= paths


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
async def test_every_operation_needs_a_key_and_its_scope(house: House, operation: Operation) -> None:
    path = path_of(operation, **OWN)
    for headers in (
        {},
        {"Authorization": "Bearer nobody"},
        {"Authorization": "Basic k-awa"},
        {b"Authorization": b"Bearer \xff"},
    ):
        answer = await house.http.request(operation.method, path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"
    poor = await call(house, operation, path, "k-poor")
    assert (poor.status_code, poor.json()["type"]) == (403, "/problems/forbidden")


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.many], ids=lambda operation: operation.id)
@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=-1", "limit=1e2"])
async def test_a_limit_out_of_range_is_422_without_the_value(
    house: House, operation: Operation, query: str
) -> None:
    await with_conversation(house)
    answer = await call(house, operation, f"{path_of(operation, **OWN)}?{query}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["limit"]


async def test_lists_are_walked_by_cursor(house: House) -> None:
    for number in range(5):
        house.shelf.put(SHOP, "orders", f"o{number}", id=f"o{number}")
    seen, cursor, pages = [], "", 0
    while cursor is not None:
        query = f"?limit=2&cursor={cursor}" if cursor else "?limit=2"
        body = (await house.http.get(f"{PREFIX}/orders{query}", headers=house.api())).json()
        seen += [item["id"] for item in body["items"]]
        cursor, pages = body["next_cursor"], pages + 1
    assert (seen, pages) == ([f"o{n}" for n in range(5)], 3)


async def test_a_foreign_cursor_is_422(house: House) -> None:
    answer = await house.http.get(f"{PREFIX}/orders?cursor=bogus", headers=house.api())
    assert answer.json()["errors"][0]["field"] == "cursor"


async def test_a_conversation_is_shown_as_committed(house: House) -> None:
    await with_conversation(house)
    body = (await house.http.get(f"{PREFIX}/conversations/{LANE}", headers=house.api())).json()
    shown = models.Conversation.model_validate(body)
    assert (shown.id, shown.shop_id, shown.status, shown.channel) == (LANE, SHOP, "bot", "whatsapp")
    assert "whatsapp:+2250700000001" in {known.address for known in shown.customer.addresses}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["last_message_at"])


@pytest.mark.parametrize(
    "address", ["whatsapp:+2250700000001", "whatsapp:07 00 00 00 01", "whatsapp:2250700000001"]
)
async def test_a_conversation_is_found_by_address(house: House, address: str) -> None:
    await with_conversation(house)
    body = (
        await house.http.get(f"{PREFIX}/conversations", params={"address": address}, headers=house.api())
    ).json()
    assert [item["id"] for item in body["items"]] == [LANE]
    other = await house.http.get(
        f"{PREFIX}/conversations", params={"address": address}, headers=house.api("k-coton")
    )
    assert other.json()["items"] == []


async def test_the_vendor_says_something_once(house: House) -> None:
    await with_conversation(house)
    url, headers = f"{PREFIX}/conversations/{LANE}/messages", {**house.api(), "Idempotency-Key": '"k1"'}
    first = await house.http.post(url, headers=headers, json={"text": "C'est prêt"})
    again = await house.http.post(
        url, headers={**headers, "Idempotency-Key": "k1"}, json={"text": "C'est prêt"}
    )
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    models.Message.model_validate(first.json())
    assert house.phones[ChannelName.WHATSAPP].texts.count("C'est prêt") == 1
    assert (await house.conversation(LANE)).human is False


async def test_the_same_words_said_twice_are_two_messages(house: House) -> None:
    await with_conversation(house)
    url = f"{PREFIX}/conversations/{LANE}/messages"
    ids = {
        (await house.http.post(url, headers=house.api(), json={"text": "Oui"})).json()["id"] for _ in range(2)
    }
    assert len(ids) == 2


async def test_a_used_key_with_another_body_is_422(house: House) -> None:
    await with_conversation(house)
    url, headers = f"{PREFIX}/conversations/{LANE}/messages", {**house.api(), "Idempotency-Key": "k2"}
    assert (await house.http.post(url, headers=headers, json={"text": "un"})).status_code == 201
    answer = await house.http.post(url, headers=headers, json={"text": "deux"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"text":""}',
        b'{"text":3}',
        b'{"text":"a","secret-word":"b"}',
        b"\xff\xfe",
        b"null",
        b'{"text":"\\u0000"}',
    ],
)
async def test_a_bad_body_is_422_and_nothing_of_it_is_repeated(house: House, body: bytes) -> None:
    await with_conversation(house)
    answer = await house.http.post(
        f"{PREFIX}/conversations/{LANE}/messages", headers=house.api(), content=body
    )
    assert answer.status_code == 422
    assert answer.json()["errors"] and "secret-word" not in answer.text


async def test_takeover_and_release_show_in_the_answer_and_done_twice_are_the_same(house: House) -> None:
    await with_conversation(house)
    for verb, status in (
        ("takeover", "human"),
        ("takeover", "human"),
        ("release", "bot"),
        ("release", "bot"),
    ):
        answer = await house.http.post(f"{PREFIX}/conversations/{LANE}/{verb}", headers=house.api())
        assert (answer.status_code, answer.json()["status"]) == (200, status)
        seen = await house.http.get(f"{PREFIX}/conversations/{LANE}", headers=house.api())
        assert seen.json()["status"] == status


async def test_force_shows_at_once_and_auto_ends_it(house: House) -> None:
    url = f"{PREFIX}/channels/whatsapp/force"
    forced = await house.http.post(url, headers=house.api(), json={"state": "down", "reason": "essai"})
    assert (forced.json()["state"], forced.json()["forced"]) == ("down", "down")
    listed = (await house.http.get(f"{PREFIX}/channels", headers=house.api())).json()["items"]
    assert {item["channel"]: item["state"] for item in listed}["whatsapp"] == "down"
    models.ChannelShape.model_validate(listed[0])
    ended = await house.http.post(url, headers=house.api(), json={"state": "auto", "reason": "fini"})
    assert (ended.json()["state"], ended.json()["forced"]) == ("up", None)


async def test_a_method_that_is_not_there_is_405_with_allow_also_on_paths_with_parameters(
    house: House,
) -> None:
    for path, allow in (
        (f"{PREFIX}/orders/o1", "GET, PATCH"),
        (f"{PREFIX}/orders", "GET, POST"),
        (f"{PREFIX}/conversations/x/messages", "GET, POST"),
    ):
        answer = await house.http.delete(path, headers=house.api())
        assert (answer.status_code, answer.headers["allow"]) == (405, allow)
        assert answer.json()["type"] == "/problems/method-not-allowed"


async def test_errors_before_routing_are_problems_with_a_request_id(house: House) -> None:
    nowhere = await house.http.get("/nowhere")
    large = await house.http.post(
        f"{PREFIX}/conversations/x/messages", headers=house.api(), content=b"x" * 300_000
    )
    assert [nowhere.status_code, large.status_code] == [404, 413]
    for answer in (nowhere, large):
        body = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert body["status"] == answer.status_code
        assert body["instance"] == f"urn:relais:request:{answer.headers['request-id']}"


async def test_the_clients_request_id_is_not_ours(house: House) -> None:
    answer = await house.http.get("/healthz", headers={"X-Request-ID": "chosen"})
    assert answer.headers["request-id"] != "chosen"


async def test_without_the_store_the_lane_calls_are_503_with_retry_after(house: House) -> None:
    await with_conversation(house)
    house.lanes.down = True
    answer = await house.http.post(f"{PREFIX}/conversations/{LANE}/takeover", headers=house.api())
    house.lanes.down = False
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)


async def test_without_a_worker_a_lane_call_is_503_after_five_seconds() -> None:
    async with open_house(work=False) as house:
        house.shelf.put(SHOP, "conversations", LANE, id=LANE)
        answer = await house.http.post(f"{PREFIX}/conversations/{LANE}/takeover", headers=house.api())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_health(house: House) -> None:
    assert (await house.http.get("/healthz")).status_code == 200
    ready = await house.http.get("/readyz")
    assert (ready.status_code, ready.json()["durability"], ready.json()["model"]) == (200, "fsync", "ready")
    house.model_ready = False
    assert (await house.http.get("/readyz")).status_code == 503
    await house.twilio("whatsapp", FORM)
    await house.twilio("whatsapp", FORM, token="wrong")
    numbers = (await house.http.get("/metrics")).text
    assert 'relais_webhooks_accepted_total{hook="whatsapp"} 1.0' in numbers
    assert 'relais_webhooks_refused_total{hook="whatsapp",reason="forbidden"} 1.0' in numbers


async def test_the_docs_are_served_offline_and_name_every_operation(house: House) -> None:
    page = await house.http.get("/docs")
    assert page.status_code == 200 and "<script" not in page.text and '="http' not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for operation in OPERATIONS:
        assert f'id="{operation.id}"' in page.text
    assert page.text.count("curl -H") == len(OPERATIONS)


async def test_every_problem_type_has_a_page(house: House) -> None:
    from bot.web.problems import KINDS

    assert len(KINDS) > 8
    for slug in KINDS:
        assert (await house.http.get(f"/problems/{slug}")).status_code == 200
    assert (await house.http.get("/problems/none")).status_code == 404


async def test_the_openapi_document_is_valid_and_is_what_is_routed(house: House) -> None:
    document = (await house.http.get("/openapi.json")).json()
    validate(document)
    documented = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    routed = set()
    for route in house.app.router.routes:
        path = "/" + re.sub(r"<(\w+)[^>]*>", r"{\1}", route.path)
        if path.startswith(PREFIX):
            routed |= {(method, path) for method in route.methods}
    assert documented == routed and len(documented) == len(OPERATIONS)


def test_every_example_is_accepted_by_its_model() -> None:
    with_bodies = [operation for operation in OPERATIONS if operation.body is not None]
    assert with_bodies
    for operation in with_bodies:
        assert operation.body is not None and operation.example is not None
        operation.body.model_validate(dict(operation.example))


def test_the_document_is_the_same_every_time() -> None:
    assert openapi.document() == openapi.document()
