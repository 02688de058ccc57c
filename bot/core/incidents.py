"""One outage as a shop lives it: when it begins and ends, which part of the world failed, what people are told of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.core.addresses import ChannelName
from bot.core.health import INTERNET, AccountHealth, State
from bot.core.money import francs
from bot.core.wording import CHANNEL_LABELS

RELAPSE_SECONDS = 1800.0
"""Down again so soon is the same outage."""
CALM_SECONDS = 120.0
"""The end of an outage is told when it has lasted that long: a flapping channel is not news each time."""
ALERT_GAP_SECONDS = 900.0
"""Between two rounds of alerts about one outage."""
SETTLED_SECONDS = 24 * 3600.0
"""Receipts still change what an ended outage counts; after that it is history."""
COUNTED = ("moved", "answered", "held", "lost", "duplicated", "returned", "reached", "spent_xof", "saved_xof")

_SHORT = 5
"""Deliveries named in a rider's alert, calls in an owner's; the rest is a number."""


@dataclass(frozen=True, slots=True)
class Outage:
    """What is seen of a channel that is down. Times in Unix seconds."""

    channel: ChannelName
    fault_domain: str
    began_at: float
    detected_at: float
    evidence: tuple[Mapping[str, Any], ...]
    """As REST shows it, but ``at`` in seconds."""
    channels: tuple[ChannelName, ...]
    """All that are down with it because they depend on the same part of the world, in the shop's order."""


@dataclass(frozen=True, slots=True)
class Call:
    """A shopper with an open basket whom the owner may call. Amount in FCFA."""

    name: str
    phone: str
    value_xof: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """An order on its way today, as a rider needs it."""

    number: str
    name: str
    phone: str
    commune: str
    landmark: str


def is_down(state: State) -> bool:
    """Does an outage last? ``recovering`` neither begins nor ends one."""
    return state is State.DOWN


def is_over(state: State) -> bool:
    return state in (State.UP, State.SUSPECT)


def outage(
    channel: ChannelName,
    known: Mapping[ChannelName, AccountHealth],
    domains: Mapping[ChannelName, tuple[str, ...]],
    fallen: Collection[str] = (),
) -> Outage:
    """Describe the outage of a channel that is down. ``known``: all channels of the shop.

    ``fallen``: the fault domains that are themselves known to be down.
    """
    health = known[channel]
    domain = fault_domain(channel, known, domains, fallen)
    seen = tuple({"at": one.at, "kind": one.kind.value, "detail": one.detail} for one in health.evidence)
    if health.forced is not None:
        seen = (*seen, {"at": health.since, "kind": "forced", "detail": health.forced_reason or ""})
    return Outage(
        channel,
        domain,
        health.since if health.forced is not None or health.began_at is None else health.began_at,
        health.since,
        seen,
        tuple(
            name
            for name, one in known.items()
            if name is channel or (is_down(one.state) and domain in domains.get(name, ()))
        ),
    )


def fault_domain(
    channel: ChannelName,
    known: Mapping[ChannelName, AccountHealth],
    domains: Mapping[ChannelName, tuple[str, ...]],
    fallen: Collection[str] = (),
) -> str:
    """The part of the world that explains the most: shared by all that is down, needed by nothing that works."""
    own = domains.get(channel, ())
    for domain in (INTERNET, *own):
        if domain in fallen and domain in own:
            return domain
    down = [set(domains.get(name, ())) for name, health in known.items() if health.state is State.DOWN]
    works: set[str] = set()
    for name, health in known.items():
        if health.state is State.UP and name is not ChannelName.WEB:
            works.update(domains.get(name, ()))
    shared = set.intersection(*down) if down else set()
    for candidates in (shared - works, set(own) - works, set(own)):
        named = next((domain for domain in own if domain in candidates), None)
        if named is not None:
            return named
    return channel.value


def alert_down(
    shop: str, outage: Outage, roads: Sequence[ChannelName], calls: Sequence[Call], timezone: str
) -> str:
    """To the owner, at the start. Short: it goes by SMS.

    Where the country is cut off it carries the first ``calls``: no console opens there.
    """
    since = clock(outage.began_at, timezone)
    others = ", ".join(CHANNEL_LABELS[road] for road in roads if road not in outage.channels)
    if outage.fault_domain == INTERNET:
        named = "; ".join(f"{one.name} {one.phone} {francs(one.value_xof)}".strip() for one in calls[:_SHORT])
        more = f" ; et {len(calls) - _SHORT} autres" if len(calls) > _SHORT else ""
        still = f"Restent : {others}, appels." if others else "Restent les appels."
        to_call = f" À appeler : {named}{more}." if named else ""
        return f"{shop} : Internet est coupé dans le pays depuis {since}. {still}{to_call}"
    verb = "ne passe plus" if len(outage.channels) == 1 else "ne passent plus"
    going_on = f"Vos clients continuent par {others}." if others else "Aucun autre canal n'est ouvert."
    return f"{shop} : {_all(outage.channels)} {verb} depuis {since}. {going_on}"


