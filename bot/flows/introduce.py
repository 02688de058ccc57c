"""Telling providers where to bring what shoppers write: once a start, again until each has agreed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import structlog

from bot.core.addresses import ShopId
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


async def introduce(accounts: Mapping[ShopId, tuple[Introducible, str]], clock: Clock) -> None:
    """Introduce each shop's account at its address (account, url), with growing waits. Ends when all have agreed."""
    left, wait = dict(accounts), FIRST_WAIT
    while left:
        for shop, (account, url) in tuple(left.items()):
            trouble = await account.introduce(url)
            if trouble is None:
                log.info("telegram.webhook_set", shop=shop)
                del left[shop]
            else:
                log.warning("telegram.webhook_not_set", shop=shop, error=trouble, again_in=wait)
        if left:
            await clock.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)
