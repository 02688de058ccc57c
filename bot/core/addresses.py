"""Where a person can be reached: scheme and value, normalised so that equal addresses compare equal.

An address is an identity ("whatsapp:+2250700000001"), not what the provider wants to be written to:
WhatsApp numbers from before 2021 still answer only to their old form, so the reply address is kept beside it
exactly as it was received (``customers.KnownAddress.reply_to``).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NewType

import phonenumbers

ShopId = NewType("ShopId", str)
LaneId = NewType("LaneId", str)
"""Home of one address: 20 hex digits; the first two name the partition."""

PARTITIONS = 64
COUNTRY = "CI"


class ChannelName(StrEnum):
    """The four ways Relais talks to a shopper."""

    WHATSAPP = "whatsapp"
    SMS = "sms"
    TELEGRAM = "telegram"
    WEB = "web"


class Scheme(StrEnum):
    """The first half of an address."""

    WHATSAPP = "whatsapp"
    TEL = "tel"
    TELEGRAM = "telegram"
    WEB = "web"

    @property
    def channel(self) -> ChannelName:
        """The channel that carries messages to addresses of this scheme."""
        return ChannelName.SMS if self is Scheme.TEL else ChannelName(self.value)


_OPAQUE = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")

# Côte d'Ivoire went from 8 to 10 digits on 2021-01-31; the old second digit names the operator (ITU notice).
_OLD_TO_NEW = {
    **dict.fromkeys(["01", "02", "03", "40", "41", "42", "43", "50", "51", "52", "53", "70", "71", "72", "73"], "01"),
    **dict.fromkeys(["04", "05", "06", "44", "45", "46", "54", "55", "56", "64", "65", "66", "74", "75", "76", "84", "85", "86", "94", "95", "96"], "05"),
    **dict.fromkeys(["07", "08", "09", "47", "48", "49", "57", "58", "59", "67", "68", "69", "77", "78", "79", "87", "88", "89", "97", "98"], "07"),
}


_MOBILE = re.compile(r"\+2250[157][0-9]{8}")
"""Every Ivorian mobile number as providers write it: most of what arrives, and valid without a look into tables."""


@lru_cache(maxsize=65_536)
def normalise_msisdn(raw: str, country: str = COUNTRY) -> str | None:
    """Return the E.164 form ("+2250700000001") of what a person or a provider wrote, or None.

    Ivorian mobile numbers of 8 digits (before 2021) are mapped to their 10-digit form.
    """
    if _MOBILE.fullmatch(raw):
        return raw
    text = re.sub(r"[\s().\-/]", "", raw)
    if text.startswith("00"):
        text = "+" + text[2:]
    if country == COUNTRY:
        old = re.fullmatch(r"(?:\+?225)?(\d{8})", text)
        if old and old[1][:2] in _OLD_TO_NEW:
            return f"+225{_OLD_TO_NEW[old[1][:2]]}{old[1]}"
        if re.fullmatch(r"225\d{10}", text):
            text = "+" + text
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number) or not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@dataclass(frozen=True, slots=True)
class Address:
    """A normalised address. Build it with ``parse`` or ``of_phone``; the constructor refuses other forms."""

    scheme: Scheme
    value: str

    def __post_init__(self) -> None:
        if not _valid(self.scheme, self.value):
            raise ValueError(f"not a normalised {self.scheme} address")

    def __str__(self) -> str:
        return f"{self.scheme}:{self.value}"

    @property
    def channel(self) -> ChannelName:
        return self.scheme.channel

    @property
    def msisdn(self) -> str | None:
        """The phone number in it, E.164, or None (hidden WhatsApp number, Telegram, web)."""
        return self.value if self.value.startswith("+") else None


def _valid(scheme: Scheme, value: str) -> bool:
    match scheme:
        case Scheme.WHATSAPP:
            return normalise_msisdn(value) == value or _OPAQUE.fullmatch(value) is not None
        case Scheme.TEL:
            return normalise_msisdn(value) == value
        case Scheme.TELEGRAM | Scheme.WEB:
            return _PLAIN.fullmatch(value) is not None


def parse(text: str) -> Address | None:
    """Read ``scheme:value`` and normalise it; None when it is no address. Missing "+" and blanks are forgiven."""
    scheme_text, colon, value = text.strip().partition(":")
    if not colon:
        return None
    try:
        scheme = Scheme(scheme_text)
    except ValueError:
        return None
    if scheme in (Scheme.WHATSAPP, Scheme.TEL) and not _OPAQUE.fullmatch(value):
        number = normalise_msisdn(value)
        return Address(scheme, number) if number else None
    return Address(scheme, value) if _valid(scheme, value) else None


def of_phone(scheme: Scheme, raw: str) -> Address | None:
    """Address of a phone number as a person or provider wrote it, or None when it is no number."""
    number = normalise_msisdn(raw)
    return Address(scheme, number) if number else None


def home_lane(shop: ShopId | str, address: Address | str) -> LaneId:
    """The lane an address lives in: a hash, so that no look-up is needed and repeats meet there."""
    digest = hashlib.blake2b(f"{shop}\n{address}".encode(), digest_size=10).hexdigest()
    return LaneId(digest)


def partition_of(lane: LaneId) -> int:
    """Which of the 64 partitions a lane belongs to (its Redis hash tag is ``{pNN}``)."""
    return int(lane[:2], 16) % PARTITIONS
