"""A shopper who blocks the bot is not written to there until they unblock it or write."""

from __future__ import annotations

import pytest

from bot.core.addresses import ChannelName
from bot.core.messages import Command
from tests.flows.world import World

T = ChannelName.TELEGRAM


async def block(world: World, name: str) -> None:
    address = str(world.message("", T).address)
    await world.lanes.put(world.lane(), f"tg:{name}", world.encoded(Command(f"tg:{name}", name, 0.0, (("address", address),))))
    await world.work()


async def open_on_telegram(world: World) -> bool:
    return bool((await world.conversation()).customer.on(T))


@pytest.mark.parametrize("unblocked", [True, False], ids=["unblocks", "writes"])
async def test_a_blocked_bot_is_a_closed_road_until_the_shopper(unblocked: bool) -> None:
    world = World()
    await world.link_telegram()
    await world.write("2 pagnes")
    before = await open_on_telegram(world)
    await block(world, "blocked")
    after = await open_on_telegram(world)
    if unblocked:
        await block(world, "unblocked")
    else:
        await world.write("Bonjour", T)
    assert [before, after, await open_on_telegram(world)] == [True, False, True]
