"""Orders by API, from outside to the shopper's phone."""

from __future__ import annotations

import asyncio

from bot.core.addresses import ChannelName
from tests.rest.branch import LANE, ORDER, Branch, eventually


async def test_an_order_from_outside_has_our_prices_and_takes_stock(branch: Branch) -> None:
    made = await branch.call("POST", "/orders", json=ORDER)
    assert made.status_code == 201, made.text
    order = made.json()
    assert (order["items_total_xof"], order["delivery"]["fee_xof"], order["total_xof"]) == (5000, 1500, 6500)
    assert (order["channel"], order["delivery"]["phone"]) == ("api", "+2250700000042")
    product = (await branch.call("GET", "/products/foulard")).json()
    assert product["stock"] == 99_998


async def test_each_refusal_names_the_field(branch: Branch) -> None:
    line, delivery = ORDER["lines"][0], ORDER["delivery"]
    for changed, field, code in (
        ({"lines": [{**line, "product_id": "x"}]}, "lines.0.product_id", "unknown_product"),
        ({"lines": [line, {"product_id": "robe", "quantity": 1}]}, "lines.1.options", "wrong_options"),
        ({"delivery": {**delivery, "commune": "Paris"}}, "delivery.commune", "unknown_commune"),
        ({"delivery": {**delivery, "phone": "12345678901"}}, "delivery.phone", "not_a_phone"),
        ({"payment": {"method": "moov_money"}}, "payment.method", "no_such_payment"),
        ({"customer": {"id": "cu-x"}}, "customer.id", "unknown_customer"),
        ({"customer": {"address": "tel:12"}}, "customer.address", "not_an_address"),
    ):
        answer = await branch.call("POST", "/orders", json={**ORDER, **changed})
        assert answer.status_code == 422, answer.text
        assert (answer.json()["errors"][0]["field"], answer.json()["errors"][0]["code"]) == (field, code)
    assert (await branch.call("GET", "/orders")).json()["items"] == []


async def test_more_than_there_is_is_409_and_reserves_nothing(branch: Branch) -> None:
    lines = [{"product_id": "robe", "quantity": 4, "options": {"taille": "M"}}]
    answer = await branch.call("POST", "/orders", json={**ORDER, "lines": lines})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/out-of-stock")
    assert answer.json()["errors"] == [{"field": "lines.0.quantity", "code": "sold_out", "detail": "3 left"}]
    assert (await branch.call("GET", "/products/robe")).json()["stock"] == 3


async def test_a_new_status_reaches_the_shopper_where_they_are(branch: Branch) -> None:
    await branch.talk()
    made = (
        await branch.call(
            "POST", "/orders", json={**ORDER, "customer": {"address": "whatsapp:+2250700000001"}}
        )
    ).json()
    assert made["conversation_id"] == LANE
    url = f"/orders/{made['id']}"
    for _ in range(2):
        changed = await branch.call(
            "PATCH", url, json={"status": "out_for_delivery", "payment": {"status": "paid"}}
        )
        assert (changed.status_code, changed.json()["payment"]["status"]) == (200, "paid")
    words = f"Votre commande {made['number']} est en route. Paiement reçu, merci."

    async def told() -> bool:
        return words in branch.phones[ChannelName.WHATSAPP].texts

    await eventually(told)
    assert branch.phones[ChannelName.WHATSAPP].texts.count(words) == 1


async def test_a_step_back_is_409(branch: Branch) -> None:
    made = (await branch.call("POST", "/orders", json=ORDER)).json()
    assert (
        await branch.call("PATCH", f"/orders/{made['id']}", json={"status": "delivered"})
    ).status_code == 200
    for status in ("packed", "cancelled"):
        answer = await branch.call("PATCH", f"/orders/{made['id']}", json={"status": status})
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/wrong-state")


async def test_of_two_changes_to_the_same_version_one_is_412(branch: Branch) -> None:
    made = (await branch.call("POST", "/orders", json=ORDER)).json()
    url = f"/orders/{made['id']}"
    tag = (await branch.call("GET", url)).headers["etag"]
    done = await asyncio.gather(
        *(
            branch.call("PATCH", url, headers={"If-Match": tag}, json={"status": status})
            for status in ("packed", "cancelled")
        )
    )
    assert sorted(answer.status_code for answer in done) == [200, 412]
    assert (await branch.call("GET", url, headers={"If-None-Match": tag})).status_code == 200
    again = (await branch.call("GET", url)).headers["etag"]
    assert (await branch.call("GET", url, headers={"If-None-Match": again})).status_code == 304


async def test_filters(branch: Branch) -> None:
    first, second = [(await branch.call("POST", "/orders", json=ORDER)).json() for _ in range(2)]
    await branch.call("PATCH", f"/orders/{second['id']}", json={"status": "packed"})
    for query, wanted in (
        ({"status": "packed"}, [second]),
        ({"q": first["number"].lower()}, [first]),
        ({"q": "koffi"}, [second, first]),
        ({"q": "%"}, []),
        ({"created_from": first["created_at"], "created_before": second["created_at"]}, [first]),
        ({"channel": "whatsapp"}, []),
        ({"payment_status": "unpaid", "customer_id": first["customer_id"]}, [second, first]),
    ):
        found = (await branch.call("GET", "/orders", params=query)).json()["items"]
        assert [order["id"] for order in found] == [order["id"] for order in wanted], query


async def test_a_misspelt_filter_is_422_not_everything(branch: Branch) -> None:
    assert (await branch.call("GET", "/orders?statu=packed")).status_code == 422
