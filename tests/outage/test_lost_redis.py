"""Redis is emptied while shoppers are in the middle of their checkouts: each ends in one right order."""

from __future__ import annotations

import asyncio
import os

from bot.core.addresses import ChannelName
from bot.core.conversations import Conversation
from tests.outage.crowd import Crowd, S, Shopper, T, W, crowd
from tests.outage.report import Report, count
from tests.system.running import Running

TIMES = 50 if os.environ.get("RELAIS_TEST_SIZE") == "large" else 6
REACH = ("telegram", "two_way", "whatsapp")
QUESTIONS = 6
ROADS = {"telegram": T, "two_way": S, "whatsapp": W}


def road(shopper: Shopper) -> ChannelName:
    """After the loss people go on where they like: what they write from has to be found again."""
    return ROADS[shopper.reach]


async def test_flushall_in_the_middle_of_checkouts(relais: Running) -> None:
    async with crowd(relais) as people:
        await people.invite([REACH[n % len(REACH)] for n in range(TIMES)])
        for answered in range(QUESTIONS - 1):
            await people.step([s for n, s in enumerate(people.shoppers) if n % QUESTIONS > answered], lambda _: W)
        before = {s.id: talk for s, talk in await people.records(people.shoppers)}
        assert len({talk.awaiting for talk in before.values()}) >= 4, "they are at different questions"

        # Everybody's next answer is on its way: some before it is taken in, some in the middle of its turn.
        await asyncio.gather(*(people.answer(s, before[s.id], W) for s in people.shoppers), people.lose_redis())
        await people.found_again(people.shoppers)
        for shopper, talk in await people.records(people.shoppers):
            assert talk.basket.id == before[shopper.id].basket.id
            assert talk.basket.lines == before[shopper.id].basket.lines
        await people.finish(people.shoppers, road)
        report = await count(people, Report("lost Redis"))
        await _everybody_leads_home(people)
    assert (report.completed, report.doubled_orders, report.wrong_orders) == (TIMES, 0, 0)


async def _everybody_leads_home(people: Crowd) -> None:
    """What anybody writes now, from wherever they were heard before or since, comes into their one conversation."""
    before = {s.id: _heard(talk) for s, talk in await people.records(people.shoppers)}
    for channel in (W, T, S):
        heard = [s for s in people.shoppers if channel in before[s.id]]
        await people.everybody(heard, lambda s, c=channel: people.write(s, "merci", c))
        await people.until(
            heard, lambda s, now, c=channel: _heard(now)[c] > before[s.id][c], 20, f"heard at home by {channel}"
        )


def _heard(talk: Conversation) -> dict[ChannelName, float]:
    """By our clock; a provider's gives whole seconds."""
    known = talk.customer.addresses
    return {a.address.scheme.channel: a.last_heard_at for a in known if a.last_heard_at is not None}
