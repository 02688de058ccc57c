"""The switches: which faults exist, which are on, and whether one strikes a given message.

Knows nothing of what a fault does; the provider code asks `struck()` where the real provider would fail.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

Options = Mapping[str, Any]

#: Options every fault takes: only this shop, only this person, only this share (0 to 1) of the messages; `flaps`:
#: so many seconds on, then as many off, and so forth (what it holds back meanwhile stays until it is turned off).
COMMON_OPTIONS = frozenset({"shop", "person", "share", "flaps"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One switch. `options` are its settings with their defaults; `label` and `hint` are for the page."""

    channel: str
    name: str
    label: str
    hint: str
    options: Options = field(default_factory=dict)


def _twilio_faults(channel: str, title: str, refused_code: int) -> tuple[Fault, ...]:
    return (
        Fault(channel, "reject", f"{title} refuse",
              "Accepté (201), puis l'échec arrive par le rappel de statut",
              {"code": refused_code, "seconds": None, "status": "failed"}),
        Fault(channel, "reject_now", f"{title} refuse tout de suite",
              "L'API répond une erreur au moment de l'envoi", {"status": 503, "code": 20503}),
        Fault(channel, "silent_accepted", f"{title} muet (jamais envoyé)",
              "Accepté, puis plus rien : le statut reste en file", {"release": False}),
        Fault(channel, "silent_sent", f"{title} muet (envoyé, jamais remis)",
              "Une seule coche, jamais deux", {"release": False}),
        Fault(channel, "slow", f"{title} lent", "L'API et la remise prennent plusieurs secondes",
              {"seconds": 4.0}),
        Fault(channel, "timeout", f"{title} ne répond pas",
              "L'API ne répond jamais ; le message part quand même, ou non", {"deliver": True}),
        Fault(channel, "throttle", f"{title} : trop de messages", "429, code 20429"),
        Fault(channel, "lost_inbound", "Messages du client perdus",
              "Le webhook n'est jamais envoyé ; le message reste lisible dans la liste"),
        Fault(channel, "lost_callbacks", "Statuts perdus",
              "Les rappels de statut n'arrivent plus ; le message, lui, est remis"),
        Fault(channel, "late_callbacks", "Statuts en retard",
              "Les rappels de statut arrivent longtemps après ; le message, lui, est remis",
              {"seconds": 30.0}),
        Fault(channel, "failed_and_delivered", "Échec annoncé, puis remis",
              "Un rappel dit l'échec, un autre dit remis, pour le même message", {"code": refused_code}),
        Fault(channel, "late_flood", f"{title} coupé, puis tout d'un coup",
              "Rien ne passe dans les deux sens ; tout arrive en retard au rétablissement"),
        Fault(channel, "twice", "Webhooks en double", "Chaque webhook est envoyé deux fois"),
        Fault(channel, "thrice", "Webhooks en triple", "Chaque webhook est envoyé trois fois"),
    )


FAULTS: tuple[Fault, ...] = (
    *_twilio_faults("whatsapp", "WhatsApp", 63012),
    Fault("whatsapp", "window_closed", "Fenêtre de 24 h fermée",
          "Tout texte libre échoue avec 63016, même si le client vient d'écrire"),
    *_twilio_faults("sms", "SMS", 30008),
    Fault("telegram", "reject", "Telegram refuse", "L'API répond une erreur 5xx", {"status": 502}),
    Fault("telegram", "silent_accepted", "Telegram muet", "L'API dit oui, le téléphone ne montre rien",
          {"release": False}),
    Fault("telegram", "slow", "Telegram lent", "L'API prend plusieurs secondes", {"seconds": 4.0}),
    Fault("telegram", "timeout", "Telegram ne répond pas",
          "L'API ne répond jamais ; le message part quand même, ou non", {"deliver": True}),
    Fault("telegram", "throttle", "Telegram : trop de messages", "429 avec retry_after", {"retry_after": 5}),
    Fault("telegram", "lost_inbound", "Messages du client perdus", "La mise à jour n'est jamais envoyée"),
    Fault("telegram", "blocked", "Le client a bloqué le bot", "403 à chaque envoi"),
    Fault("telegram", "late_flood", "Telegram coupé, puis tout d'un coup",
          "Rien ne passe dans les deux sens ; tout arrive en retard au rétablissement"),
    Fault("telegram", "twice", "Mises à jour en double", "Chaque mise à jour est envoyée deux fois"),
    Fault("telegram", "thrice", "Mises à jour en triple", "Chaque mise à jour est envoyée trois fois"),
    Fault("twilio", "down", "Twilio entier en panne",
          "Ni API, ni webhooks, ni statuts : WhatsApp et SMS ensemble (how: 503, drop ou hang)",
          {"how": "503"}),
    Fault("twilio", "status_page", "Page d'état de Twilio : panne majeure",
          "Seulement la page d'état : un indice faible, jamais seul"),
    Fault("meta", "status_page", "Page d'état de Meta : fortes perturbations",
          "Seulement la page d'état : un indice faible, jamais seul"),
    Fault("wave", "down", "Wave en panne", "L'API répond 503 : pas de lien, la commande reste"),
    Fault("wave", "slow", "Wave lent", "L'API prend plusieurs secondes", {"seconds": 8.0}),
    Fault("wave", "lost_callbacks", "Confirmations perdues", "L'argent part, mais le webhook n'arrive jamais"),
    Fault("wave", "thrice", "Confirmations en triple", "Chaque webhook est envoyé trois fois"),
    Fault("wave", "wrong_amount", "Mauvais montant", "Le webhook annonce un autre montant", {"amount": 100}),
    Fault("sim", "offline", "Téléphone de la boutique sans internet",
          "La SIM de la boutique (SMS Gateway) : ses SMS attendent, dans les deux sens"),
    Fault("country", "offline", "Internet coupé dans le pays",
          "Ni WhatsApp, ni Telegram, ni page web ; SMS et appels restent",
          {"people": 1.0}),
)

