"""The one table of channels: how each is built and how its webhook is read. A new channel adds one entry.

Reading is light; the libraries that send take seconds to import, so they are loaded by ``build``: a process that
only receives accepts at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bot.channels import sim_webhooks, sms, telegram_updates, whatsapp
from bot.channels.accounts import Account, SimAccount, TelegramAccount, TwilioAccount, WebAccount
from bot.channels.content import ContentCache
from bot.channels.webchat import WebChat
from bot.channels.webhooks import Ignored, Reading, WebhookRequest
from bot.core.addresses import ChannelName, ShopId
from bot.ports import Channel

if TYPE_CHECKING:
    from bot.channels.sim import Sim
    from bot.channels.telegram import Telegram
    from bot.channels.twilio import TwilioApi


class Closable(Channel, Protocol):
    """What ``build`` gives: a channel that can be probed and closed."""

    async def probe(self) -> bool:
        """Does the provider's API answer? That alone never means that messages arrive."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What channels need beside an account. ``timeout``: seconds for one send, all its calls together."""

    public_url: str
    twilio_api_url: str | None
    telegram_api_url: str | None
    sim_api_url: str | None
    content_cache: ContentCache
    timeout: float


@dataclass(frozen=True, slots=True)
class Kind:
    """One line of the table."""

    account: type[Account]
    build: Callable[[ShopId, Account, Surroundings], Closable]
    read: Callable[[WebhookRequest, Account, str], Reading]


def _twilio(account: Account) -> TwilioAccount:
    assert isinstance(account, TwilioAccount)
    return account


def _telegram(account: Account) -> TelegramAccount:
    assert isinstance(account, TelegramAccount)
    return account


def _api(account: Account, around: Surroundings) -> TwilioApi:
    from bot.channels.twilio import TwilioApi

    return TwilioApi(_twilio(account), api_url=around.twilio_api_url, timeout=around.timeout)


def _bot(account: Account, around: Surroundings) -> Telegram:
    from bot.channels.telegram import Telegram

    return Telegram(_telegram(account), api_url=around.telegram_api_url, timeout=around.timeout)


def _sim_account(account: Account) -> SimAccount:
    assert isinstance(account, SimAccount)
    return account


def _sim(account: Account, around: Surroundings) -> Sim:
    from bot.channels.sim import Sim

    return Sim(_sim_account(account), api_url=around.sim_api_url, timeout=around.timeout)


KINDS: Mapping[ChannelName, tuple[Kind, ...]] = {
    ChannelName.WHATSAPP: (
        Kind(
            TwilioAccount,
            lambda shop, account, around: whatsapp.WhatsApp(
                shop, _api(account, around), around.content_cache, around.public_url
            ),
            lambda request, account, url: whatsapp.read(request, _twilio(account), url),
        ),
    ),
    ChannelName.SMS: (
        Kind(
            TwilioAccount,
            lambda shop, account, around: sms.Sms(shop, _api(account, around), around.public_url),
            lambda request, account, url: sms.read(request, _twilio(account), url),
        ),
        Kind(
            SimAccount,
            lambda shop, account, around: _sim(account, around),
            lambda request, account, url: sim_webhooks.read(request, _sim_account(account)),
        ),
    ),
    ChannelName.TELEGRAM: (
        Kind(
            TelegramAccount,
            lambda shop, account, around: _bot(account, around),
            lambda request, account, url: telegram_updates.read(request, _telegram(account)),
        ),
    ),
    ChannelName.WEB: (
        Kind(
            WebAccount,
            lambda shop, account, around: WebChat(),
            lambda request, account, url: Ignored("web"),
        ),
    ),
}
"""By channel, its providers: the account's type says which."""


def _kind(channel: ChannelName, account: Account) -> Kind:
    for kind in KINDS[channel]:
        if isinstance(account, kind.account):
            return kind
    wanted = " or ".join(kind.account.__name__ for kind in KINDS[channel])
    raise TypeError(f"{channel} needs a {wanted}")


def build(
    shop_id: ShopId,
    channel: ChannelName,
    account: Account,
    *,
    public_url: str,
    twilio_api_url: str | None = None,
    telegram_api_url: str | None = None,
    sim_api_url: str | None = None,
    content_cache: ContentCache,
    timeout: float = 5.0,
) -> Closable:
    """Make a shop's channel. Opens no connection. Raises TypeError for an account of another provider."""
    kind = _kind(channel, account)
    around = Surroundings(
        public_url, twilio_api_url, telegram_api_url, sim_api_url, content_cache, timeout
    )
    return kind.build(shop_id, account, around)


def read(channel: ChannelName, request: WebhookRequest, account: Account, public_url: str) -> Reading:
    """Verify and parse an inbound webhook of a channel. Statuses: ``twilio_webhooks.read_status``."""
    return _kind(channel, account).read(request, account, public_url)
