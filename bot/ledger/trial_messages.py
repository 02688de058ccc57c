"""A vendor's test messages to the shop's own people: owed like alerts, and sent by the same job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from bot.core.addresses import Address, ChannelName, Scheme, parse
from bot.core.shops import AlertTo, Shop
from bot.ledger import owed_alerts
from bot.ledger.engine import Ledger
from bot.ledger.outage_models import AlertRow
from bot.ledger.statements import insert_if_new

KIND = "test"
KEPT = timedelta(minutes=5)
"""Longer nobody stands there and waits for it."""
MOST_PER_HOUR = 10
"""In one shop: they cost what messages cost."""
SHOWN = timedelta(days=1)
_BY_NUMBER = {ChannelName.WHATSAPP: Scheme.WHATSAPP, ChannelName.SMS: Scheme.TEL}


@dataclass(frozen=True, slots=True)
class Trial:
    """The last test of a channel. ``status`` as in ``AlertRow``; ``detail``: what it waits for or why it failed."""

    name: str
    status: str
    detail: str
    at: datetime
    cost_xof: int

    @property
    def open(self) -> bool:
        return self.status in ("waiting", "sending")


def people_on(shop: Shop, channel: ChannelName) -> list[AlertTo]:
    """Who of the shop's people can be tested with on a channel: by their address there, or by their number."""
    found: dict[str, AlertTo] = {}
    for one in shop.alerts:
        number, scheme = one.address.msisdn, _BY_NUMBER.get(channel)
        if one.address.channel is channel:
            address = one.address
        elif number is not None and scheme is not None:
            address = Address(scheme, number)
        else:
            continue
        found.setdefault(str(address), AlertTo(one.name, address, one.role))
    return list(found.values())


async def owe(ledger: Ledger, shop: Shop, to: AlertTo, text: str, cause: str, now: datetime) -> bool:
    """Owe it once for its cause; False when the hour's tests are used up. Raises Unavailable."""
    row = owed_alerts.owed(f"{KIND}:{cause}", KIND, shop, to, text, now, None, now)
    recent = select(func.count()).where(
        AlertRow.shop_id == shop.id, AlertRow.kind == KIND, AlertRow.created_at > now - timedelta(hours=1)
    )
    async with ledger.writing() as connection:
        if (await connection.scalar(recent) or 0) >= MOST_PER_HOUR:
            return False
        await connection.execute(
            insert_if_new(connection, AlertRow, "id"), [row | {"expires_at": now + KEPT}]
        )
    return True


async def latest(ledger: Ledger, shop_id: str, now: datetime) -> dict[str, Trial]:
    """Channel -> its last test within a day. Raises Unavailable."""
    query = (
        select(AlertRow)
        .where(AlertRow.shop_id == shop_id, AlertRow.created_at > now - SHOWN, AlertRow.kind == KIND)
        .order_by(AlertRow.created_at)
    )
    async with ledger.reading() as connection:
        rows = (await connection.execute(query)).all()
    found: dict[str, Trial] = {}
    for row in rows:
        address = parse(row.address)
        if address is not None:
            status = "expired" if row.status == "waiting" and row.expires_at <= now else row.status
            found[address.channel.value] = Trial(
                row.name, status, row.detail or "", row.sent_at or row.created_at, row.cost_xof
            )
    return found
