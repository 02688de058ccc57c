"""Searching finds words by their beginnings, in one shop, at both databases; what is erased is in no index."""

from __future__ import annotations

from dataclasses import replace

import pytest
from alembic import command
from sqlalchemy import Connection, text

from bot.core.addresses import LaneId, ShopId
from bot.core.conversations import Conversation
from bot.core.journal import Entry, TranscriptItem
from bot.core.messages import MessageId, MessageStatus
from bot.ledger.engine import Ledger
from bot.ledger.erasing import erase
from bot.ledger.inbox import LedgerInbox
from bot.ledger.projector import LedgerRecords
from bot.ledger.schema import configuration, upgrade
from bot.ledger.search_index import find
from tests.ledger.samples import LANE, SHOP, conversation, entry, item

OTHER = LaneId("0b000000000000000002")


async def write(ledger: Ledger, position: str, one: Entry) -> None:
    await LedgerRecords(ledger).write([(position, one)])


def elsewhere() -> Conversation:
    record = conversation(lane=OTHER)
    return replace(record, customer=replace(record.customer, addresses=()))


def said_elsewhere(words: str) -> TranscriptItem:
    return replace(item(1, text=words), id=MessageId(f"{OTHER}-1"))


async def found(ledger: Ledger, words: str, shop: str = SHOP) -> list[str]:
    async with ledger.reading() as connection:
        return [said for _, said in await find(connection, shop, words, 10)]


SAID = "Bonjour, l’œuf à 1e5 F pour Koné d'Abobo : t-shirt n°12 😀 c'est « à l'eau »"


@pytest.mark.parametrize(
    ("words", "hit"),
    [
        ("kone", True),
        ("KONÉ abo", True),
        ("œuf", True),
        ("shirt", True),
        ("T-Shirt", True),
        ("12", True),
        ("1e5", True),
        ("l'eau", True),
        ("e", True),
        ("one", False),
        ("kone absent", False),
        ("😀", False),
        ('" OR shop : x*', False),
        ("' | 'kone", True),
        ("kon* & !abobo", True),
        ("", False),
    ],
)
async def test_words_are_found_by_their_beginnings_whatever_case_accents_and_signs(
    ledger: Ledger, words: str, hit: bool
) -> None:
    await write(ledger, "07:1-0", entry(conversation(), item(1, text=SAID)))

    assert await found(ledger, words) == ([SAID] if hit else [])


async def test_another_shop_finds_nothing_and_the_newest_come_first(ledger: Ledger) -> None:
    await write(ledger, "07:1-0", entry(conversation(), item(1, text="pagne un"), item(2, text="pagne deux")))
    await write(
        ledger,
        "0b:1-0",
        replace(entry(elsewhere(), said_elsewhere("pagne ailleurs")), shop_id=ShopId(f"{SHOP}-2")),
    )

    assert await found(ledger, "pagne") == ["pagne deux", "pagne un"]
    assert await found(ledger, "pagne", f"{SHOP}-2") == ["pagne ailleurs"]
    assert await found(ledger, "pagne", "chez") == []


async def test_words_that_change_on_their_way_are_found_as_they_left(ledger: Ledger) -> None:
    waiting = item(1, MessageStatus.WAITING, "Votre commande à Cocody")
    sent = item(1, MessageStatus.SENT, "Votre commande")
    await write(ledger, "07:1-0", entry(conversation(), waiting))
    await write(ledger, "07:2-0", entry(conversation(), sent))
    after = (await found(ledger, "commande"), await found(ledger, "cocody"))
    await write(ledger, "07:1-0", entry(conversation(), waiting))

    assert after == (["Votre commande"], [])
    assert await found(ledger, "cocody") == []


async def test_of_an_erased_shopper_the_index_keeps_no_word(ledger: Ledger) -> None:
    await write(ledger, "07:1-0", entry(conversation(), item(1, text="chez tantie pharmacienne")))
    await write(ledger, "0b:1-0", entry(elsewhere(), said_elsewhere("chez quincaillerie")))
    await erase(ledger, SHOP, f"cus-{LANE}")

    assert await found(ledger, "chez") == ["chez quincaillerie"]
    if ledger.dialect == "sqlite":
        async with ledger.reading() as connection:
            blocks = b"".join((await connection.scalars(text("SELECT block FROM message_index_data"))).all())
        assert b"quincaillerie" in blocks and b"pharmacienne" not in blocks


async def test_what_was_said_before_the_index_is_found(empty: Ledger) -> None:
    await upgrade(empty)
    await write(empty, "07:1-0", entry(conversation(), item(1, text="Déjà dit"), item(2, text="…")))

    def down_and_up(connection: Connection) -> None:
        command.downgrade(configuration(connection), "0006")
        command.upgrade(configuration(connection), "head")

    async with empty.writing() as connection:
        await connection.run_sync(down_and_up)

    assert await found(empty, "deja") == ["Déjà dit"]
    assert [row.name for row in await LedgerInbox(empty).search(SHOP, "deja")] == ["Aya"]
