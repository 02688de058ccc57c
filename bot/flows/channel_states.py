"""What the health board knows of a shop's channels: the account, the domains it rests on, and the shop's own force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.core.addresses import ChannelName
from bot.core.health import AccountHealth, domain_key, worst
from bot.core.health import routed as routed_by
from bot.core.shops import Shop
from bot.flows.desk import force_key
from bot.ports import HealthBoard


@dataclass(frozen=True, slots=True)
class Known:
    """One channel: as it is routed, as it was measured, and the force."""

    channel: ChannelName
    measured: AccountHealth
    """The worst of its account and its domains."""
    force: AccountHealth | None

    @property
    def routed(self) -> AccountHealth:
        """State, beginning and force as routing obeys them."""
        return routed_by(self.measured, self.force)


async def known(board: HealthBoard, shop: Shop) -> list[Known]:
    """All channels of a shop, in its own order. Raises Unavailable."""
    order = [*shop.policy.order, *(name for name in shop.accounts if name not in shop.policy.order)]
    channels = [name for name in order if name in shop.accounts]
    domains = sorted({domain for name in channels for domain in shop.domains.get(name, ())})
    keys = [shop.accounts[name] for name in channels] + [force_key(shop.id, name) for name in channels]
    found = await board.read([*keys, *map(domain_key, domains)])
    return [
        Known(
            name,
            worst(
                found.get(shop.accounts[name], AccountHealth()),
                [found.get(domain_key(domain), AccountHealth()) for domain in shop.domains.get(name, ())],
            ),
            found.get(force_key(shop.id, name)),
        )
        for name in channels
    ]


def routed(channels: list[Known]) -> Mapping[ChannelName, AccountHealth]:
    """What ``flows.desk.states_of`` takes."""
    return {one.channel: one.routed for one in channels}
