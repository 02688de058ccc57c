"""Telling people of an outage who are owed nothing: whom to ask next, and what one lane does when it is asked.

One process walks the ledger's open conversations in the order of triage and puts a command into each lane, at the
rate of the road it will probably take. What was asked is written down after the put; a crash between asks again, and
the lane drops what it has seen. The lane decides late and by itself.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import replace

from bot.core import failover, moving, speaking, triage, wording
from bot.core.addresses import ChannelName, LaneId
from bot.core.deliveries import Delivery
from bot.core.failover import Send
from bot.core.health import State
from bot.core.messages import Command, MessageId, Purpose, Reply
from bot.core.readiness import Road, mask
from bot.core.shops import Shop
from bot.core.triage import Candidate, Tier
from bot.flows import spending
from bot.flows.deliver import to_be_called
from bot.flows.desk import Desk, Work, channel_health, states_of
from bot.flows.receive import put_item
from bot.ports import OpenIncident, Outages

LOOK_SECONDS = 1.0
CALLS_AT_ONCE = 100
"""Shoppers without any road, put on the call list in one look."""
TOLD = frozenset({State.DOWN, State.BROKEN})


async def keep_reaching(desk: Desk, outages: Outages, stop: asyncio.Event) -> None:
    """Reach out while channels are down, for ever. Raises Unavailable; the caller tries again."""
    while not stop.is_set():
        for incident in await outages.lasting():
            await reach(desk, outages, incident)
        await desk.clock.sleep(LOOK_SECONDS)


async def reach(desk: Desk, outages: Outages, incident: OpenIncident) -> int:
    """One look at one outage: ask as many lanes as roads and budget carry now; how many."""
    shop = await desk.shops.get(incident.shop_id)
    if shop is None or desk.clock.now() - incident.detected_at < triage.WAIT_SECONDS:
        return 0
    states = states_of(await channel_health(desk, shop))
    if states.get(incident.channel, State.DOWN) not in TOLD:
        return 0
    now, asked, earlier = desk.clock.now(), 0, (Road(0), Road(0))
    for channel in shop.policy.order:
        rate = triage.rates(shop.sms_per_second).get(channel)
        if (
            rate is None
            or channel is incident.channel
            or states.get(channel) not in (State.UP, State.SUSPECT)
        ):
            continue
        most = await _room(desk, shop, channel, math.ceil(rate))
        for tier in Tier:
            wanted = mask((channel,), order_under_way=tier is Tier.ORDER)
            unwanted = earlier[tier is Tier.ORDER]
            found = await outages.candidates(incident, tier, wanted, unwanted, now, most)
            places = await desk.meter.places(f"reach:{shop.accounts[channel]}", rate, len(found))
            await _ask(desk, outages, incident, found[:places], channel, now)
            asked, most = asked + places, most - len(found)
            if most <= 0:
                break
        earlier = (
            earlier[0] | mask((channel,), order_under_way=False),
            earlier[1] | mask((channel,), order_under_way=True),
        )
    for tier in (Tier.ORDER, Tier.DELIVERY):
        unreached = await outages.candidates(
            incident, tier, Road(0), earlier[tier is Tier.ORDER], now, CALLS_AT_ONCE
        )
        await _ask(desk, outages, incident, unreached, None, now)
        asked += len(unreached)
    return asked


async def _room(desk: Desk, shop: Shop, channel: ChannelName, most: int) -> int:
    """How many the budget allows on this road just now."""
    if channel is not ChannelName.SMS or not shop.sms_price_xof:
        return most
    left = shop.policy.sms_budget_xof_per_hour - await desk.meter.spent(spending.budget_key(shop))
    return max(0, min(most, left // shop.sms_price_xof))


async def _ask(
    desk: Desk,
    outages: Outages,
    incident: OpenIncident,
    found: Sequence[tuple[Candidate, str]],
    road: ChannelName | None,
    now: float,
) -> None:
    for candidate, number in found:
        order = (("order", number), ("total_xof", str(candidate.value_xof))) if number else ()
        arguments = (("incident", incident.id), ("channel", incident.channel.value), *order)
        command = Command(f"reach:{incident.id}", "reach_out", now, arguments)
        await put_item(desk.lanes, desk.codec, LaneId(candidate.conversation_id), command)
    if found:
        await outages.asked(incident, [candidate for candidate, _ in found], road, now)


async def obey(desk: Desk, work: Work, command: Command, now: float) -> None:
    """Within the lane: tell the shopper by the road that is open now, or put them on the call list, or neither."""
    conversation = work.conversation
    gone = ChannelName(command.argument("channel") or "")
    if conversation.channel is not gone or conversation.heading is not gone:
        return
    states = states_of(await channel_health(desk, work.shop))
    if states.get(gone, State.DOWN) not in TOLD or moving.owed(conversation):
        return
    if not conversation.customer.takes_unasked:
        # STOP ends unasked messages on all addresses; a call would be one too.
        return
    matter = _matter(command, conversation.customer.language)
    reply = Reply(matter, Purpose.REACH_OUT, author="system", gone=gone)
    trial = Delivery(MessageId(""), reply, created_at=now)
    road = failover.choose(conversation, trial, work.shop, states, now)
    if isinstance(road, Send):
        work.conversation = speaking.say(conversation, reply, now)
    elif not conversation.unreachable_told and (matter or conversation.basket.lines):
        to_be_called(work, command.id, getattr(road, "reason", "no_road"), now, matter)


def _matter(command: Command, language: str) -> str:
    number = command.argument("order")
    if not number:
        return ""
    return wording.order_on_its_way(number, int(command.argument("total_xof") or 0), language)


async def nudge(desk: Desk, work: Work, now: float) -> None:
    """Telegram says nothing of who reads: an open checkout without an answer there gets one SMS."""
    due_at = triage.unheard_at(work.conversation)
    if due_at is None or due_at > now:
        return
    conversation = replace(work.conversation, nudged_epoch=work.conversation.epoch)
    work.conversation = conversation
    home = conversation.home_channel
    states = states_of(await channel_health(desk, work.shop))
    if home is None or states.get(home, State.DOWN) not in TOLD:
        return
    if not conversation.customer.takes_unasked:
        return
    line = wording.basket_line(conversation.basket, conversation.customer.language)
    reply = Reply(line, Purpose.REACH_OUT, author="system", only_on=ChannelName.SMS, gone=home)
    trial = Delivery(MessageId(""), reply, created_at=now)
    if isinstance(failover.choose(conversation, trial, work.shop, states, now), Send):
        work.conversation = speaking.say(conversation, reply, now)
