"""What an outage cost, counted at its end, and the table that is printed after the session."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from statistics import median

from bot.core.conversations import Conversation
from bot.core.messages import MessageStatus
from tests.outage.crowd import TOTAL, Crowd, P, Shopper, W, wrong_channel

ARRIVED = (MessageStatus.DELIVERED, MessageStatus.READ)


@dataclass
class Report:
    """One row. Seconds are real ones, from phone to phone."""

    what: str
    shoppers: int = 0
    completed: int = 0
    moved: int = 0
    held: int = 0
    lost: int = 0
    doubled_orders: int = 0
    wrong_orders: int = 0
    wrong_channel: int = 0
    messages: int = 0
    twice: int = 0
    """Replies that reached the shopper twice: the first way after all, and the second."""
    to_other_s: list[float] = field(default_factory=list)
    """From the shopper's message to the first answer on another channel, for who was the first to fail."""
    later_s: list[float] = field(default_factory=list)
    """The same for who writes when the channel is known to be down."""

    def row(self) -> list[str]:
        per_thousand = 1000 * self.twice / max(1, self.messages)
        return [
            self.what,
            *(str(getattr(self, f.name)) for f in fields(self)[1:9]),
            f"{self.twice} of {self.messages} ({per_thousand:.1f} ‰)",
            _seconds(self.to_other_s),
            _seconds(self.later_s),
        ]


HEAD = [
    "outage", "shoppers", "completed", "moved", "held", "lost", "doubled", "wrong order", "wrong channel",
    "said twice", "s to the other channel", "s once known",
]  # fmt: skip


def _seconds(took: list[float]) -> str:
    return f"{median(took):.1f} (max {max(took):.1f}, {len(took)})" if took else "-"


def table(reports: Iterable[Report]) -> str:
    rows = [HEAD, *(report.row() for report in reports)]
    wide = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    return "\n".join("  ".join(cell.rjust(w) for cell, w in zip(row, wide, strict=True)) for row in rows)


async def first_elsewhere(crowd: Crowd, shopper: Shopper) -> float | None:
    """Seconds from what the shopper wrote to the first answer on another phone app, None: there was none."""
    shown = [
        m["shown_at"] - shopper.wrote_at
        for m in await crowd.messages(shopper)
        if m["channel"] != W and m["shown_at"] is not None and m["shown_at"] > shopper.wrote_at
    ]
    return min(shown, default=None)


async def count(crowd: Crowd, report: Report) -> Report:
    """Fill in what can be counted when all is over."""
    orders = await crowd.orders()
    for shopper, talk in await crowd.records(crowd.shoppers):
        mine = orders.get(talk.id, [])
        report.shoppers += 1
        report.completed += len(mine) == 1
        report.lost += not mine or bool(talk.unanswered)
        report.doubled_orders += max(0, len(mine) - 1)
        report.wrong_orders += any(order["total_xof"] != TOTAL[shopper.shop] for order in mine)
        report.moved += talk.epoch > 0
        report.wrong_channel += wrong_channel(talk)
        report.messages += len([m for m in await crowd.messages(shopper) if m["shown_at"] is not None])
        report.twice += said_twice(talk)
    return report


def said_twice(talk: Conversation) -> int:
    """Items that were repeated elsewhere and arrived all the same. The page shows everything by design."""
    return sum(1 for d in talk.deliveries if d.superseded_by and d.status in ARRIVED and d.channel is not P)
