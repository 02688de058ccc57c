"""What people are shown of a channel: the worst of its account and of what it rests on, under the shop's force."""

from __future__ import annotations

from dataclasses import replace

from bot.core.addresses import ChannelName, ShopId
from bot.core.health import Evidence, Kind, State, domain_key
from bot.core.shops import Shop
from bot.flows.channel_states import known, routed
from bot.storage.memory import MemoryHealthBoard

W, S, T = ChannelName.WHATSAPP, ChannelName.SMS, ChannelName.TELEGRAM
SHOP = Shop(
    ShopId("awa-mode"),
    "Awa Mode",
    "+2250700000199",
    accounts={W: "account:w", S: "account:s", T: "account:t"},
    domains={W: ("meta", "twilio"), S: ("twilio",), T: ("telegram",)},
)


async def states(board: MemoryHealthBoard, shop: Shop = SHOP) -> dict[ChannelName, State]:
    return {channel: health.state for channel, health in routed(await known(board, shop)).items()}


async def test_a_fallen_domain_is_shown_on_every_channel_that_rests_on_it() -> None:
    board = MemoryHealthBoard()
    await board.observe(domain_key("twilio"), Evidence(at=100.0, kind=Kind.BROKEN, recipient=""))
    assert await states(board) == {W: State.BROKEN, S: State.BROKEN, T: State.UP}


async def test_sms_by_a_sim_does_not_fall_with_twilio() -> None:
    board = MemoryHealthBoard()
    await board.observe(domain_key("twilio"), Evidence(at=100.0, kind=Kind.BROKEN, recipient=""))
    sim = replace(SHOP, domains={**SHOP.domains, S: ("internet",)})
    assert (await states(board, sim))[S] is State.UP


async def test_a_force_stands_above_what_was_measured() -> None:
    board = MemoryHealthBoard()
    await board.observe(domain_key("twilio"), Evidence(at=100.0, kind=Kind.BROKEN, recipient=""))
    await board.force(SHOP.id, S, "up", "essai", 200.0)
    shown = {one.channel: one.routed for one in await known(board, SHOP)}[S]
    assert (shown.state, shown.forced, shown.forced_reason, shown.since) == (State.UP, "up", "essai", 200.0)
