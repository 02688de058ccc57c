"""A shop's channels: what is known of each, and forcing one."""

from __future__ import annotations

from typing import Any

from bot.core.addresses import ShopId
from bot.core.shops import Shop
from bot.flows.channel_states import Known, known
from bot.web.api import models
from bot.web.api.operations import Call, Operation, Result
from bot.web.encoding import rfc3339, rfc3339_or_none
from bot.web.gateway import in_time
from bot.web.problems import Problem


def shape(known: Known) -> dict[str, Any]:
    """A channel as REST shows it: a shop's force stands above what was measured."""
    routed = known.routed
    return {
        "channel": known.channel.value,
        "state": routed.state.value,
        "since": rfc3339_or_none(routed.since or None),
        "forced": routed.forced,
        "forced_reason": routed.forced_reason,
        "evidence": [
            {"at": rfc3339(seen.at), "kind": seen.kind.value, "detail": seen.detail, "weight": seen.weight}
            for seen in known.measured.evidence
        ],
    }


async def _shop(call: Call) -> Shop:
    shop = await in_time(call.gateway.shops.get(ShopId(call.shop)))
    if shop is None:
        raise Problem("not-found")
    return shop


async def _read(call: Call, shop: Shop) -> list[dict[str, Any]]:
    return [shape(one) for one in await in_time(known(call.gateway.board, shop))]


async def list_(call: Call) -> Result:
    """All channels of the shop at once: there are four at most."""
    call.window()
    return Result({"items": await _read(call, await _shop(call)), "next_cursor": None})


async def force(call: Call) -> Result:
    """For this shop's routing only; what is measured goes on being measured."""
    shop = await _shop(call)
    channel = next((name for name in shop.accounts if name.value == call.parameters["channel"]), None)
    if channel is None:
        raise Problem("not-found")
    body = call.body(models.Force)
    await in_time(
        call.gateway.board.force(shop.id, channel, body.state, body.reason, call.gateway.clock.now())
    )
    return Result(next(item for item in await _read(call, shop) if item["channel"] == channel.value))


OPERATIONS = (
    Operation(
        "GET",
        "/channels",
        "channels:read",
        "List the shop's channels with their state and the evidence for it",
        list_,
        models.ChannelShape,
        many=True,
    ),
    Operation(
        "POST",
        "/channels/{channel}/force",
        "channels:write",
        "Force a channel up or down for this shop, or give it back to measurement. Done twice is the same",
        force,
        models.ChannelShape,
        body=models.Force,
        example={"state": "down", "reason": "Maintenance du compte"},
    ),
)
