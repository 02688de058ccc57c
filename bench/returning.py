"""Everybody has moved and nobody writes: how long until a channel that works again is up, and what finding out cost.

The real prober and board in virtual time. The channel is down for an hour and comes back at a random moment.
"""

from __future__ import annotations

import asyncio
import random
import statistics

from bench.virtual import Account, Clock, nothing, yes
from bench.watchers import EPOCH
from bot.core.health import Evidence, Kind, State
from bot.flows.probe import BEAT, Outside, Prober
from bot.storage.memory import MemoryHealthBoard

ACCOUNT = "whatsapp"
DOMAINS = ("meta", "twilio")
DELIVERED_AFTER = 2.0
SILENT_AFTER = 12.0
LONGEST = 4 * 3600.0


async def _one(returns_at: float, canary: bool, resting: bool) -> tuple[float | None, float | None, int, int]:
    """Seconds from the return to ``recovering`` and to ``up`` (None: not within 4 h); canaries and messages sent."""
    clock = Clock()
    board = MemoryHealthBoard(clock)
    back = EPOCH + returns_at
    sent = {"canary": 0, "resting": 0}
    late: list[Evidence] = []

    def result(who: str) -> Evidence:
        works = clock.now() >= back
        after = DELIVERED_AFTER if works else SILENT_AFTER
        return Evidence(clock.now() + after, Kind.WORKS if works else Kind.SILENT, who, began_at=clock.now())

    async def nudge(account: str) -> bool:
        if resting:
            sent["resting"] += 1
            late.append(result(f"shopper-{sent['resting']}"))
        return resting

    class Bird:
        account, recipient, domains = ACCOUNT, "canary", DOMAINS

        async def fly(self) -> tuple[Kind, float] | None:
            sent["canary"] += 1
            return (Kind.WORKS if clock.now() >= back else Kind.FAULT), clock.now()

    birds = [Bird()] if canary else []
    prober = Prober(board, clock, Outside([Account(ACCOUNT, DOMAINS)], yes, nothing, nudge, canaries=birds))
    for who in "abcd":
        await board.observe(ACCOUNT, Evidence(clock.now(), Kind.FAULT, who, began_at=clock.now()))
    recovering: float | None = None
    while clock.now() < back + LONGEST:
        clock.time += BEAT
        for one in [seen for seen in late if seen.at <= clock.now()]:
            late.remove(one)
            await board.observe(ACCOUNT, one)
        await prober.once()
        await prober.try_canaries()
        state = (await board.read([ACCOUNT]))[ACCOUNT].state
        if state is State.RECOVERING and recovering is None:
            recovering = clock.now() - back
        if state is State.UP:
            return recovering, clock.now() - back, sent["canary"], sent["resting"]
    return recovering, None, sent["canary"], sent["resting"]


def returns(trials: int) -> list[dict[str, object]]:
    """A row for each way of finding out: medians over random moments of return about an hour after the beginning."""
    rows: list[dict[str, object]] = []
    for name, canary, resting in (
        ("a canary number", True, False),
        ("one resting conversation in 10 minutes", False, True),
        ("neither", False, False),
    ):
        chance = random.Random(9)
        found = [asyncio.run(_one(chance.uniform(3000, 4200), canary, resting)) for _ in range(trials)]
        recovering = [one[0] for one in found if one[0] is not None]
        up = [one[1] for one in found if one[1] is not None]
        rows.append(
            {
                "by": name,
                "recovering_median_s": round(statistics.median(recovering)) if recovering else None,
                "up_median_s": round(statistics.median(up)) if up else None,
                "up_worst_s": round(max(up)) if up else None,
                "canaries": round(statistics.mean(one[2] for one in found), 1),
                "messages": round(statistics.mean(one[3] for one in found), 1),
            }
        )
    return rows
