"""Which shop's account a webhook must prove itself against. In memory and pure: verifying takes no look-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from bot import channels
from bot.channels import twilio_webhooks
from bot.channels.accounts import Account, TwilioAccount
from bot.channels.webhooks import Reading, WebhookRequest
from bot.core.addresses import ChannelName, ShopId

Accounts = Mapping[ShopId, Mapping[ChannelName, Account]]


class Hook(StrEnum):
    """The four webhook addresses, by the first part of their path."""

    WHATSAPP = "whatsapp"
    SMS = "sms"
    STATUS = "twilio-status"
    TELEGRAM = "telegram"


class Doors:
    """Verifies and parses webhooks of all shops. ``accounts`` is asked anew each time, so it may change."""

    def __init__(self, accounts: Callable[[], Accounts], public_url: str) -> None:
        self._accounts = accounts
        self._public_url = public_url

    def has(self, shop: str) -> bool:
        return ShopId(shop) in self._accounts()

    def read(self, hook: Hook, request: WebhookRequest) -> Reading | None:
        """What it is; None when the shop has no such channel."""
        accounts = self._accounts()[request.shop_id]
        if hook is Hook.STATUS:
            twilio = [account for account in accounts.values() if isinstance(account, TwilioAccount)]
            return twilio_webhooks.read_status(request, twilio, self._public_url) if twilio else None
        channel = ChannelName(hook.value)
        account = accounts.get(channel)
        return None if account is None else channels.read(channel, request, account, self._public_url)
