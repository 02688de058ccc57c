"""Run as a program: the worker as it is, with the scripted dialogue in Rasa's place, so that a session starts in seconds."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from dataclasses import replace

from bot import settings, wiring
from bot.core.catalogue import Product
from bot.dialogue.scripted import ScriptedDialogue
from bot.ledger.catalogue import LedgerCatalogue
from bot.ledger.engine import open_ledger
from bot.ledger.orders import LedgerOrders
from bot.ledger.shops import LedgerShops
from bot.ports import Answer, Turn
from bot.worker import Worker, serve


class ByShop:
    """One scripted dialogue a shop."""

    def __init__(self, dialogues: Mapping[str, ScriptedDialogue]) -> None:
        self._dialogues = dialogues

    async def ask(self, turn: Turn) -> Answer:
        return await self._dialogues[turn.shop_id].ask(turn)


async def main() -> None:
    import os

    ledger = open_ledger(settings.of_child(os.environ).database_url)
    catalogue, orders = LedgerCatalogue(ledger), LedgerOrders(ledger)
    dialogues = {}
    for shop in await LedgerShops(ledger, {}).ids():
        products: list[Product] = list(await catalogue.catalogue(shop))
        dialogues[shop] = ScriptedDialogue(products, await catalogue.zones(shop), orders)
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    async with wiring.worker() as (desk, jobs):
        await serve(Worker(replace(desk, dialogue=ByShop(dialogues))), jobs, stop)
    await ledger.close()


if __name__ == "__main__":
    asyncio.run(main())
