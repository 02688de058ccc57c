"""``ports.Outages`` on the ledger: each change with its event and its alerts in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core import incidents
from bot.core.addresses import ChannelName, ShopId
from bot.core.health import INTERNET
from bot.core.incidents import COUNTED, Outage
from bot.core.readiness import Road
from bot.core.shops import AlertTo, Shop
from bot.core.triage import Candidate, Tier
from bot.ledger import incident_counts, owed_alerts, reaching, views
from bot.ledger.engine import Ledger
from bot.ledger.feed_readers import read_up_to, unread
from bot.ledger.models import Customer, OutboxRow
from bot.ledger.outage_models import Incident
from bot.ledger.outbox import event_row, tell
from bot.ledger.shops import LedgerShops
from bot.ledger.times import instant, shown
from bot.ports import DueAlert, OpenIncident

READER = "alerts"
BATCH = 200
KEPT = 60
"""Pieces of evidence kept of one incident."""


class LedgerOutages:
    """The book of outages of all shops."""

    def __init__(self, ledger: Ledger, shops: LedgerShops) -> None:
        self._ledger = ledger
        self._shops = shops

    async def shops(self) -> Sequence[ShopId]:
        """Raises Unavailable."""
        return await self._shops.ids()

    async def lasting(self) -> Sequence[OpenIncident]:
        """Raises Unavailable."""
        query = select(Incident.id, Incident.shop_id, Incident.channel, Incident.detected_at)
        async with self._ledger.reading() as connection:
            rows = await connection.execute(
                query.where(Incident.ended_at.is_(None)).order_by(Incident.began_at)
            )
            return [
                OpenIncident(
                    row.id, ShopId(row.shop_id), ChannelName(row.channel), row.detected_at.timestamp()
                )
                for row in rows
            ]

    # --- beginning and end ------------------------------------------------------------------------------

    async def begin(self, shop: Shop, outage: Outage, roads: Sequence[ChannelName], now: float) -> None:
        """Raises Unavailable."""

        async def work(connection: AsyncConnection) -> None:
            at = instant(now)
            last = await _last(connection, shop.id, outage.channel)
            if last is not None and last.ended_at is None:
                return
            if last is not None and (at - last.ended_at).total_seconds() < incidents.RELAPSE_SECONDS:
                await self._relapse(connection, shop, outage, last, roads, at)
                return
            row = _new(shop, outage)
            others = await _lasting(connection, shop.id)
            await connection.execute(insert(Incident).values(row))
            await self._opened(connection, row["id"], at)
            if any(other.fault_domain == outage.fault_domain for other in others):
                return  # One part of the world fell: it is told once.
            told = [("down:0", to, await _down(connection, shop, outage, roads, at)) for to in _owners(shop, outage)]
            listed = [] if others else await owed_alerts.deliveries(connection, shop.id, at)
            if listed:
                text = incidents.alert_rider(shop.name, outage, listed)
                told += [("rider", to, text) for to in shop.alerts if to.role == "rider"]
            await owed_alerts.add(
                connection,
                [
                    owed_alerts.owed(f"{row['id']}:{cause}", "down", shop, to, text, at, row["id"], at)
                    for cause, to, text in told
                ],
            )

        await self._ledger.write(work)

    async def _relapse(
        self,
        connection: AsyncConnection,
        shop: Shop,
        outage: Outage,
        last: Any,
        roads: Sequence[ChannelName],
        at: datetime,
    ) -> None:
        """The same outage again. The owner who was told of its end is told once more, not too soon after."""
        again = last.relapses + 1
        await connection.execute(
            update(Incident)
            .where(Incident.id == last.id)
            .values(ended_at=None, relapses=again, evidence=[*last.evidence, *_evidence(outage)][-KEPT:])
        )
        others = await _lasting(connection, shop.id)
        await self._opened(connection, last.id, at)
        if await owed_alerts.withdraw(connection, last.id, "up"):
            return
        if any(one.id != last.id and one.fault_domain == last.fault_domain for one in others):
            return
        told = await owed_alerts.last_sent(connection, last.id)
        after = at if told is None else told + timedelta(seconds=incidents.ALERT_GAP_SECONDS)
        await owed_alerts.add(
            connection,
            [
                owed_alerts.owed(
                    f"{last.id}:down:{again}",
                    "down",
                    shop,
                    to,
                    await _down(connection, shop, outage, roads, at),
                    at,
                    last.id,
                    after,
                )
                for to in _owners(shop, outage)
            ],
        )

    async def end(self, shop: Shop, incident: OpenIncident, now: float) -> None:
        """Raises Unavailable."""

        async def work(connection: AsyncConnection) -> None:
            at = instant(now)
            row = await _last(connection, shop.id, incident.channel)
            if row is None or row.id != incident.id or row.ended_at is not None:
                return
            counted = await incident_counts.counts(connection, row, at)
            await connection.execute(
                update(Incident).where(Incident.id == row.id).values(ended_at=at, counted_at=at, **counted)
            )
            await self._tell(connection, row.id, "incident.closed", at)
            together = await _together(connection, row)
            if any(one.ended_at is None for one in together):
                return  # It is told when the last channel is back.
            if sum([await owed_alerts.withdraw(connection, one.id, "down") for one in together]):
                return
            text = incidents.alert_up(
                shop.name,
                row.fault_domain,
                [ChannelName(one.channel) for one in together],
                min(one.began_at for one in together).timestamp(),
                now,
                {name: sum(getattr(one, name) for one in together) for name in COUNTED},
                shop.timezone,
            )
            after = at + timedelta(seconds=incidents.CALM_SECONDS)
            await owed_alerts.add(
                connection,
                [
                    owed_alerts.owed(f"{row.id}:up:{row.relapses}", "up", shop, to, text, at, row.id, after)
                    for to in owed_alerts.owners(shop)
                ],
            )

        await self._ledger.write(work)

    async def _opened(self, connection: AsyncConnection, incident_id: str, at: datetime) -> None:
        await self._tell(connection, incident_id, "incident.opened", at)

    async def _tell(self, connection: AsyncConnection, incident_id: str, type_: str, at: datetime) -> None:
        row = (await connection.execute(select(Incident.__table__).where(Incident.id == incident_id))).one()
        cause = f"{type_}:{row.id}:{row.relapses}"
        await tell(connection, [event_row(row.shop_id, cause, type_, at, views.incident(row))])

    async def recount(self, now: float, settling: bool) -> None:
        """Raises Unavailable."""
        at = instant(now)
        window = timedelta(seconds=incidents.SETTLED_SECONDS)
        async with self._ledger.reading() as connection:
            rows = list(await connection.execute(incident_counts.due(at, window, also_ended=settling)))
            found = [(row, await incident_counts.counts(connection, row, at)) for row in rows]
        changed = [
            (row.id, counted)
            for row, counted in found
            if any(getattr(row, name) != counted[name] for name in COUNTED)
        ]
        if changed:
            async with self._ledger.writing() as connection:
                for incident_id, counted in changed:
                    await connection.execute(
                        update(Incident).where(Incident.id == incident_id).values(counted_at=at, **counted)
                    )

    # --- alerts ------------------------------------------------------------------------------------------

    async def broken(self, shop: Shop, channel: ChannelName, since: float, now: float) -> None:
        """Raises Unavailable."""
        at, text = instant(now), incidents.alert_broken(shop.name, channel)
        rows = [
            owed_alerts.owed(
                f"{shop.id}:{channel}:broken:{since:.0f}", "broken", shop, to, text, at, None, at
            )
            for to in owed_alerts.owners(shop, (channel,))
        ]
        async with self._ledger.reading() as connection:
            if not rows or await owed_alerts.known(connection, rows[0]["id"]):
                return
        async with self._ledger.writing() as connection:
            await owed_alerts.add(connection, rows)

    async def waiting_for_person(self, now: float) -> None:
        """Raises Unavailable."""
        async with self._ledger.reading() as connection:
            behind = await unread(connection, READER)
            batches = [(one.shop_id, await _events(connection, one.shop_id, one.seq)) for one in behind]
        for shop_id, rows in batches:
            shop = await self._shops.get(ShopId(shop_id))
            waiting = [row for row in rows if row.type == "conversation.waiting_for_person" and row.data]
            if shop is not None and waiting:
                await self._owe_person(shop, waiting, instant(now))
            if rows:
                await read_up_to(self._ledger, READER, shop_id, rows[-1].seq)

    async def _owe_person(self, shop: Shop, waiting: Sequence[Any], at: datetime) -> None:
        async with self._ledger.writing() as connection:
            rows = []
            for event in waiting:
                name, phone = await _who(connection, event.data.get("customer_id"))
                text = incidents.alert_person(shop.name, name, phone)
                rows += [
                    owed_alerts.owed(event.id, "person", shop, to, text, at, None, at)
                    for to in owed_alerts.owners(shop)
                ]
            await owed_alerts.add(connection, rows)

    async def due_alerts(self, now: float, most: int) -> Sequence[DueAlert]:
        """Raises Unavailable."""
        at = instant(now)
        async with self._ledger.reading() as connection:
            found = await owed_alerts.due(connection, at, most)
        if any(old for _, old in found):
            async with self._ledger.writing() as connection:
                await owed_alerts.expire(connection, at)
        return [alert for alert, old in found if not old]

    async def alert_leaves(self, alert: DueAlert, now: float, again_at: float) -> None:
        """Raises Unavailable."""
        async with self._ledger.writing() as connection:
            await owed_alerts.leaves(connection, alert, again_at)

    async def alert_ended(
        self, alert: DueAlert, status: str, now: float, detail: str, provider_id: str | None, cost_xof: int
    ) -> None:
        """Raises Unavailable."""
        async with self._ledger.writing() as connection:
            await owed_alerts.ended(connection, alert, status, now, detail, provider_id, cost_xof)

    async def alert_waits(self, alert: DueAlert, until: float, detail: str) -> None:
        """Raises Unavailable."""
        async with self._ledger.writing() as connection:
            await owed_alerts.waits(connection, alert, until, detail)

    # --- reaching out --------------------------------------------------------------------------------------

    async def candidates(
        self, incident: OpenIncident, tier: Tier, wanted: Road, unwanted: Road, now: float, most: int
    ) -> Sequence[tuple[Candidate, str]]:
        """Raises Unavailable."""
        if most <= 0:
            return []
        async with self._ledger.reading() as connection:
            return await reaching.candidates(connection, incident, tier, wanted, unwanted, now, most)

    async def asked(
        self, incident: OpenIncident, told: Sequence[Candidate], road: ChannelName | None, now: float
    ) -> None:
        """Raises Unavailable."""
        async with self._ledger.writing() as connection:
            await reaching.asked(connection, incident, told, road, now)


def _new(shop: Shop, outage: Outage) -> dict[str, Any]:
    detected = instant(outage.detected_at)
    return {
        "id": f"inc_{shop.id}_{outage.channel}_{outage.detected_at * 1000:.0f}",
        "shop_id": shop.id,
        "channel": outage.channel.value,
        "fault_domain": outage.fault_domain,
        "began_at": min(instant(outage.began_at), detected),
        "detected_at": detected,
        "ended_at": None,
        "relapses": 0,
        "counted_at": None,
        "evidence": _evidence(outage),
        **dict.fromkeys(COUNTED, 0),
    }


def _evidence(outage: Outage) -> list[dict[str, Any]]:
    """As REST shows it."""
    return [{**seen, "at": shown(instant(seen["at"]))} for seen in outage.evidence]


def _owners(shop: Shop, outage: Outage) -> list[AlertTo]:
    return owed_alerts.owners(shop, outage.channels)


async def _down(
    connection: AsyncConnection, shop: Shop, outage: Outage, roads: Sequence[ChannelName], at: datetime
) -> str:
    calls = await owed_alerts.calls(connection, shop.id, at) if outage.fault_domain == INTERNET else []
    return incidents.alert_down(shop.name, outage, roads, calls, shop.timezone)


async def _lasting(connection: AsyncConnection, shop_id: str) -> list[Any]:
    """The shop's outages that have not ended."""
    query = select(Incident.id, Incident.fault_domain)
    rows = await connection.execute(query.where(Incident.shop_id == shop_id, Incident.ended_at.is_(None)))
    return list(rows)


