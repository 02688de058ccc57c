"""A provider's request as data, and what reading one can come to. Reading is pure: no I/O, no clock.

The web layer maps the results: ``Forbidden`` 403, ``Malformed`` 400, ``Ignored`` 200 with the raw body kept
and shown, ``Parsed`` 200 once its items are durable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.core.addresses import ShopId
from bot.core.messages import Item


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """One POST as it arrived.

    ``path_and_query`` is undecoded, as the provider called it; names of ``headers`` are lower-case.
    """

    path_and_query: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    shop_id: ShopId
    received_at: float


@dataclass(frozen=True, slots=True)
class Parsed:
    """Authentic and understood. ``callback_id``: a Telegram tap that waits to be acknowledged."""

    items: tuple[Item, ...]
    callback_id: str | None = None


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Not signed with the shop's secret, or meant for another account. ``reason`` is for the log only."""

    reason: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """Authentic, but without a message id or a sender."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Authentic and of no use to a conversation; ``kind`` is the provider's word for it."""

    kind: str


Reading = Parsed | Forbidden | Malformed | Ignored