def alert_up(
    shop: str,
    domain: str,
    channels: Sequence[ChannelName],
    began: float,
    ended: float,
    counts: Mapping[str, int],
    timezone: str,
) -> str:
    """To the owner, at the end, with what it came to. ``channels``: all that come back."""
    what = f"{_all(channels)} {'remarche' if len(channels) == 1 else 'remarchent'}"
    return (
        f"{shop} : {'Internet est revenu' if domain == INTERNET else what} depuis {clock(ended, timezone)}"
        f" (panne de {length(ended - began)}). {counts['moved']} conversations deplacees,"
        f" {francs(counts['saved_xof'])} de commandes sauvees, {francs(counts['spent_xof'])} de SMS."
    )


def _all(channels: Sequence[ChannelName]) -> str:
    return " et ".join(CHANNEL_LABELS[channel] for channel in channels)


def alert_broken(shop: str, channel: ChannelName) -> str:
    """To the owner: only a person can mend an account."""
    return f"{shop} : le compte {CHANNEL_LABELS[channel]} est refusé. Vérifiez jeton et numéro chez le fournisseur."


def alert_person(shop: str, name: str | None, phone: str | None) -> str:
    """To the owner: somebody asked for a person ten minutes ago."""
    who = " ".join(word for word in (name or "Un client", phone) if word)
    return f"{shop} : {who} attend une personne depuis 10 min. Répondez dans la console."


def alert_rider(shop: str, outage: Outage, deliveries: Sequence[Delivery]) -> str:
    """To a rider: the day's deliveries, because questions on the way will not come through."""
    named = "; ".join(
        " ".join(part for part in (one.number, one.name, one.phone, one.commune, one.landmark) if part)
        for one in deliveries[:_SHORT]
    )
    more = f" ; et {len(deliveries) - _SHORT} autres" if len(deliveries) > _SHORT else ""
    what = "Internet coupé" if outage.fault_domain == INTERNET else f"{_all(outage.channels)} en panne"
    return f"{shop} : {what}, appelez les clients. Livraisons du jour : {named}{more}."


def report(shop: str, incident: Mapping[str, Any], timezone: str) -> str:
    """The printable report, French. ``incident``: REST's object, with ``Z`` times."""
    began, detected = _seconds(incident["began_at"]), _seconds(incident["detected_at"])
    ended = _seconds(incident["ended_at"]) if incident["ended_at"] else None
    label = CHANNEL_LABELS[ChannelName(incident["channel"])]
    when = datetime.fromtimestamp(began, ZoneInfo(timezone)).strftime("%d/%m/%Y")
    lines: list[tuple[str, str]] = [
        ("Domaine en panne", str(incident["fault_domain"])),
        ("Début", clock(began, timezone)),
        ("Vue après", f"{max(detected - began, 0.0):.0f} s"),
        ("Fin", f"{clock(ended, timezone)} ({length(ended - began)})" if ended else "dure encore"),
        ("Conversations déplacées", str(incident["moved"])),
        ("Clients prévenus d'avance", str(incident["reached_out"])),
        ("Messages répondus", str(incident["answered"])),
        ("Messages retenus", str(incident["held"])),
        ("Messages perdus", str(incident["lost"])),
        ("Messages en double", str(incident["duplicated"])),
        ("Revenus sur le canal", str(incident["returned"])),
        ("Dépensé en SMS", francs(incident["spent_xof"])),
        ("Commandes sauvées", francs(incident["saved_xof"])),
    ]
    width = max(len(name) for name, _ in lines)
    body = [f"{shop} : panne de {label}, {when}", "", *(f"{name:<{width}}  {value}" for name, value in lines)]
    if incident["evidence"]:
        body += ["", "Preuves"]
        body += [
            f"  {_moment(seen['at'], timezone)}  {seen['kind']} {seen['detail']}".rstrip()
            for seen in incident["evidence"]
        ]
    return "\n".join(body) + "\n"


def clock(at: float, timezone: str) -> str:
    """``15 h 39`` on the shop's clock."""
    return datetime.fromtimestamp(at, ZoneInfo(timezone)).strftime("%H h %M")


def length(seconds: float) -> str:
    """``7 h 05``, ``12 min``, ``40 s``."""
    if seconds >= 3600:
        return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02d}"
    return f"{int(seconds // 60)} min" if seconds >= 60 else f"{max(seconds, 0.0):.0f} s"


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _moment(at: object, timezone: str) -> str:
    seconds = _seconds(at) if isinstance(at, str) else float(str(at))
    return datetime.fromtimestamp(seconds, ZoneInfo(timezone)).strftime("%H:%M:%S")
