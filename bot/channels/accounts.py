"""A shop's account at a provider: what it takes to send and to verify. Secrets stay out of ``repr``."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.core.addresses import ChannelName


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """A Twilio sender.

    ``address``: E.164 number or alphanumeric name, with or without ``whatsapp:``. The first of
    ``auth_tokens`` signs our calls; any of them verifies a webhook, so that a token can be rotated.
    """

    account_sid: str
    auth_tokens: tuple[str, ...] = field(repr=False)
    address: str
    two_way: bool = True
    price_xof: int = 0
    """Of one SMS segment."""
    canaries: tuple[str, ...] = ()
    """Numbers of the vendor's own, to which WhatsApp is tried while it is in doubt, or silent."""
    canary_template: str | None = None

    def __post_init__(self) -> None:
        if not self.account_sid or not self.address or not self.auth_tokens or not all(self.auth_tokens):
            raise ValueError("a Twilio account needs account_sid, address and auth tokens that are not empty")

    @property
    def bare_address(self) -> str:
        """The address without a channel prefix."""
        return self.address.removeprefix("whatsapp:")


@dataclass(frozen=True, slots=True)
class TelegramAccount:
    """A Telegram bot. ``secret`` is what ``setWebhook`` was given as ``secret_token``."""

    token: str = field(repr=False)
    secret: str = field(repr=False)
    bot_username: str

    def __post_init__(self) -> None:
        if not self.token or not self.secret:
            raise ValueError("a Telegram account needs a token and a secret that are not empty")

    @property
    def bot_id(self) -> str:
        """Telegram's user id of the bot: the digits before the colon of its token."""
        return self.token.partition(":")[0]


@dataclass(frozen=True, slots=True)
class SimAccount:
    """A SIM in the vendor's own phone, reached through SMS Gateway for Android.

    ``username`` and the first of ``secrets`` open its API; any of them verifies a webhook (the app's signing key), so
    that a key can be rotated. ``address``: the SIM's number, E.164.
    """

    username: str
    secrets: tuple[str, ...] = field(repr=False)
    address: str
    price_xof: int = 0
    """Of one SMS segment."""

    def __post_init__(self) -> None:
        if not self.username or not self.address or not self.secrets or not all(self.secrets):
            raise ValueError("a SIM needs username, address and secrets that are not empty")


@dataclass(frozen=True, slots=True)
class WebAccount:
    """The light page needs no account; it is always there."""


Account = TwilioAccount | SimAccount | TelegramAccount | WebAccount


def domains_of(channel: ChannelName, account: Account | None) -> tuple[str, ...]:
    """The fault domains a channel over this account depends on (``ports.Channel.domains``)."""
    match account:
        case TwilioAccount() if channel is ChannelName.WHATSAPP:
            return ("meta", "twilio", "internet")
        case TwilioAccount():
            return ("twilio",)
        case TelegramAccount():
            return ("telegram", "internet")
        case _:
            return ("internet",)
