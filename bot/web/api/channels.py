"""A shop's channels: what is known of each, and forcing one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.core.addresses import ChannelName, ShopId
from bot.core.health import AccountHealth, effective
from bot.core.shops import Shop
from bot.flows.desk import force_key
from bot.web.api import models
from bot.web.api.operations import Call, Operation, Result
from bot.web.encoding import rfc3339, rfc3339_or_none
from bot.web.gateway import in_time
from bot.web.problems import Problem


def shape(channel: ChannelName, measured: AccountHealth, force: AccountHealth | None) -> dict[str, Any]:
    """A channel as REST shows it: a shop's force stands above what was measured."""
    forced = force.forced if force is not None and force.forced in ("up", "down") else None
    since = force.since if force is not None and forced else measured.since
    return {
        "channel": channel.value,
        "state": effective(measured, force).value,
        "since": rfc3339_or_none(since or None),
        "forced": forced,
        "forced_reason": force.forced_reason if force is not None and forced else None,
        "evidence": [
            {"at": rfc3339(seen.at), "kind": seen.kind.value, "detail": seen.detail, "weight": seen.weight}
            for seen in measured.evidence
        ],
    }


async def _shop(call: Call) -> Shop:
    shop = await in_time(call.gateway.shops.get(ShopId(call.shop)))
    if shop is None:
        raise Problem("not-found")
    return shop


async def _read(call: Call, shop: Shop) -> list[dict[str, Any]]:
    keys = [*shop.accounts.values(), *(force_key(shop.id, channel) for channel in shop.accounts)]
    known: Mapping[str, AccountHealth] = await in_time(call.gateway.board.read(keys))
    return [
        shape(channel, known.get(account, AccountHealth()), known.get(force_key(shop.id, channel)))
        for channel, account in shop.accounts.items()
    ]


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
