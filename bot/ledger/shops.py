"""Shops as the rules need them: the ledger's settings, with the accounts that this process holds in memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select

from bot.channels.accounts import Account, SimAccount, TelegramAccount, TwilioAccount, domains_of
from bot.core.addresses import ChannelName, ShopId, parse
from bot.core.hours import Week
from bot.core.shops import AlertTo, Policy, Shop
from bot.ledger import models
from bot.ledger.engine import Ledger

FRESH_SECONDS = 5.0


class LedgerShops:
    """``ports.Shops``: each shop at most ``FRESH_SECONDS`` old."""

    def __init__(
        self,
        ledger: Ledger,
        accounts: Mapping[ShopId, Mapping[ChannelName, Account]],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._now = now
        self._held: dict[ShopId, tuple[float, Shop | None]] = {}
        self._lock = asyncio.Lock()

    async def get(self, shop: ShopId) -> Shop | None:
        """The shop, or None for an unknown id. Raises Unavailable when it is not known and cannot be read."""
        held = self._held.get(shop)
        if held is not None and self._now() - held[0] < FRESH_SECONDS:
            return held[1]
        async with self._lock:
            held = self._held.get(shop)
            if held is not None and self._now() - held[0] < FRESH_SECONDS:
                return held[1]
            settings = await self.settings(shop)
            found = None if settings is None else as_shop(shop, settings, self._accounts.get(shop, {}))
            if found is not None or held is not None:
                # Ids that do not exist come from strangers: they must not fill the memory.
                self._held[shop] = (self._now(), found)
            return found

    async def settings(self, shop: str) -> Mapping[str, Any] | None:
        """shop.yml as the ledger has it, without secrets. Raises Unavailable."""
        async with self._ledger.reading() as connection:
            return await connection.scalar(select(models.Shop.settings).where(models.Shop.id == shop))

    async def ids(self) -> list[ShopId]:
        """All shops. Raises Unavailable."""
        async with self._ledger.reading() as connection:
            found = await connection.scalars(select(models.Shop.id).order_by(models.Shop.id))
            return [ShopId(shop) for shop in found]


def as_shop(shop: ShopId, settings: Mapping[str, Any], accounts: Mapping[ChannelName, Account]) -> Shop:
    """Build the core's shop. A channel without an account in this process is not there."""
    failover, channels = settings["failover"], settings["channels"]
    sms, whatsapp = channels.get("sms") or {}, channels.get("whatsapp") or {}
    quiet = failover.get("quiet_hours")
    return Shop(
        id=shop,
        name=settings["name"],
        phone=settings["phone"],
        language=settings["language"],
        timezone=settings["timezone"],
        hours=week(settings),
        policy=Policy(
            order=tuple(ChannelName(name) for name in failover["order"]),
            sms_budget_xof_per_hour=failover["sms_budget_xof_per_hour"],
            quiet_hours=(quiet[:5], quiet[6:]) if quiet else None,
        ),
        accounts={
            **{channel: account_key(channel, account) for channel, account in accounts.items()},
            ChannelName.WEB: "web",
        },
        sms_two_way=sms.get("two_way", False),
        sms_price_xof=sms.get("price_xof", 0),
        # A sender name carries 10 segments a second at Twilio, a number 1.
        sms_per_second=1.0 if str(sms.get("address", "+")).startswith("+") else 10.0,
        domains={
            **{channel: domains_of(channel, account) for channel, account in accounts.items()},
            ChannelName.WEB: domains_of(ChannelName.WEB, None),
        },
        alerts=tuple(
            AlertTo(one["name"], address, one["role"])
            for one in settings.get("alerts", ())
            if (address := parse(one["address"])) is not None
        ),
        telegram_username=(channels.get("telegram") or {}).get("bot_username"),
        templates={name: sid for name, sid in (whatsapp.get("templates") or {}).items() if sid},
    )


def week(settings: Mapping[str, Any]) -> Week:
    """The shop's opening spans by day, as ``core.hours`` takes them; ``""`` is a day on which it is closed."""
    return {day: (span[:5], span[6:]) if span else None for day, span in settings.get("hours", {}).items()}


def account_key(channel: ChannelName, account: Account) -> str:
    """Key of a provider account: the same as ``Channel.account`` of the channel built from it."""
    match account:
        case TwilioAccount():
            return f"{channel}:{account.account_sid}:{account.bare_address}"
        case SimAccount():
            return f"sms:{account.username}:{account.address}"
        case TelegramAccount():
            return f"telegram:{account.bot_id}"
        case _:
            return channel.value
