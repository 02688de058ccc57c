"""By which roads a shopper can be written to, and who could still be reached when a part of the world is gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntFlag

from bot.core.addresses import ChannelName
from bot.core.customers import Customer, Proof

OUTAGES = ("whatsapp", "meta", "twilio", "internet")
"""REST ``reachable_without``: a channel, then fault domains."""


class Road(IntFlag):
    """Usable addresses of a customer as one number, so that a database can count them. Stored: never renumber.

    The light page is none of them: it is a road only while it is open.
    """

    WHATSAPP = 1
    TELEGRAM = 2
    SMS = 4
    SMS_DERIVED = 8
    """A number taken from a WhatsApp identity: good for an order in progress only."""


_ROADS = {
    ChannelName.WHATSAPP: Road.WHATSAPP,
    ChannelName.TELEGRAM: Road.TELEGRAM,
    ChannelName.SMS: Road.SMS,
}


def roads_of(customer: Customer) -> Road:
    """What the customer's book allows: proved, not opted out."""
    found = Road(0)
    for channel, road in _ROADS.items():
        for known in customer.on(channel):
            derived = channel is ChannelName.SMS and known.proved_by is Proof.WHATSAPP
            found |= Road.SMS_DERIVED if derived else road
    return found


def mask(channels: Iterable[ChannelName], *, order_under_way: bool) -> Road:
    """The roads that these channels give."""
    found = Road(0)
    for channel in channels:
        found |= _ROADS.get(channel, Road(0))
        if channel is ChannelName.SMS and order_under_way:
            found |= Road.SMS_DERIVED
    return found


def surviving(domains: Mapping[ChannelName, tuple[str, ...]], outage: str) -> tuple[ChannelName, ...]:
    """The shop's channels that still work. ``domains``: what each of them depends on."""
    return tuple(
        channel for channel, needs in domains.items() if channel.value != outage and outage not in needs
    )


def count(
    people: Mapping[int, int], domains: Mapping[ChannelName, tuple[str, ...]], *, order_under_way: bool
) -> dict[str, object]:
    """REST's shape from numbers of people by their roads: ``{total, reachable_without: {whatsapp, ...}}``."""
    without = {}
    for outage in OUTAGES:
        open_ = mask(surviving(domains, outage), order_under_way=order_under_way)
        without[outage] = sum(number for roads, number in people.items() if roads & open_)
    return {"total": sum(people.values()), "reachable_without": without}
