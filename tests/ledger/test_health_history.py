"""Every change of state is kept once, and told to each shop whose channel it is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from bot.core.addresses import ChannelName, ShopId
from bot.core.health import Evidence, Kind, domain_key
from bot.ledger.engine import Ledger
from bot.ledger.health_history import HealthHistory, concerned_by
from bot.ledger.models import HealthChange, OutboxRow
from bot.storage.memory import MemoryHealthBoard

ACCOUNT = "whatsapp:AC1:+2250700000100"
SHOPS = {
    (ShopId("a"), ChannelName.WHATSAPP): (ACCOUNT, ("meta", "twilio")),
    (ShopId("b"), ChannelName.WHATSAPP): (ACCOUNT, ("meta", "twilio")),
    (ShopId("b"), ChannelName.SMS): ("sms:AC1:x", ("twilio",)),
    (ShopId("c"), ChannelName.TELEGRAM): ("telegram:1", ("telegram",)),
}


async def fail(board: MemoryHealthBoard, key: str, count: int = 3) -> None:
    for index in range(count):
        at = 1_700_000_000.0 + index
        source = "" if key == ACCOUNT else f"account-{index % 2}"
        await board.observe(key, Evidence(at, Kind.FAULT, f"r{index}", "63016", began_at=at - 1, source=source))


async def told(ledger: Ledger) -> list[Any]:
    async with ledger.reading() as connection:
        return list(await connection.execute(select(OutboxRow.__table__).order_by(OutboxRow.n)))


async def test_a_change_is_kept_with_its_evidence_once(ledger: Ledger) -> None:
    board = MemoryHealthBoard()
    await fail(board, ACCOUNT)
    history = HealthHistory(ledger, board, concerned_by(SHOPS))
    position = await history.once("0-0")
    assert await history.once(position) == position
    await history.once("0-0")
    async with ledger.reading() as connection:
        rows = list(await connection.execute(select(HealthChange.__table__).order_by(HealthChange.id)))
    assert [(row.key, row.old, row.new) for row in rows] == [
        (ACCOUNT, "up", "suspect"),
        (ACCOUNT, "suspect", "down"),
    ]
    assert [seen["recipient"] for seen in rows[-1].evidence] == ["r0", "r1", "r2"]
    assert rows[-1].began_at.timestamp() == 1_699_999_999.0


async def test_every_shop_of_the_account_hears_of_it_once(ledger: Ledger) -> None:
    board = MemoryHealthBoard()
    await fail(board, ACCOUNT)
    history = HealthHistory(ledger, board, concerned_by(SHOPS))
    await history.once("0-0")
    await history.once("0-0")
    down = [row for row in await told(ledger) if row.data["new"] == "down"]
    assert sorted(row.shop_id for row in down) == ["a", "b"]
    assert down[0].data == {
        "channel": "whatsapp", "old": "suspect", "new": "down", "detail": "63016", "domain": None,
        "began_at": "2023-11-14T22:13:19.000Z",
    }  # fmt: skip


async def test_a_domain_is_told_for_each_channel_that_depends_on_it(ledger: Ledger) -> None:
    board = MemoryHealthBoard()
    await fail(board, domain_key("twilio"), 6)
    await HealthHistory(ledger, board, concerned_by(SHOPS)).once("0-0")
    down = [row for row in await told(ledger) if row.data["new"] == "down"]
    assert [(row.shop_id, row.data["channel"], row.data["domain"]) for row in down] == [
        ("a", "whatsapp", "twilio"),
        ("b", "whatsapp", "twilio"),
        ("b", "sms", "twilio"),
    ]


async def test_a_new_holder_goes_on_where_the_last_one_stopped(ledger: Ledger) -> None:
    board = MemoryHealthBoard()
    history = HealthHistory(ledger, board, concerned_by(SHOPS))
    assert await history.last() == "0-0"
    await fail(board, ACCOUNT)
    await history.once("0-0")
    assert await HealthHistory(ledger, board, concerned_by(SHOPS)).last() == "2-0"
