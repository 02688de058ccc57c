"""Unread is what a shopper said after the last message that a person has seen, for each person apart."""

from __future__ import annotations

from pathlib import Path

from bot.core.messages import MessageStatus
from bot.ledger.engine import Ledger
from bot.ledger.inbox import Filters, Folder, LedgerInbox
from bot.ledger.projector import LedgerRecords
from bot.ledger.reading import LedgerReading
from bot.ledger.times import instant
from bot.ledger.users import LedgerUsers, Role
from tests.ledger.samples import LANE, SHOP, conversation, entry, item, open_shop


async def test_each_person_has_a_place_of_their_own(ledger: Ledger, tmp_path: Path) -> None:
    await open_shop(ledger, tmp_path)
    users, reading, records = (
        LedgerUsers(ledger, lambda: instant(500.0)),
        LedgerReading(ledger),
        LedgerRecords(ledger),
    )
    aya = await users.create(SHOP, "aya", "Aya", Role.OWNER)
    koffi = await users.create(SHOP, "koffi", "Koffi", Role.STAFF)
    late = LedgerUsers(ledger, lambda: instant(5000.0))
    newcomer = await late.create(SHOP, "new", "New", Role.STAFF)

    async def unread() -> list[bool]:
        return [LANE in await reading.unread(who, [LANE]) for who in (aya, koffi, newcomer)]

    said = [entry(conversation(), item(1), item(2, MessageStatus.READ))]
    await records.write([("07:1-0", one) for one in said])
    seen = [await unread()]
    await reading.read_to(aya, LANE, 2)
    await reading.read_to(aya, LANE, 1)
    seen.append(await unread())
    await records.write([("07:2-0", entry(conversation(), item(3, MessageStatus.READ)))])
    seen.append(await unread())
    await reading.mark_unread(newcomer, LANE)
    await reading.catch_up(koffi, instant(2000.0))
    koffi_now = await users.get(koffi.id)
    assert koffi_now is not None
    koffi = koffi_now
    seen.append(await unread())

    assert seen == [[True, True, False], [False, True, False], [False, True, False], [False, False, True]]
    rows = await LedgerInbox(ledger).list(SHOP, Folder.ALL, Filters(unread_by=newcomer))
    assert [row.id for row in rows] == [LANE]
    assert await LedgerInbox(ledger).list(SHOP, Folder.ALL, Filters(unread_by=aya)) == []
