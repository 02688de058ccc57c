"""The catalogue in and out."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.rest.branch import ORDER, Branch

CSV = {"Content-Type": "text/csv"}
HEADER = "product_id,name,category,description,aliases,price_xof,options,stock\n"
PRODUCT = {
    "name": "Sac",
    "category": "sacs",
    "price_xof": 9500,
    "stock": 7,
    "options": {"couleur": ["rouge", "bleu"]},
}


async def import_(branch: Branch, text: str, query: str = "") -> Any:
    return await branch.call("POST", f"/products.csv{query}", headers=CSV, content=text.encode())


async def test_a_product_is_made_and_replaced(branch: Branch) -> None:
    made = await branch.call("PUT", "/products/sac-neuf", json=PRODUCT)
    again = await branch.call("PUT", "/products/sac-neuf", json={**PRODUCT, "active": False})
    assert (made.status_code, again.status_code, again.json()["active"]) == (201, 200, False)
    assert made.json()["options"] == {"couleur": ["rouge", "bleu"]}


async def test_a_sale_between_reading_and_putting_is_412(branch: Branch) -> None:
    tag = (await branch.call("GET", "/products/foulard")).headers["etag"]
    await branch.call("POST", "/orders", json=ORDER)
    lost = await branch.call("PUT", "/products/foulard", headers={"If-Match": tag}, json=PRODUCT)
    assert (lost.status_code, lost.json()["type"]) == (412, "/problems/changed-meanwhile")
    only_new = await branch.call("PUT", "/products/foulard", headers={"If-None-Match": "*"}, json=PRODUCT)
    assert only_new.status_code == 412


async def test_what_is_exported_imports_as_unchanged(branch: Branch) -> None:
    await branch.call(
        "PUT", "/products/sac-neuf", json={**PRODUCT, "name": "=Sac; 'wax'", "description": 'a,b\n"c"'}
    )
    text = (await branch.call("GET", "/products.csv")).text
    report = (await import_(branch, text, "?set_stock=true")).json()
    assert (report["rows"], report["created"], report["updated"]) == (5, 0, 0)


async def test_a_bad_row_names_its_line_and_nothing_is_imported(branch: Branch) -> None:
    text = HEADER + "neuf,Neuf,sacs,,,1000,,\nfaux,Faux,sacs,,,cher,,\n"
    tried = (await import_(branch, text, "?dry_run=true")).json()
    done = await import_(branch, text)
    assert (tried["created"], [error["field"] for error in tried["errors"]]) == (1, ["line 3, price_xof"])
    assert (done.status_code, done.json()["errors"]) == (422, tried["errors"])
    assert (await branch.call("GET", "/products/neuf")).status_code == 404


async def test_a_dry_run_writes_nothing_and_tells_the_same(branch: Branch) -> None:
    text = (
        HEADER
        + "neuf,Neuf,sacs,,,1000,,5\nsac,Sac pagne,sacs,Doublé,,9900,,\nrobe,Robe wax courte,robes,Au-dessus du genou,robe courte,12500,taille=S|M|L,3\n"
    )
    tried = (await import_(branch, text, "?dry_run=true")).json()
    done = (await import_(branch, text)).json()
    assert {**tried, "dry_run": False} == done
    assert (done["created"], done["updated"], done["unchanged"]) == (1, 1, 1)


async def test_an_old_file_does_not_undo_sales_unless_asked(branch: Branch) -> None:
    text = (await branch.call("GET", "/products.csv")).text
    await branch.call("POST", "/orders", json=ORDER)
    for query, stock in (("", 99_998), ("?set_stock=true", 100_000)):
        await import_(branch, text, query)
        assert (await branch.call("GET", "/products/foulard")).json()["stock"] == stock


async def test_another_kind_of_body_is_415(branch: Branch) -> None:
    answer = await branch.call("POST", "/products.csv", json={})
    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-media-type")


async def test_a_catalogue_may_be_larger_than_other_bodies(branch: Branch) -> None:
    rows = "".join(f"p-{n},Produit {n},tous,{'x' * 200},,{n},,{n}\n" for n in range(2000))
    report = await import_(branch, HEADER + rows)
    assert (report.status_code, report.json()["created"]) == (200, 2000)


async def test_a_body_that_says_it_is_too_large_is_413_before_it_is_sent(branch: Branch) -> None:
    for path, size in (("products.csv", 8 * 1024 * 1024 + 1), ("orders", 256 * 1024 + 1)):
        reader, writer = await asyncio.open_connection("127.0.0.1", branch.http.base_url.port)
        head = f"POST /api/v1/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {branch.own.key}\r\n"
        writer.write(f"{head}Content-Type: text/csv\r\nContent-Length: {size}\r\n\r\n".encode())
        answer = (await reader.readuntil(b"\r\n\r\n")).decode()
        writer.close()
        await writer.wait_closed()
        assert answer.startswith("HTTP/1.1 413 ") and "application/problem+json" in answer


async def test_a_zone_is_made_and_served(branch: Branch) -> None:
    made = await branch.call("PUT", "/zones/Bingerville", json={"fee_xof": 3000, "aliases": ["Bingé"]})
    assert (made.status_code, made.json()["fee_xof"]) == (201, 3000)
    order = {**ORDER, "delivery": {**ORDER["delivery"], "commune": "bingé"}}
    assert (await branch.call("POST", "/orders", json=order)).json()["delivery"]["fee_xof"] == 3000
