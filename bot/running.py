"""The running system as a second shell finds it: by the data folder, ``addresses.json`` and the environment."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from redis.asyncio import Redis

from bot import settings
from bot.channels.accounts import Account
from bot.core.addresses import ChannelName, ShopId
from bot.core.shops import Shop
from bot.ledger.engine import Ledger, open_ledger
from bot.ledger.shopfiles import load_accounts
from bot.ledger.shops import LedgerShops
from bot.settings import Settings
from bot.storage.redis import connect


class NotFound(LookupError):
    """What was asked for is not there; its message is for the person at the keyboard."""


@dataclass(frozen=True, slots=True)
class Running:
    """Store and ledger of the running system, and its shops as its processes see them."""

    found: Settings
    redis: Redis
    ledger: Ledger
    shops: LedgerShops

    async def shop(self, name: str) -> Shop:
        """Raises NotFound, Unavailable."""
        shop = await self.shops.get(ShopId(name))
        if shop is None:
            raise NotFound(f"no shop {name}; there are {', '.join(await self.shops.ids()) or 'none'}")
        return shop


@asynccontextmanager
async def running() -> AsyncIterator[Running]:
    """Open both. Raises NotFound when nothing runs in the data folder and no REDIS_URL is set; SettingsError."""
    found = settings.load(os.environ, simulator=True)
    place = found.data_dir / "addresses.json"
    known: dict[str, str] = json.loads(place.read_text()) if place.exists() else {}
    url = found.redis_url or known.get("redis_url")
    if not url:
        raise NotFound(f"nothing runs in {found.data_dir}: start it, or set RELAIS_DATA or REDIS_URL")
    if not found.public_url_was_set and "gateway" in known:
        found = replace(found, public_url=known["gateway"])
    redis, ledger = connect(url), open_ledger(found.database_url)
    try:
        yield Running(found, redis, ledger, LedgerShops(ledger, _accounts(found, known)))
    finally:
        await redis.aclose()
        await ledger.close()


def _accounts(
    found: Settings, known: Mapping[str, str]
) -> Mapping[ShopId, Mapping[ChannelName, Account]]:
    """With the simulator secrets that are not set are the invented ones, as in its processes."""
    environ: dict[str, str] = dict(os.environ)
    if "simulator" in known:
        from bot.simulator.accounts import demo_environment

        environ = {**demo_environment(found.shops_dir), **environ}
    return load_accounts(found.shops_dir, environ, serve=False)
