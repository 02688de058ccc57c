"""Sending what the shop's people are owed, on their own addresses: durable in the ledger, tried until it left or is old."""

from __future__ import annotations

import asyncio

from bot.core import rendering
from bot.core.addresses import ChannelName
from bot.core.failures import Accepted, Refused, Retry, Unsure
from bot.core.health import State
from bot.core.messages import MessageId, Reply
from bot.flows import spending
from bot.flows.desk import Desk, channel_health
from bot.ports import DueAlert, Outages, Outgoing

LOOK_SECONDS = 2.0
AT_ONCE = 20
MOST_ATTEMPTS = 5
AGAIN_SECONDS = 30.0
"""After a failure, or after this process died in the middle: an alert twice is better than none."""
CLOSED = frozenset({State.DOWN, State.BROKEN, State.RECOVERING})


async def keep_alerting(desk: Desk, outages: Outages, stop: asyncio.Event) -> None:
    """Send for ever. Raises Unavailable; the caller tries again."""
    while not stop.is_set():
        for alert in await outages.due_alerts(desk.clock.now(), AT_ONCE):
            await send(desk, outages, alert)
        await desk.clock.sleep(LOOK_SECONDS)


async def send(desk: Desk, outages: Outages, alert: DueAlert) -> None:
    """One alert takes one step: sent, put off or given up. It never goes over a channel that is down."""
    now, name = desk.clock.now(), alert.address.channel
    shop = await desk.shops.get(alert.shop_id)
    channel = desk.channels.of(alert.shop_id, name)
    if shop is None or channel is None or name is ChannelName.WEB:
        await outages.alert_ended(alert, "failed", now, "no_account", None, 0)
        return
    known = (await channel_health(desk, shop)).get(name)
    if known is not None and known.state in CLOSED:
        await outages.alert_waits(alert, now + AGAIN_SECONDS, known.state.value)
        return
    with desk.permits.one(channel.account) as granted:
        if not granted:
            return
        rendered = rendering.render(Reply(alert.text), channel.capabilities, str)
        await outages.alert_leaves(alert, now, now + AGAIN_SECONDS)
        # Not a lane's message id: a receipt for it is nobody's, and is dropped.
        outgoing = Outgoing(MessageId(f"alert-{alert.id}"), alert.address.value, rendered.parts[0])
        outcome = await channel.send(outgoing)
    now = desk.clock.now()
    cost = spending.cost(shop, name, rendered)
    match outcome:
        case Accepted(provider_id):
            if cost:
                await desk.meter.spend(spending.budget_key(shop), cost, None)
            await outages.alert_ended(alert, "sent", now, "", provider_id, cost)
        case Refused(failure) if failure.retry is Retry.NEVER or alert.attempts + 1 >= MOST_ATTEMPTS:
            await outages.alert_ended(alert, "failed", now, failure.code, None, 0)
        case Refused(failure):
            await outages.alert_waits(alert, now + (failure.retry_after or AGAIN_SECONDS), failure.code)
        case Unsure(note) if alert.attempts + 1 >= 2:
            await outages.alert_ended(alert, "failed", now, note, None, cost)
        case Unsure(note):
            await outages.alert_waits(alert, now + AGAIN_SECONDS, note)
