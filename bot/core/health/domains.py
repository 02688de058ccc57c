"""What accounts share: Meta, Twilio, Telegram, the country's internet, our own way in. One detector each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bot.core.health.account import ACCOUNT, AccountHealth, Nature
from bot.core.health.evidence import Kind, State

PREFIX = "domain:"
PROVIDERS = frozenset({"twilio", "telegram"})
"""Whose API takes our messages."""
NETWORKS = frozenset({"meta"})
"""Who carries them."""
INTERNET = "internet"
INGRESS = "ingress"


def domain_key(name: str) -> str:
    """Key of a fault domain on the health board."""
    return f"{PREFIX}{name}"


FORCIBLE = (*sorted(NETWORKS | PROVIDERS), INTERNET)
"""What an operator may know better about. Our own way in is not among them: there is nothing to route by it."""


def force_of(key: str) -> str | None:
    """Key of an operator's word on a fault domain; None for what is no domain."""
    return f"{key}/force" if key.startswith(PREFIX) else None


def ruled(key: str, domain: AccountHealth, force: AccountHealth | None) -> AccountHealth:
    """A domain as everybody obeys it: the operator's word stands above what was measured."""
    if force is None or force.forced is None:
        return domain
    return routed(domain, replace(force, forced_reason=f"{key.removeprefix(PREFIX)} : {force.forced_reason}"))


def nature_of(key: str) -> Nature:
    """How ``observe`` treats what has this key."""
    if not key.startswith(PREFIX):
        return ACCOUNT
    return Nature(
        learns=False,
        sources=1 if key == domain_key(INGRESS) else 2,
        # What WhatsApp does not deliver may be Meta's fault: the country is cut off when the others are silent too.
        needs_probe=key == domain_key(INTERNET),
    )


def concerned(
    domains: Iterable[str], kind: Kind, *, by_api: bool = False, arrived: bool = True
) -> tuple[str, ...]:
    """The fault domains an observation on an account speaks of.

    ``by_api``: the provider's API itself refused or did not answer; otherwise it took the message and said so later.
    ``arrived``: it works because a phone has it; False where a provider without receipts has only taken it, which
    says nothing of the country.
    """
    spoken: frozenset[str] = frozenset()
    match kind:
        case Kind.WORKS if not arrived:
            spoken = PROVIDERS.intersection(domains)
        case Kind.WORKS:
            spoken = frozenset(domains)
        case Kind.FAULT if by_api:
            spoken = PROVIDERS.intersection(domains)
        case Kind.FAULT | Kind.SILENT:
            spoken = NETWORKS.intersection(domains)
        case Kind.UNDELIVERED:
            spoken = (NETWORKS | {INTERNET}).intersection(domains)
        case _:
            pass
    return tuple(domain_key(name) for name in sorted(spoken))


_ROUTING_RANK = {State.UP: 0, State.SUSPECT: 1, State.RECOVERING: 2, State.BROKEN: 3, State.DOWN: 4}


def worst(account: AccountHealth, domains: Iterable[AccountHealth]) -> AccountHealth:
    """The one of them that decides about the road."""
    return max((account, *domains), key=lambda health: _ROUTING_RANK[health.state])


def effective(
    account: AccountHealth, force: AccountHealth | None, domains: Iterable[AccountHealth] = ()
) -> State:
    """The state routing obeys: a shop's force stands above what was measured, a fallen domain above its accounts."""
    return routed(worst(account, domains), force).state


def routed(measured: AccountHealth, force: AccountHealth | None) -> AccountHealth:
    """State, beginning and force as routing obeys them; ``measured``: the worst of account and domains."""
    if force is None or force.forced not in ("up", "down"):
        return measured
    return replace(
        measured,
        state=State(force.forced),
        since=force.since,
        forced=force.forced,
        forced_reason=force.forced_reason,
        forced_by=force.forced_by,
        forced_until=force.forced_until,
    )