_BY_KEY = {(fault.channel, fault.name): fault for fault in FAULTS}


def _concerns(options: Options, shop: str | None, person: str | None) -> bool:
    """Is it about this shop and person? A share of ``people`` is always the same ones: a network is cut or it is not."""
    if options.get("shop") not in (None, shop) or options.get("person") not in (None, person):
        return False
    people = float(options.get("people", 1.0))
    return person is None or people >= 1.0 or crc32(person.encode()) / 2**32 < people


class UnknownFault(ValueError):
    """No such switch, or an option it does not have."""


class Faults:
    """The switches that are on. `share` draws from a seeded generator, so a run can be repeated."""

    def __init__(self, seed: int = 20211004, now: Callable[[], float] = time.monotonic) -> None:
        self._on: dict[tuple[str, str], dict[str, Any]] = {}
        self._since: dict[tuple[str, str], float] = {}
        self._now = now
        self._random = random.Random(seed)

    def switch(self, channel: str, name: str, on: bool, options: Options | None = None) -> None:
        """Turn one switch; raises UnknownFault for a name or an option that does not exist."""
        fault = _BY_KEY.get((channel, name))
        if fault is None:
            raise UnknownFault(f"no fault {name!r} on {channel!r}")
        given = dict(options or {})
        wrong = set(given) - set(fault.options) - COMMON_OPTIONS
        if wrong:
            raise UnknownFault(f"{channel}/{name} has no option {', '.join(sorted(wrong))}")
        if on:
            self._since[channel, name] = self._now()
            self._on[channel, name] = {**fault.options, **given}
        else:
            self._on.pop((channel, name), None)

    def clear(self) -> None:
        """Turn everything off."""
        self._on.clear()

    def struck(
        self, channel: str, name: str, shop: str | None = None, person: str | None = None
    ) -> Options | None:
        """Return the fault's options when it strikes this message, else None."""
        options = self._on.get((channel, name))
        if options is None:
            return None
        if not _concerns(options, shop, person):
            return None
        flaps = options.get("flaps")
        if flaps is not None and (self._now() - self._since[channel, name]) // float(flaps) % 2:
            return None
        share = options.get("share")
        if share is not None and self._random.random() >= float(share):
            return None
        return options

    def is_on(self, channel: str, name: str, shop: str | None = None, person: str | None = None) -> bool:
        """Say whether the fault still holds for this message; unlike `struck`, draws nothing."""
        options = self._on.get((channel, name))
        return options is not None and _concerns(options, shop, person)

    def describe(self) -> list[dict[str, Any]]:
        """List every switch with its state, for the page and the control API."""
        return [
            {
                "channel": fault.channel,
                "fault": fault.name,
                "label": fault.label,
                "hint": fault.hint,
                "on": (fault.channel, fault.name) in self._on,
                "options": self._on.get((fault.channel, fault.name), dict(fault.options)),
            }
            for fault in FAULTS
        ]
