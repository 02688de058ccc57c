"""What the ledger tells of a conversation after Redis was lost, on both databases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bot.core.addresses import Address, LaneId, Scheme, ShopId, parse
from bot.core.customers import Customer, KnownAddress, Proof
from bot.core.orders import Placed
from bot.ledger.engine import Ledger
from bot.ledger.orders import LedgerOrders
from bot.ledger.projector import LedgerRecords
from tests.ledger.samples import LANE, SHOP, conversation, entry, item, open_shop, request

OTHER = LaneId("0711111111111111aaaa")
PHONE, CARD = Address(Scheme.TEL, "+2250700000041"), Address(Scheme.TEL, "+2250700000042")


def known(address: Address, proof: Proof, added_at: float = 1000.0) -> KnownAddress:
    return KnownAddress(address, address.value, proof, added_at=added_at)


async def test_a_proved_address_leads_to_the_conversation_that_got_it_last(ledger: Ledger) -> None:
    records, talk = LedgerRecords(ledger), conversation(1001.0)
    book = (known(PHONE, Proof.WHATSAPP), known(CARD, Proof.SHOP))
    mine = replace(talk, customer=replace(talk.customer, addresses=book))
    rival = replace(mine, id=OTHER, customer=Customer("cu-other", addresses=(known(PHONE, Proof.LINK, 2000.0),)))

    await records.write([("07:1-0", entry(mine))])
    first = await records.owner(ShopId(SHOP), PHONE)
    await records.write([("07:2-0", entry(rival))])

    assert (first, await records.owner(ShopId(SHOP), PHONE)) == (LANE, OTHER)
    assert await records.owner(ShopId(SHOP), CARD) is None  # the shop's word proves nothing
    assert await records.owner(ShopId("elsewhere"), PHONE) is None
    stranger = parse("telegram:9")
    assert stranger is not None
    assert await records.owner(ShopId(SHOP), stranger) is None


async def test_what_was_heard_is_told_with_its_times_oldest_first(ledger: Ledger) -> None:
    records = LedgerRecords(ledger)
    said = [replace(item(n), direction="in", provider_id=f"SM{n}", created_at=1000.0 + n) for n in (1, 2, 3)]
    ours = replace(item(4), direction="out", provider_id="SM4")
    await records.write([("07:1-0", entry(conversation(1003.0), *said, ours))])
    assert list(await records.heard(LANE, 1002.0)) == [("SM2", 1002.0), ("SM3", 1003.0)]
    assert list(await records.heard(OTHER, 0.0)) == []


async def test_a_basket_names_its_order(ledger: Ledger, tmp_path: Path) -> None:
    await open_shop(ledger, tmp_path)
    placed = await LedgerOrders(ledger).place(request("b1"))
    assert isinstance(placed, Placed)
    assert await LedgerRecords(ledger).order_of("b1") == (placed.order_id, placed.number)
    assert await LedgerRecords(ledger).order_of("another") is None


async def test_recent_conversations_come_in_portions(ledger: Ledger) -> None:
    records = LedgerRecords(ledger)
    talks = [replace(conversation(1000.0 + n), id=LaneId(f"07{n:018d}"), last_message_at=1000.0 + n) for n in range(5)]
    await records.write([(f"07:{n}-0", entry(talk)) for n, talk in enumerate(talks, 1)])
    first = await records.recent(1001.0, "", 3)
    rest = await records.recent(1001.0, first[-1].id, 3)
    assert [*first, *rest] == talks[1:]
