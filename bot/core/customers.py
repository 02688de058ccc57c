"""One shopper's address book: which addresses exist, how each was proved, which may be used."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from bot.core.addresses import Address, ChannelName


class Proof(StrEnum):
    """How an address came into the book, strongest first."""

    HEARD = "heard"
    """The shopper wrote from it."""
    LINK = "link"
    """A single-use token handed out on a proved channel."""
    CONTACT = "contact"
    """A shared contact card whose owner is the sender."""
    WHATSAPP = "whatsapp"
    """A phone number derived from a WhatsApp identity: good for an order in progress, not for reaching out."""
    SHOP = "shop"
    """Given by the shop with an order: good for that order, not for reaching out."""
    STATED = "stated"
    """Typed by the shopper; for the rider, never for messages."""


LEADS = (Proof.HEARD, Proof.LINK, Proof.CONTACT, Proof.WHATSAPP)
"""What is written from such an address belongs to the conversation that has it in its book."""


@dataclass(frozen=True, slots=True)
class KnownAddress:
    """An entry of the book. ``reply_to`` is what the provider is given."""

    address: Address
    reply_to: str
    proved_by: Proof
    added_at: float
    last_heard_at: float | None = None
    opted_out: bool = False
    blocked: bool = False
    """The shopper's messenger takes nothing from us there (a blocked Telegram bot), until they unblock or write."""


@dataclass(frozen=True, slots=True)
class Customer:
    """One shopper of one shop; addresses in the order in which they became known."""

    id: str
    name: str | None = None
    language: str = "fr"
    addresses: tuple[KnownAddress, ...] = ()
    external_id: Address | None = None
    """WhatsApp's own identity, once it came with a phone number: a number changes hands, this does not."""
    shut_out: bool = False
    """The shop has blocked this shopper: what they write is kept, and nobody answers it."""

    @property
    def takes_unasked(self) -> bool:
        """May they be written to without having written? STOP on one address speaks for all of them."""
        return not self.shut_out and not any(known.opted_out for known in self.addresses)

    def find(self, address: Address) -> KnownAddress | None:
        return next((known for known in self.addresses if known.address == address), None)

    def on(self, channel: ChannelName) -> tuple[KnownAddress, ...]:
        """Usable addresses on a channel: proved, neither opted out nor blocked; last heard first."""
        usable = [
            known
            for known in self.addresses
            if known.address.channel is channel
            and not (known.opted_out or known.blocked)
            and known.proved_by is not Proof.STATED
        ]
        return tuple(sorted(usable, key=lambda known: known.last_heard_at or known.added_at, reverse=True))

    def with_address(self, new: KnownAddress) -> Customer:
        """Add or renew an address; a stronger proof replaces a weaker one, an opt-out stays."""
        old = self.find(new.address)
        if old is None:
            return replace(self, addresses=(*self.addresses, new))
        order = list(Proof)
        merged = replace(
            old,
            reply_to=new.reply_to if new.last_heard_at else old.reply_to,
            proved_by=min(old.proved_by, new.proved_by, key=order.index),
            last_heard_at=max((t for t in (old.last_heard_at, new.last_heard_at) if t is not None), default=None),
            blocked=old.blocked and new.last_heard_at is None,
        )
        return self._swap(old, merged)

    def heard(self, address: Address, reply_to: str, now: float) -> Customer:
        """The shopper wrote from this address."""
        return self.with_address(KnownAddress(address, reply_to, Proof.HEARD, added_at=now, last_heard_at=now))

    def opted(self, address: Address, out: bool) -> Customer:
        """STOP (out) or START for one address; an unknown address changes nothing."""
        old = self.find(address)
        return self if old is None else self._swap(old, replace(old, opted_out=out))

    def barred(self, address: Address, blocked: bool) -> Customer:
        """The shopper blocked or unblocked us there; an unknown address changes nothing."""
        old = self.find(address)
        return self if old is None else self._swap(old, replace(old, blocked=blocked))

    def without(self, address: Address) -> Customer:
        return replace(self, addresses=tuple(known for known in self.addresses if known.address != address))

    def _swap(self, old: KnownAddress, new: KnownAddress) -> Customer:
        return replace(self, addresses=tuple(new if known is old else known for known in self.addresses))
