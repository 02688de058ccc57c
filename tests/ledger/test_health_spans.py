"""The day of a channel is drawn from the changes of its account and of what it rests on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from bot.ledger.engine import Ledger
from bot.ledger.health_spans import spans
from bot.ledger.models import HealthChange

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
KEYS = {"whatsapp": ["whatsapp:AC1", "domain:meta", "domain:twilio"], "sms": ["sms:AC1", "domain:twilio"]}


async def changed(ledger: Ledger, key: str, old: str, new: str, hours_ago: float) -> None:
    at = NOW - timedelta(hours=hours_ago)
    row = {"id": f"{int(at.timestamp() * 1000):016d}-{key}", "key": key, "old": old, "new": new, "at": at}
    async with ledger.writing() as connection:
        await connection.execute(insert(HealthChange).values(**row, began_at=None, evidence=[]))


async def drawn(ledger: Ledger) -> dict[str, list[tuple[str, float]]]:
    """Channel -> (state, hours) of the last 24."""
    found = await spans(ledger, KEYS, NOW - timedelta(hours=24), NOW)
    return {
        channel: [(span.state.value, (span.end - span.begin).total_seconds() / 3600) for span in some]
        for channel, some in found.items()
    }


async def test_nothing_kept_is_a_day_without_change(ledger: Ledger) -> None:
    assert await drawn(ledger) == {"whatsapp": [("up", 24.0)], "sms": [("up", 24.0)]}


async def test_the_worst_of_account_and_domains_is_drawn_without_gaps(ledger: Ledger) -> None:
    await changed(ledger, "domain:twilio", "up", "suspect", 30)
    await changed(ledger, "domain:twilio", "suspect", "down", 26)
    await changed(ledger, "domain:twilio", "down", "up", 20)
    await changed(ledger, "whatsapp:AC1", "up", "suspect", 10)
    await changed(ledger, "domain:meta", "up", "down", 9)
    await changed(ledger, "whatsapp:AC1", "suspect", "up", 8)
    await changed(ledger, "domain:meta", "down", "recovering", 2)
    await changed(ledger, "telegram:1", "up", "down", 1)

    assert await drawn(ledger) == {
        "whatsapp": [("down", 4.0), ("up", 10.0), ("suspect", 1.0), ("down", 7.0), ("recovering", 2.0)],
        "sms": [("down", 4.0), ("up", 20.0)],
    }
