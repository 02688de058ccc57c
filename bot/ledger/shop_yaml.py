"""shop.yml as a form: every key of the contract, and nothing else. Knows no file and no database."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bot.core.addresses import normalise_msisdn, parse
from bot.core.shops import Policy

ChannelKey = Literal["whatsapp", "telegram", "web", "sms"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

MOST_CANARIES = 5
_SPAN = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")


def _phone(value: str) -> str:
    if normalise_msisdn(value) != value:
        raise ValueError('not a phone number in the form "+2250700000000"')
    return value


def _sender(value: str) -> str:
    if not re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}", value):
        try:
            return _phone(value)
        except ValueError:
            raise ValueError(
                "neither a phone number nor a sender name of at most 11 letters, digits and blanks"
            ) from None
    return value


def _reachable(value: str) -> str:
    if parse(value) is None:
        raise ValueError('not an address like "tel:+2250700000000" or "telegram:123456789"')
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("not a time zone") from None
    return value


def _span(value: str) -> str:
    if value and not _SPAN.fullmatch(value):
        raise ValueError('not a span of time like "08:00-19:30", nor empty')
    return value


Word = Annotated[str, Field(min_length=1, max_length=200)]
Phone = Annotated[str, AfterValidator(_phone)]
Span = Annotated[str, AfterValidator(_span)]
"""``08:00-19:30``; empty for closed."""
Xof = Annotated[int, Field(ge=0, le=100_000_000)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class MobileMoney(_Form):
    """Where to send the money."""

    to: Phone
    instructions: str = ""


class WaveMoney(MobileMoney):
    """With a key of Wave's API the shopper gets a link. ``webhook_secret`` may be a list: any of them verifies."""

    api_key: str | None = Field(None, repr=False)
    webhook_secret: str | list[str] | None = Field(None, repr=False)

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.api_key is None) != (self.webhook_secret is None):
            raise ValueError("api_key and webhook_secret go together")
        return self


class Payments(_Form):
    """How shoppers may pay, in the order of the fields."""

    cash: bool = False
    wave: WaveMoney | None = None
    orange_money: MobileMoney | None = None
    mtn_momo: MobileMoney | None = None
    moov_money: MobileMoney | None = None

    def offered(self) -> dict[str, dict[str, Any]]:
        """Method -> ``{to, instructions}``, both empty for cash; ``link``: paid by one. Methods not taken are left out."""
        found: dict[str, dict[str, Any]] = {"cash": {"to": "", "instructions": ""}} if self.cash else {}
        for name in ("wave", "orange_money", "mtn_momo", "moov_money"):
            method: MobileMoney | None = getattr(self, name)
            if method is not None:
                found[name] = {"to": method.to, "instructions": method.instructions}
                if isinstance(method, WaveMoney) and method.api_key is not None:
                    found[name]["link"] = True
        return found


class Templates(_Form):
    """ContentSids of approved WhatsApp templates."""

    resume: str | None = None
    order_update: str | None = None


class WhatsAppForm(_Form):
    """WhatsApp through Twilio. ``auth_token`` may be a list: the first signs, all verify."""

    provider: Literal["twilio"]
    address: Phone
    account_sid: str = Field(repr=False)
    auth_token: str | list[str] = Field(repr=False)
    templates: Templates = Templates()
    canary: Phone | Annotated[list[Phone], Field(max_length=MOST_CANARIES)] = []

    def canaries(self) -> tuple[str, ...]:
        """Phones of the vendor's own that are always on."""
        return (self.canary,) if isinstance(self.canary, str) else tuple(dict.fromkeys(self.canary))

    @model_validator(mode="after")
    def _others(self) -> Self:
        if self.address in self.canaries():
            raise ValueError("canary: the sender cannot write to itself")
        return self


class SmsForm(_Form):
    """SMS. A sender name cannot be answered, so it is never two-way.

    With ``android`` (a SIM in the vendor's phone) ``account_sid`` is the app's user name, ``auth_token`` its password
    and the key it signs webhooks with.
    """

    provider: Literal["twilio", "android"]
    address: Annotated[str, AfterValidator(_sender)]
    two_way: bool
    price_xof: Xof
    """Of one segment."""
    account_sid: str = Field(repr=False)
    auth_token: str | list[str] = Field(repr=False)


class TelegramForm(_Form):
    """A Telegram bot."""

    bot_username: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{3,30}[A-Za-z0-9]$")]
    token: str = Field(repr=False)
    secret: str = Field(repr=False, pattern=r"^[A-Za-z0-9_-]{0,256}$")
    """Telegram takes only these characters in ``secret_token``."""


class Channels(_Form):
    """Every channel is optional."""

    whatsapp: WhatsAppForm | None = None
    sms: SmsForm | None = None
    telegram: TelegramForm | None = None


class Failover(_Form):
    """How the shop wants failover done."""

    order: list[ChannelKey] = Field(default_factory=lambda: [name.value for name in Policy().order])
    sms_budget_xof_per_hour: Xof = 5000
    quiet_hours: Span | None = None


class Alert(_Form):
    """Whom to tell of outages and orders."""

    name: Word
    address: Annotated[str, AfterValidator(_reachable)]
    role: Literal["owner", "rider"]


class ShopForm(_Form):
    """The whole of shop.yml."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
    name: Annotated[str, Field(min_length=1, max_length=60)]
    tagline: Annotated[str, Field(max_length=200)] = ""
    language: Literal["fr", "en"] = "fr"
    currency: Literal["XOF"] = "XOF"
    timezone: Annotated[str, AfterValidator(_zone)] = "Africa/Abidjan"
    hours: dict[Day, Span] = Field(default_factory=dict)
    opening_hours: str = ""
    phone: Phone
    payments: Payments
    minimum_order_xof: Xof = 0
    channels: Channels = Channels()
    failover: Failover = Failover()
    alerts: list[Alert] = Field(default_factory=list)

    def settings(self) -> dict[str, Any]:
        """What the ledger keeps of it: everything but secrets."""
        kept = self.model_dump(mode="json", exclude={"id", "payments", "channels"})
        kept["payments"] = self.payments.offered()
        kept["channels"] = self.channels.model_dump(
            mode="json",
            exclude_none=True,
            exclude={
                "whatsapp": {"account_sid", "auth_token"},
                "sms": {"account_sid", "auth_token"},
                "telegram": {"token", "secret"},
            },
        )
        return kept
