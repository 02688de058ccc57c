"""Telling providers where to bring what shoppers write: once a start, again until each has agreed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import structlog

from bot.core.addresses import ChannelName, ShopId
from bot.ports import Clock

FIRST_WAIT = 2.0
LONGEST_WAIT = 300.0

log = structlog.get_logger()


@runtime_checkable
class Introducible(Protocol):
    """An account that must be told our address."""

    async def introduce(self, url: str) -> str | None:
        """None when the provider agreed, else why not, in a word for the log."""
        ...


Introduced = tuple[ShopId, ChannelName]


async def introduce(accounts: Mapping[Introduced, tuple[Introducible, str]], clock: Clock) -> None:
    """Introduce each account at its address (account, url), with growing waits. Ends when all have agreed."""
    left, wait = dict(accounts), FIRST_WAIT
    while left:
        for (shop, channel), (account, url) in tuple(left.items()):
            trouble = await account.introduce(url)
            if trouble is None:
                log.info("channel.webhook_set", shop=shop, channel=channel)
                del left[shop, channel]
            else:
                log.warning(
                    "channel.webhook_not_set", shop=shop, channel=channel, error=trouble, again_in=wait
                )
        if left:
            await clock.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)
