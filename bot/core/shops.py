"""What the rules need to know of a shop. Read from the ledger; secrets and provider settings are elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.core.addresses import Address, ChannelName, ShopId
from bot.core.hours import Week


@dataclass(frozen=True, slots=True)
class Policy:
    """How a shop wants failover done. Amounts in FCFA, quiet hours as local ("21:30", "07:00") or None."""

    order: tuple[ChannelName, ...] = (
        ChannelName.WHATSAPP,
        ChannelName.TELEGRAM,
        ChannelName.WEB,
        ChannelName.SMS,
    )
    sms_budget_xof_per_hour: int = 5000
    quiet_hours: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class AlertTo:
    """A person of the shop who is told of outages. ``role``: ``owner`` or ``rider``."""

    name: str
    address: Address
    role: str


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop. ``phone`` is the one to call, in E.164. ``accounts``: channel -> key of its provider account."""

    id: ShopId
    name: str
    phone: str
    language: str = "fr"
    timezone: str = "Africa/Abidjan"
    hours: Week = field(default_factory=dict)
    """Empty for a shop that never closes."""
    policy: Policy = Policy()
    accounts: Mapping[ChannelName, str] = field(default_factory=dict)
    sms_two_way: bool = False
    sms_price_xof: int = 0
    sms_per_second: float = 1.0
    """Segments the SMS account carries."""
    domains: Mapping[ChannelName, tuple[str, ...]] = field(default_factory=dict)
    """What each channel depends on (``Channel.domains``)."""
    alerts: tuple[AlertTo, ...] = ()
    telegram_username: str | None = None
    templates: Mapping[str, str] = field(default_factory=dict)
    """WhatsApp templates by use: ``resume``, ``order_update`` -> ContentSid."""
