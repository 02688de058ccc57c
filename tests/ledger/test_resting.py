"""Who may be told again what she ordered, when a channel is down and nobody writes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.addresses import ChannelName, ShopId
from bot.core.orders import Placed
from bot.flows.nudge import RESTS_AFTER, Resting
from bot.ledger.engine import Ledger
from bot.ledger.orders import LedgerOrders
from bot.ledger.projector import LedgerRecords
from bot.ledger.resting import LedgerResting
from tests.ledger.samples import LANE, SHOP, conversation, entry, open_shop, request

AT = 1_790_000_000.0
W = ChannelName.WHATSAPP


async def rested(ledger: Ledger, folder: Path, now: float, **changes: object) -> list[Resting]:
    """An order placed, the conversation moved to SMS, then ``now``."""
    await open_shop(ledger, folder)
    placed = await LedgerOrders(ledger).place(replace(request(), conversation_id=LANE))
    assert isinstance(placed, Placed)
    record = conversation(
        AT, channel=ChannelName.SMS, home_channel=W, epoch=1, heard_at={W: AT - 60}, **changes
    )
    await LedgerRecords(ledger).write([("07:1-0", entry(record))])
    return await LedgerResting(ledger).resting(ShopId(SHOP), W, now)


async def test_a_conversation_with_an_order_that_has_been_quiet(ledger: Ledger, tmp_path: Path) -> None:
    found = await rested(ledger, tmp_path, AT + RESTS_AFTER + 1)
    assert [one.lane for one in found] == [LANE]
    assert found[0].number.startswith("CT-")


@pytest.mark.parametrize(
    ("seconds", "changes"),
    [
        (60.0, {}),
        (23.5 * 3600, {}),
        (RESTS_AFTER + 1, {"human": True}),
        (RESTS_AFTER + 1, {"pending": 3}),
    ],
    ids=["she has just written", "her window is closed", "a person speaks with her", "she is asked something"],
)
async def test_nobody_else(ledger: Ledger, tmp_path: Path, seconds: float, changes: dict[str, object]) -> None:
    assert await rested(ledger, tmp_path, AT + seconds, **changes) == []
