"""Simulated shoppers with goals and quirks, through the real flows and real Rasa: each ends in exactly the wanted order."""

from __future__ import annotations

import asyncio
import os

import pytest
from sqlalchemy import select, update

from bot.dialogue.rasa import RasaDialogue
from bot.ledger.engine import Ledger, open_ledger
from bot.ledger.models import OrderLine, OrderRow, Product
from tests.dialogue.buyer import Buyer
from tests.dialogue.conftest import Backend
from tests.dialogue.goals import Goal, goals

LARGE = os.environ.get("RELAIS_TEST_SIZE") == "large"
SEED = int(os.environ.get("RELAIS_TEST_SEED", "7"))
COUNT = 400 if LARGE else 64
AT_ONCE = 4
WANTED = 0.98

Ordered = tuple[frozenset[tuple[str, tuple[str, ...], int]], str, str, str, str, str]


async def test_whole_conversations_end_in_the_wanted_order(
    backend: Backend, dialogue: RasaDialogue, capsys: pytest.CaptureFixture[str]
) -> None:
    """98 of 100, printed one by one; a shopper who gets nothing, something else or two orders counts against it."""
    ledger = open_ledger(backend.database_url)
    try:
        async with ledger.writing() as connection:
            await connection.execute(update(Product).where(Product.stock > 0).values(stock=900))
        buyers = [Buyer(goal, dialogue, SEED) for goal in goals(COUNT, SEED)]
        turns = asyncio.Semaphore(AT_ONCE)

        async def shop(buyer: Buyer) -> str:
            async with turns:
                await buyer.shop()
                return verdict(buyer.goal, await ordered(ledger, buyer.lane))

        verdicts = await asyncio.gather(*(shop(buyer) for buyer in buyers))
    finally:
        await ledger.close()
    with capsys.disabled():
        print(table(buyers, verdicts))
    right = sum(verdict == "right" for verdict in verdicts)
    assert len(buyers) >= 60
    assert right / len(buyers) >= WANTED


def wanted(goal: Goal) -> Ordered:
    lines = frozenset(want.line for want in goal.wants)
    return lines, goal.commune, goal.landmark, goal.name, goal.payment, goal.phone


def verdict(goal: Goal, orders: list[Ordered]) -> str:
    """``right``, or the first thing that is wrong."""
    if len(orders) != 1:
        return f"{len(orders)} orders"
    names = ("lines", "commune", "landmark", "name", "payment", "phone")
    pairs = zip(names, orders[0], wanted(goal), strict=True)
    return next((f"{name}: {got}" for name, got, want in pairs if got != want), "right")


async def ordered(ledger: Ledger, lane: str) -> list[Ordered]:
    """All orders of a conversation as the ledger holds them."""
    async with ledger.reading() as connection:
        rows = await connection.execute(select(OrderRow.__table__).where(OrderRow.conversation_id == lane))
        found = []
        for row in rows.all():
            lines = await connection.execute(select(OrderLine.__table__).where(OrderLine.order_id == row.id))
            taken = frozenset(
                (line.product_id, tuple(value for _, value in line.options), line.quantity) for line in lines.all()
            )
            found.append((taken, row.commune, row.landmark, row.name, row.payment_method, row.phone))
    return found


def table(buyers: list[Buyer], verdicts: list[str]) -> str:
    rows = [f"\n{'no':>3} {'wrote':>5} {'read':>4}  {'quirks':<58} result"]
    for buyer, said in zip(buyers, verdicts, strict=True):
        quirks = ", ".join(sorted(buyer.goal.quirks)) or "none"
        rows.append(f"{buyer.goal.number:>3} {len(buyer.said):>5} {buyer.read:>4}  {quirks:<58} {said}")
        if said != "right":
            rows += [f"      > {text}" for text in buyer.said] + [f"      < {t}" for t in buyer.phone.texts[-3:]]
    right = sum(said == "right" for said in verdicts)
    wrote, read = sum(len(b.said) for b in buyers), sum(b.read for b in buyers)
    return "\n".join([*rows, f"{right} of {len(buyers)} right; {wrote} messages written, {read} read; seed {SEED}"])