async def _together(connection: AsyncConnection, row: Any) -> list[Any]:
    """The shop's outages of the same part of the world that overlap this one, itself among them."""
    query = select(Incident.__table__).where(
        Incident.shop_id == row.shop_id,
        Incident.fault_domain == row.fault_domain,
        or_(Incident.id == row.id, Incident.ended_at.is_(None), Incident.ended_at > row.began_at),
    )
    return list(await connection.execute(query.order_by(Incident.began_at, Incident.id)))


async def _last(connection: AsyncConnection, shop_id: str, channel: ChannelName) -> Any:
    """The newest incident of a channel."""
    query = select(Incident.__table__).where(Incident.shop_id == shop_id, Incident.channel == channel.value)
    return (await connection.execute(query.order_by(Incident.detected_at.desc()).limit(1))).first()


async def _events(connection: AsyncConnection, shop_id: str, after: int) -> list[Any]:
    query = (
        select(OutboxRow.id, OutboxRow.seq, OutboxRow.type, OutboxRow.data)
        .where(OutboxRow.shop_id == shop_id, OutboxRow.seq > after)
        .order_by(OutboxRow.seq)
        .limit(BATCH)
    )
    return list(await connection.execute(query))


async def _who(connection: AsyncConnection, customer_id: str | None) -> tuple[str | None, str | None]:
    """Name and a number of a shopper, where they are known."""
    name = await connection.scalar(select(Customer.name).where(Customer.id == customer_id))
    numbers = await owed_alerts.phones(connection, [customer_id] if customer_id else [])
    return name, numbers.get(customer_id or "")
