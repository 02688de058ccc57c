"""REST over a real ledger: every list and object has the published shape, pages lose nothing, cursors cannot hurt."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from bot.ledger import models as tables
from bot.ledger.engine import Ledger, open_ledger
from bot.ledger.keys import LedgerKeys
from bot.ledger.schema import upgrade_to_head
from bot.web.api.operations import Operation
from bot.web.api.table import OPERATIONS, PREFIX
from bot.web.ledger_port import BadCursor, Window
from bot.web.ledger_reads import LedgerReads
from tests.web.house import OTHER, SHOP, House, open_house
from tests.web.test_api import path_of

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
COUNT = 7
LANE = "e" * 20


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'relais.db'}"
    await upgrade_to_head(url)
    ledger = open_ledger(url)
    async with ledger.writing() as connection:
        for shop in (SHOP, OTHER):
            for table, rows in _rows(shop).items():
                await connection.execute(insert(table), rows)
    yield ledger
    await ledger.close()


@pytest.fixture
async def stocked(ledger: Ledger) -> AsyncIterator[tuple[House, str, str]]:
    """A house whose REST reads the real ledger, and a key of each shop."""
    keys = LedgerKeys(ledger)
    own, other = [await keys.create(shop, "test", live=False) for shop in (SHOP, OTHER)]
    async with open_house(work=False, reads=LedgerReads(ledger), ledger=ledger, keys=keys) as house:
        yield house, own, other


def _rows(shop: str) -> dict[Any, list[dict[str, Any]]]:
    """Seven of everything; equal times, so that only the id keeps pages apart."""
    at = {"created_at": NOW, "updated_at": NOW}
    lane = LANE if shop == SHOP else "d" * 20
    basket = {"lines": [], "id": "b", "version": 1, "closed": False, "checkout": {}}
    several = range(COUNT)
    return {
        tables.Shop: [{"id": shop, "settings": {"tagline": "t"}, "files_hash": None, **at}],
        tables.Product: [
            {
                "shop_id": shop, "id": f"p{n}", "position": n, "name": f"Pagne {n}", "category": "Pagnes",
                "description": "", "aliases": ["wax"], "price_xof": 1000, "options": [["taille", ["S", "M"]]],
                "stock": n or None, "active": True, "version": 1, **at,
            }
            for n in several
        ],
        tables.Zone: [
            {"shop_id": shop, "commune": f"Commune {n}", "position": n, "aliases": [], "fee_xof": 1000,
             "eta_text": "24 h", "active": True, "version": 1}
            for n in several
        ],
        tables.Customer: [
            {"id": f"cu-{shop}-{n}", "shop_id": shop, "name": None, "language": "fr", "mark": "", "created_at": NOW}
            for n in several
        ],
        tables.AddressRow: [
            {"shop_id": shop, "address": f"whatsapp:+22507000000{n:02d}", "customer_id": f"cu-{shop}-{n}",
             "ordinal": 0, "proved_by": "heard", "opted_out": False, "added_at": NOW, "last_heard_at": NOW}
            for n in several
        ],
        tables.ConversationRow: [
            {"id": lane if n == 0 else f"{lane[:-1]}{n}", "shop_id": shop, "customer_id": f"cu-{shop}-{n}",
             "status": "bot", "channel": "whatsapp", "epoch": 0, "awaiting": None, "basket": basket, "snapshot": {},
             "mark": "", "created_at": NOW, "last_message_at": NOW}
            for n in several
        ],
        tables.MessageRow: [
            {"id": f"{lane}-{n}", "shop_id": shop, "conversation_id": lane, "serial": n, "direction": "in",
             "author": "shopper", "channel": "whatsapp", "text": f"mot {n}", "status": "received", "late": False,
             "attachments": [], "mark": "", "created_at": NOW + timedelta(seconds=n)}
            for n in several
        ],
        tables.OrderRow: [
            {"id": f"o-{shop}-{n}", "shop_id": shop, "number": f"N-{n}", "basket_id": f"{shop}-b{n}",
             "basket_version": 1, "turn_id": "t", "conversation_id": lane, "customer_id": f"cu-{shop}-0",
             "status": "confirmed", "name": "Awa", "phone": "+2250700000001", "commune": "Cocody", "landmark": None,
             "fee_xof": 500, "payment_method": "cash", "payment_status": "unpaid", "items_total_xof": 1000,
             "total_xof": 1500, "channel": "whatsapp", "version": 1, **at}
            for n in several
        ],
        tables.OrderLine: [
            {"order_id": f"o-{shop}-{n}", "ordinal": 0, "product_id": "p1", "name": "Pagne 1",
             "options": [["taille", "M"]], "quantity": 1, "unit_price_xof": 1000, "line_total_xof": 1000}
            for n in several
        ],
        tables.Incident: [
            {"id": f"i-{shop}-{n}", "shop_id": shop, "channel": "whatsapp", "fault_domain": "meta", "began_at": NOW,
             "detected_at": NOW, "ended_at": NOW, "moved": 1, "answered": 1, "held": 0, "lost": 0, "duplicated": 0, "spent_xof": 35,
             "saved_xof": 0, "evidence": []}
            for n in several
        ],
        tables.CallListRow: [
            {"conversation_id": f"{shop}-{n}", "shop_id": shop, "customer_id": f"cu-{shop}-{n}", "phone": None,
             "basket": "", "reason": "no_road", "since": NOW}
            for n in several
        ],
    }  # fmt: skip


OWN = {
    "order_id": f"o-{SHOP}-0",
    "customer_id": f"cu-{SHOP}-0",
    "incident_id": f"i-{SHOP}-0",
    "product_id": "p1",
    "commune": "Commune%201",
    "conversation_id": LANE,
}
READS = [
    o
    for o in OPERATIONS
    if o.method == "GET" and o.answer is not None and not o.path.startswith(("/channels", "/webhooks", "/events", "/drills"))
]
LISTS = [operation for operation in READS if operation.many]


@pytest.mark.parametrize("operation", READS, ids=lambda operation: operation.id)
async def test_what_the_ledger_shows_has_the_published_shape(
    stocked: tuple[House, str, str], operation: Operation
) -> None:
    house, own, _ = stocked
    answer = await house.http.get(path_of(operation, **OWN), headers=house.api(own))
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"] if operation.many else [answer.json()]
    assert items
    for item in items:
        operation.answer.model_validate(item)
        assert set(operation.answer.model_fields) <= set(item)
        assert all(value.endswith("Z") for name, value in item.items() if name.endswith("_at") and value)


@pytest.mark.parametrize("operation", LISTS, ids=lambda operation: operation.id)
@pytest.mark.parametrize("limit", [1, 3, COUNT, 100])
async def test_pages_hold_every_item_once(
    stocked: tuple[House, str, str], operation: Operation, limit: int
) -> None:
    house, own, _ = stocked
    seen: list[str] = []
    cursor = None
    for _ in range(COUNT + 1):
        query = {"limit": str(limit), **({"cursor": cursor} if cursor else {})}
        body = (await house.http.get(path_of(operation, **OWN), params=query, headers=house.api(own))).json()
        seen += [json.dumps(item, sort_keys=True) for item in body["items"]]
        cursor = body["next_cursor"]
        if cursor is None:
            break
    assert (len(seen), len(set(seen))) == (COUNT, COUNT)


@pytest.mark.parametrize(
    "operation",
    [o for o in READS if "{" in o.path and "product" not in o.path and "zone" not in o.path],
    ids=lambda operation: operation.id,
)
async def test_another_shops_object_is_404(stocked: tuple[House, str, str], operation: Operation) -> None:
    house, _, other = stocked
    assert (await house.http.get(path_of(operation, **OWN), headers=house.api(other))).status_code == 404


@pytest.mark.parametrize("operation", LISTS, ids=lambda operation: operation.id)
async def test_no_cursor_is_ever_a_5xx(stocked: tuple[House, str, str], operation: Operation) -> None:
    house, own, _ = stocked
    rng = random.Random(7)
    path = path_of(operation, **OWN)
    good = (await house.http.get(f"{path}?limit=1", headers=house.api(own))).json()["next_cursor"]
    kind, values = json.loads(base64.urlsafe_b64decode(good + "=="))
    odd: list[Any] = [None, 1, -1, "x", True, 1e300, 2**70, {"t": "x"}, {"t": 3}, {"u": 1}, [1], {}, "\x00"]
    cursors = ["x", "a" * 5000, "é", "e30", "bnVsbA", good[:-2]]
    for _ in range(60):
        forged = [kind, [rng.choice([*odd, value]) for value in values]]
        cursors.append(base64.urlsafe_b64encode(json.dumps(forged).encode()).decode())
    statuses = {
        (await house.http.get(path, params={"cursor": c}, headers=house.api(own))).status_code
        for c in cursors
    }
    assert statuses <= {200, 422} and 422 in statuses


async def test_a_cursor_of_another_list_is_refused(ledger: Ledger) -> None:
    reads = LedgerReads(ledger)
    cursor = (await reads.orders(SHOP, Window(limit=1))).next_cursor
    with pytest.raises(BadCursor):
        await reads.incidents(SHOP, Window(limit=1, cursor=cursor))


async def test_the_address_filter_finds_one(stocked: tuple[House, str, str]) -> None:
    house, own, _ = stocked
    for resource in ("conversations", "customers"):
        answer = await house.http.get(
            f"{PREFIX}/{resource}", params={"address": "whatsapp:+2250700000003"}, headers=house.api(own)
        )
        assert len(answer.json()["items"]) == 1


async def test_the_shoppers_words_since_a_time_come_oldest_first(ledger: Ledger) -> None:
    heard = await LedgerReads(ledger).heard(SHOP, LANE, (NOW + timedelta(seconds=4)).timestamp())
    assert [words.text for words in heard] == ["mot 4", "mot 5", "mot 6"]
