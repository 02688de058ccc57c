"""From states of channels to incidents: what is down has one, what is up has none. Looked at, not listened for.

Comparing what is with what is written needs no place in a stream, survives an empty Redis and any crash, and a second
holder of the lease changes nothing.
"""

from __future__ import annotations

import asyncio

from bot.core import incidents
from bot.core.addresses import ChannelName
from bot.core.health import AccountHealth, State, domain_key
from bot.core.shops import Shop
from bot.flows.desk import Desk, channel_health
from bot.ports import OpenIncident, Outages

LOOK_SECONDS = 1.0
RECOUNT_LOOKS = 5
SETTLE_LOOKS = 60
OPEN = (State.UP, State.SUSPECT)


async def keep_incidents(desk: Desk, outages: Outages, stop: asyncio.Event) -> None:
    """Watch for ever. Raises Unavailable; the caller tries again."""
    looks = 0
    while not stop.is_set():
        await look(desk, outages)
        if looks % RECOUNT_LOOKS == 0:
            await outages.recount(desk.clock.now(), settling=looks % SETTLE_LOOKS == 0)
        looks += 1
        await desk.clock.sleep(LOOK_SECONDS)


async def look(desk: Desk, outages: Outages) -> None:
    """Open and close what must be, for every shop."""
    lasting = await outages.lasting()
    for shop_id in await outages.shops():
        shop = await desk.shops.get(shop_id)
        if shop is not None:
            mine = {one.channel: one for one in lasting if one.shop_id == shop_id}
            await _shop(desk, outages, shop, mine)
    await outages.waiting_for_person(desk.clock.now())


async def _shop(desk: Desk, outages: Outages, shop: Shop, lasting: dict[ChannelName, OpenIncident]) -> None:
    known: dict[ChannelName, AccountHealth] = {
        name: health
        for name, health in (await channel_health(desk, shop)).items()
        if name is not ChannelName.WEB
    }
    now = desk.clock.now()
    for channel, health in known.items():
        if incidents.is_down(health.state) and channel not in lasting:
            roads = [name for name in shop.policy.order if name in known and known[name].state in OPEN]
            found = incidents.outage(channel, known, shop.domains, await _fallen(desk, shop))
            await outages.begin(shop, found, roads, now)
        elif incidents.is_over(health.state) and channel in lasting:
            await outages.end(shop, lasting[channel], now)
        if health.state is State.BROKEN:
            await outages.broken(shop, channel, health.since, now)


async def _fallen(desk: Desk, shop: Shop) -> frozenset[str]:
    """The fault domains of the shop's channels that are down as a whole."""
    names = sorted({name for needed in shop.domains.values() for name in needed})
    known = await desk.board.read([domain_key(name) for name in names])
    return frozenset(name for name in names if incidents.is_down(known[domain_key(name)].state))
