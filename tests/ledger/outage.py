"""A shop in an outage: shoppers in memory, the book of outages on a real database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bot.core.addresses import Address, ChannelName, Scheme
from bot.core.health import Evidence, Kind
from bot.core.shops import AlertTo, Policy, Shop
from bot.flows.alert import send
from bot.flows.keep_incidents import look
from bot.flows.reach_out import reach
from bot.ledger.engine import Ledger
from bot.ledger.importing import import_shops
from bot.ledger.outage_book import LedgerOutages
from bot.ledger.outage_models import AlertRow
from bot.ledger.projector import LedgerRecords
from bot.ledger.shops import LedgerShops
from tests.flows.world import World

SHOPS = Path(__file__).resolve().parents[2] / "shops"
W, T, S = ChannelName.WHATSAPP, ChannelName.TELEGRAM, ChannelName.SMS
OWNER = AlertTo("Awa", Address(Scheme.TEL, "+2250700000180"), "owner")
RIDER = AlertTo("Moussa", Address(Scheme.TEL, "+2250500000180"), "rider")
DOMAINS = {W: ("meta", "twilio", "internet"), T: ("telegram", "internet"), S: ("twilio",)}


class Outage(World):
    """A world whose journal reaches a ledger. WhatsApp is forced down and up as a person would."""

    def __init__(self, ledger: Ledger, **changes: Any) -> None:
        super().__init__()
        self.sent[W] = 0
        for name, phone in self.phones.items():
            phone.domains = DOMAINS.get(name, ("internet",))
        self.ledger = ledger
        self.book = LedgerOutages(ledger, LedgerShops(ledger, {}))
        self._projected = 0
        self.shop: Shop = replace(
            self.shops.shop,
            sms_price_xof=35,
            accounts={name: phone.account for name, phone in self.phones.items()},
            domains=DOMAINS,
            alerts=(OWNER, RIDER),
            policy=Policy(sms_budget_xof_per_hour=5000),
        )
        self.shop = replace(self.shop, **changes)
        self.shops.shop = self.shop

    async def open(self) -> None:
        await import_shops(self.ledger, SHOPS)

    async def project(self) -> None:
        """What the lanes journalled, into the ledger."""
        journal = self.journal
        fresh = journal[self._projected :]
        entries = [(f"00:{self._projected + n + 1}-0", entry) for n, entry in enumerate(fresh)]
        self._projected = len(journal)
        await LedgerRecords(self.ledger).write(entries)

    async def whatsapp_is(self, state: str) -> None:
        await self.board.force(self.shop.id, W, state, "test", self.clock.now())
        await look(self.desk, self.book)

    async def hear(self, evidence: Sequence[Evidence]) -> None:
        for one in evidence:
            await self.board.observe("account:whatsapp", one)

    async def reach(self, seconds: int = 1) -> int:
        """So many looks of the job that reaches out, a second apart; how many lanes were asked."""
        asked = 0
        for _ in range(seconds):
            self.clock.time += 1
            await self.project()
            for incident in await self.book.lasting():
                asked += await reach(self.desk, self.book, incident)
            await self.work()
        await self.project()
        return asked

    async def alert(self) -> None:
        """One look of the job that sends alerts."""
        for due in await self.book.due_alerts(self.clock.now(), 20):
            await send(self.desk, self.book, due)

    async def alerts(self) -> list[tuple[str, str, str]]:
        """(kind, role, status) of all, in the order in which they were owed."""
        async with self.ledger.reading() as connection:
            rows = await connection.execute(
                select(AlertRow.kind, AlertRow.role, AlertRow.status).order_by(
                    AlertRow.created_at, AlertRow.role
                )
            )
            return [tuple(row) for row in rows]


def fault(at: float, recipient: str) -> Evidence:
    return Evidence(at, Kind.FAULT, recipient, "63012", began_at=at - 1)
