"""Made from the table of operations, so that a new operation cannot be forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from bot.web.api.operations import JSON, STREAM, Operation
from bot.web.api.table import OPERATIONS
from tests.rest.branch import Branch, Own, path_of
from tests.web.house import OTHER, SHOP

WITH_IDS = [o for o in OPERATIONS if "{" in o.path and o.path != "/channels/{channel}/force"]
UPSERTS = {("PUT", "/products/{product_id}"), ("PUT", "/zones/{commune}")}
"""Of another shop's id these make an object of their own."""
UNKNOWN = {
    "order_id": "ord_none", "customer_id": "cu-none", "conversation_id": "f" * 20, "product_id": "none", "channel": "fax",
    "commune": "Nulle%20part", "webhook_id": "wh_none", "event_id": "none", "incident_id": "none",
}  # fmt: skip


async def ask(branch: Branch, operation: Operation, own: Own, key: str | None = None) -> Any:
    """The operation on that shop's own objects, with a body that is accepted."""
    body: dict[str, Any] = {}
    if operation.example is not None:
        body["json"] = dict(operation.example)
    if operation.takes != JSON:
        body = {"content": b"", "headers": {"Content-Type": operation.takes}}
    return await branch.call(
        operation.method, path_of(operation, own.ids), own.key if key is None else key, **body
    )


async def everything(branch: Branch, own: Own) -> dict[str, Any]:
    """All that a shop's key can read."""
    reads = [o for o in OPERATIONS if o.method == "GET" and o.media != STREAM]
    assert len(reads) > 10
    return {o.path: (await ask(branch, o, own)).text for o in reads if not o.path.startswith("/channels")}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
async def test_every_operation_needs_its_own_scope(branch: Branch, operation: Operation) -> None:
    others = {o.scope for o in OPERATIONS} - {operation.scope}
    poor = await branch.key(SHOP, *sorted(others))
    branch.own.ids |= UNKNOWN
    answer = await ask(branch, operation, branch.own, poor)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
    assert operation.scope in answer.json()["detail"]


async def test_no_operation_shows_or_touches_another_shop(branch: Branch) -> None:
    await branch.stock(branch.own, SHOP, talk=True)
    await branch.stock(branch.other, OTHER, talk=True)
    before = await everything(branch, branch.own)
    assert all(branch.other.ids["order_id"] not in text for text in before.values())
    for operation in WITH_IDS:
        answer = await ask(branch, operation, branch.own, branch.other.key)
        if (operation.method, operation.path) in UPSERTS:
            assert answer.status_code in (200, 201)
        elif operation.path.startswith(("/products", "/zones")):
            assert (
                "chez" not in answer.text.lower() or answer.status_code == 200
            )  # both shops have one of the name
        else:
            assert (operation.id, answer.status_code) == (operation.id, 404)
    assert await everything(branch, branch.own) == before


async def test_an_unknown_object_is_404(branch: Branch) -> None:
    branch.own.ids |= UNKNOWN
    for operation in OPERATIONS:
        if "{" not in operation.path or (operation.method, operation.path) in UPSERTS:
            continue
        answer = await ask(branch, operation, branch.own)
        assert (operation.id, answer.status_code) == (operation.id, 404)


async def test_lists_hold_only_the_own_shops(branch: Branch) -> None:
    await branch.stock(branch.own, SHOP, talk=True)
    fresh = await branch.key(OTHER)
    for operation in OPERATIONS:
        if (
            operation.many
            and "{" not in operation.path
            and operation.path not in ("/products", "/zones", "/channels")
        ):
            answer = await ask(branch, operation, branch.own, fresh)
            assert (operation.id, answer.json().get("items")) == (operation.id, [])


@pytest.mark.parametrize("path", ["/orders", "/customers", "/events", "/conversations"])
async def test_a_key_that_only_reads_sees_no_whole_number(branch: Branch, path: str) -> None:
    await branch.stock(branch.own, SHOP, talk=True)
    reader = await branch.key(SHOP, "orders:read", "customers:read", "events:read", "conversations:read")
    masked, whole = [(await branch.call("GET", path, key)).text for key in (reader, branch.own.key)]
    assert "0700000042" in whole and "0700000042" not in masked
    assert "+225" in masked and "•42" in masked
