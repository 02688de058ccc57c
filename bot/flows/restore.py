"""Redis was emptied: wake the conversations whose shoppers wait for something, without waiting for their next message.

All others are rebuilt when something comes for them (``rebuild``). Looked for by a mark in each partition. What had been
acknowledged and was not in the ledger yet, ``catch_up`` finds where the provider keeps a list: its job has lost its lease
with all else, and begins anew by listing the last hour.
"""

from __future__ import annotations

import asyncio

import structlog

from bot.core.addresses import partition_of
from bot.core.conversations import Conversation
from bot.core.messages import Command
from bot.flows.receive import put_item
from bot.flows.watch import next_due
from bot.ports import Clock, Codec, Lanes, Losses, Records

log = structlog.get_logger()

LOOK_EVERY = 1.0
BACK = 4 * 86400.0
"""Seconds: longer than a page lives and a promise waits."""
PORTION = 200


async def restore(losses: Losses, records: Records, lanes: Lanes, codec: Codec, now: float) -> int | None:
    """Wake what lies in emptied partitions; how many, or None when nothing was lost. Raises Unavailable.

    Marked as whole only afterwards: who dies in between does it again, which wakes some twice.
    """
    emptied = frozenset(await losses.emptied())
    if not emptied:
        return None
    woken, after = 0, ""
    while found := await records.recent(now - BACK, after, PORTION):
        after = found[-1].id
        for one in found:
            if partition_of(one.id) in emptied and waits(one, now):
                await put_item(lanes, codec, one.id, Command(f"restored:{now:.0f}", "restored", now))
                woken += 1
    await losses.whole(sorted(emptied))
    log.warning("restore.emptied", partitions=len(emptied), conversations=woken)
    return woken


def waits(conversation: Conversation, now: float) -> bool:
    """Is something due some time, an order under way, or a page open?"""
    page = conversation.page is not None and conversation.page.expires_at > now
    return page or not conversation.at_rest or next_due(conversation) is not None


async def keep_restoring(
    losses: Losses,
    records: Records,
    lanes: Lanes,
    codec: Codec,
    clock: Clock,
    stop: asyncio.Event,
) -> None:
    """Look for ever. Raises Unavailable; the caller tries again."""
    while not stop.is_set():
        await restore(losses, records, lanes, codec, clock.now())
        await clock.sleep(LOOK_EVERY)
