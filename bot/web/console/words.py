"""What the console says about states, roads, reasons, money and time: French sentences that ``english`` translates."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

CHANNELS = {"whatsapp": "WhatsApp", "telegram": "Telegram", "sms": "SMS", "web": "Page web"}
CHANNEL_LETTERS = {"whatsapp": "W", "telegram": "T", "sms": "S", "web": "P"}
STATES = {
    "up": "Marche",
    "suspect": "Peut-être en panne",
    "down": "En panne",
    "recovering": "Revient",
    "broken": "Compte refusé",
}
ORDER_STATUSES = {
    "confirmed": "À préparer",
    "packed": "Prête",
    "out_for_delivery": "En livraison",
    "delivered": "Livrée",
    "cancelled": "Annulée",
}
ORDER_ACTIONS = {
    "packed": "Marquer prête",
    "out_for_delivery": "Partie en livraison",
    "delivered": "Livrée",
    "cancelled": "Annuler la commande",
}
MEANS = {
    "cash": "Espèces",
    "wave": "Wave",
    "orange_money": "Orange Money",
    "mtn_momo": "MTN MoMo",
    "moov_money": "Moov Money",
}
PAYMENTS = {"unpaid": "À encaisser", "pending": "En attente", "paid": "Payée", "refunded": "Remboursée"}
SOURCES = {
    "wallet": "vu sur le compte de la boutique",
    "rider": "remis par le livreur",
    "shop": "reçu en boutique",
}
SEEN = {**SOURCES, "provider": "confirmé par le prestataire"}
"""Where a payment was seen: what a person may say, and the provider's own signed word."""
CHECKOUTS = {
    "wanted": "lien demandé",
    "open": "lien envoyé, pas encore payé",
    "paid": "payé par le lien",
    "failed": "pas de lien : consignes envoyées",
    "closed": "lien expiré",
}
PAYMENT_TROUBLES = {
    "wrong_amount": "Le prestataire annonce un autre montant : la commande n'est pas payée. Regardez votre compte.",
    "wrong_currency": "Le prestataire annonce une autre monnaie : la commande n'est pas payée. Regardez votre compte.",
    "paid_before": "La commande était déjà notée payée : regardez votre compte, et rendez ce qui serait venu deux fois.",
    "cancelled": "La commande était annulée : il faut rendre l'argent.",
}
ROLES = {"owner": "Propriétaire", "staff": "Équipe", "reader": "Lecture seule"}
ROLE_MEANINGS = {
    "owner": "tout, avec les réglages et l'équipe",
    "staff": "répondre, commandes, stock, forcer un canal",
    "reader": "voir sans rien changer",
}
AWAITING = {
    "product": "le produit",
    "option": "la taille ou la couleur",
    "quantity": "la quantité",
    "commune": "la commune",
    "landmark": "le repère",
    "name": "le nom",
    "phone": "le téléphone",
    "payment": "le moyen de paiement",
    "confirmation": "la confirmation",
    "late_confirmation": "l'avis sur des messages arrivés tard",
    "other": "une réponse",
}
TICKS = {
    "received": "reçu",
    "waiting": "en attente d'envoi",
    "held": "retenu, aucune route ouverte",
    "sending": "en cours d'envoi",
    "accepted": "accepté par l'opérateur",
    "sent": "envoyé",
    "delivered": "remis au téléphone",
    "read": "lu",
    "failed": "non remis",
    "unknown": "on ne sait pas s'il est parti",
    "superseded": "repris sur un autre canal",
    "expired": "abandonné, trop ancien",
}
REASONS = {
    "no_road": "aucune route n'est ouverte",
    "no_address": "on n'a pas d'adresse sur ce canal",
    "no_account": "la boutique n'a pas ce canal",
    "down": "le canal est en panne",
    "window": "la fenêtre de 24 h de WhatsApp est fermée",
    "page_closed": "la page du client n'est pas ouverte",
    "not_proved": "le numéro n'est pas confirmé par le client",
    "tried": "déjà essayé sans succès",
    "expired": "le délai est passé",
    "too_old": "plus de 24 h d'attente",
    "content": "le contenu est refusé",
    "recipient": "le numéro ne reçoit pas",
    "sender": "le compte de la boutique est refusé",
    "channel": "le canal est en panne",
    "throttle": "trop de messages à la fois",
    "ours": "un défaut de notre côté",
    "worker_died": "arrêt pendant l'envoi",
    "budget": "le budget SMS de l'heure est dépensé",
    "quiet_hours": "heures calmes",
}
EVIDENCE = {
    "fault": "envoi refusé ou resté muet",
    "works": "message remis",
    "silent": "accepté, jamais envoyé",
    "undelivered": "envoyé, jamais remis",
    "sent": "envoyé après tout",
    "broken": "compte refusé",
    "probe_failed": "l'opérateur ne répond pas",
    "probe_ok": "l'opérateur répond",
    "feed": "sa page d'état annonce un incident",
    "quiet": "plus personne n'écrit, contrairement à l'habitude",
    "heard": "un client a écrit",
}
DOMAINS = {
    "meta": "Meta (WhatsApp)",
    "twilio": "Twilio",
    "telegram": "Telegram",
    "internet": "Internet du pays",
    "country": "Internet du pays",
    "ingress": "nos propres adresses de rappel",
}
DONE = {
    "said": "Message confié à l'envoi.",
    "noted": "Note ajoutée.",
    "taken": "Vous avez la main. L'assistant se tait.",
    "given": "L'assistant a repris la conversation.",
    "status": "Statut changé, le client est prévenu.",
    "status-same": "La commande était déjà dans cet état.",
    "status-wrong": "Cette commande ne peut plus passer à cet état.",
    "paid": "Paiement noté.",
    "forced": "Canal forcé pour cette boutique.",
    "auto": "Le canal est rendu à la mesure automatique.",
    "called": "Appel noté.",
    "saved": "Enregistré.",
    "unchanged": "Rien n'a changé.",
    "imported": "Catalogue importé.",
    "created": "Ajouté.",
    "removed": "Retiré.",
    "tested": "Message de test confié à l'envoi.",
    "too-many-tests": "Dix tests par heure au plus : réessayez plus tard.",
    "drilling": "Une répétition est déjà en cours.",
    "drill-started": "La répétition démarre. Elle paraîtra dans la liste.",
    "bad-url": "Cette adresse n'est pas permise : il faut https et une adresse publique.",
    "too-many-hooks": "Dix webhooks au plus : retirez-en un d'abord.",
    "too-many-resends": "Trop de renvois attendent déjà : réessayez plus tard.",
    "resent": "L'événement repart.",
    "resent-later": "L'événement repartira quand le webhook sera repris.",
    "caught-up": "Tout est marqué comme lu, pour vous seulement.",
    "blocked": "Ce client est bloqué.",
    "unblocked": "Ce client n'est plus bloqué.",
    "bad-photo": "Ce n'est pas une photo JPEG, PNG ou WebP que l'on peut lire.",
    "no-road": "Impossible : aucune route n'est ouverte.",
    "last-owner": "La boutique doit garder un propriétaire.",
    "login-taken": "Cet identifiant est déjà pris.",
    "out-everywhere": "Tous les autres appareils sont déconnectés.",
    "empty": "Rien à enregistrer : le champ est vide.",
    "late": "C'est transmis, mais pas encore fait. Regardez dans quelques secondes.",
    "wrong-password": "Le mot de passe actuel n'est pas le bon.",
    "weak-password": "Ce mot de passe est trop facile : 10 caractères au moins.",
    "bad-value": "Une valeur n'est pas valable : rien n'a été enregistré.",
}
DEEDS = {
    "account.signed_in": "s'est connecté",
    "account.signed_out": "s'est déconnecté",
    "account.signed_out_everywhere": "a déconnecté tous ses appareils",
    "account.password": "a choisi un mot de passe",
    "talk.said": "a répondu",
    "talk.noted": "a écrit une note",
    "talk.taken": "a pris la main",
    "talk.given": "a rendu la main",
    "talk.blocked": "a bloqué un client",
    "talk.unblocked": "a débloqué un client",
    "talk.exported": "a exporté une conversation",
    "order.status": "a changé le statut d'une commande",
    "order.payment": "a noté un paiement",
    "channel.forced": "a forcé un canal",
    "drill.started": "a lancé une répétition",
    "channel.tested": "a envoyé un message de test",
    "call.ticked": "a noté un appel",
    "catalogue.added": "a ajouté un produit",
    "catalogue.photo": "a changé la photo d'un produit",
    "catalogue.product": "a changé un produit",
    "catalogue.stock": "a changé un stock",
    "catalogue.imported": "a importé le catalogue",
    "catalogue.zone": "a changé une zone",
    "settings.changed": "a changé les réglages",
    "settings.canned": "a changé une réponse prête",
    "team.created": "a ajouté une personne",
    "team.role": "a changé un rôle",
    "team.removed": "a retiré une personne",
    "team.link": "a fait un lien de mot de passe",
    "webhook.created": "a ajouté un webhook",
    "webhook.stopped": "a arrêté un webhook",
    "webhook.resumed": "a repris un webhook",
    "webhook.rotated": "a changé le secret d'un webhook",
    "webhook.resent": "a renvoyé un événement",
    "webhook.removed": "a retiré un webhook",
    "key.created": "a créé une clé d'API",
    "key.revoked": "a révoqué une clé d'API",
}
DAYS_RECORDED = {
    "2021-10-04": "4 octobre 2021 : WhatsApp, Facebook et Instagram disparaissent",
    "2024-03-14": "14 mars 2024 : l'internet du pays est coupé",
}
HOOK_STATES = {
    "by_hand": "arrêté à la main",
    "failing": "arrêté : trois jours sans réponse",
    "gone": "arrêté : l'adresse dit qu'elle n'existe plus",
}
HOOK_ERRORS = {
    "refused_address": "adresse refusée",
    "timeout": "pas de réponse en 15 s",
    "tls": "certificat refusé",
    "connect": "connexion impossible",
    "connection_lost": "connexion perdue",
    "protocol": "réponse illisible",
}
DRILL_STATES = {"running": "en cours", "over": "finie", "failed": "arrêtée"}
_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip
_ENGLISH_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ENGLISH_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def francs(amount_xof: int) -> str:
    """``12 500 F``, with narrow no-break spaces so that an amount never breaks over a line."""
    return f"{amount_xof:,}".replace(",", "\u202f") + "\u00a0F"


def local(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone))


def iso(moment: datetime) -> str:
    """For ``<time datetime>``."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def clock(moment: datetime, zone: str, language: str = "fr") -> str:
    """``14 h 02``."""
    at = local(moment, zone)
    return f"{at:%H:%M}" if language == "en" else f"{at.hour}\u00a0h\u00a0{at.minute:02d}"


def day(moment: datetime, zone: str, now: float, language: str = "fr") -> str:
    """``aujourd'hui``, ``hier``, ``mardi 24 novembre``."""
    at, today = local(moment, zone).date(), datetime.fromtimestamp(now, ZoneInfo(zone)).date()
    english = language == "en"
    if at == today:
        return "today" if english else "aujourd'hui"
    if at == today - timedelta(days=1):
        return "yesterday" if english else "hier"
    year = "" if at.year == today.year else f" {at.year}"
    if english:
        return f"{_ENGLISH_DAYS[at.weekday()]} {at.day} {_ENGLISH_MONTHS[at.month - 1]}{year}"
    first = "1er" if at.day == 1 else str(at.day)
    return f"{_DAYS[at.weekday()]} {first} {_MONTHS[at.month - 1]}{year}"


def moment(value: datetime, zone: str, now: float, language: str = "fr") -> str:
    """``14 h 02`` today, ``hier 9 h 30``, ``mardi 24 novembre 14 h 02`` before."""
    at = clock(value, zone, language)
    today = datetime.fromtimestamp(now, ZoneInfo(zone)).date()
    return at if local(value, zone).date() == today else f"{day(value, zone, now, language)} {at}"


def ago(value: datetime | None, now: float, language: str = "fr") -> str:
    """``12 min``, ``3 h 05``, ``2 j``: how long ago, without saying "ago"."""
    if value is None:
        return ""
    minutes = max(0, int(now - value.timestamp())) // 60
    if minutes < 1:
        return "moins d'1 min" if language == "fr" else "under 1 min"
    if minutes < 60:
        return f"{minutes}\u00a0min"
    if minutes < 24 * 60:
        return f"{minutes // 60}\u00a0h\u00a0{minutes % 60:02d}"
    return f"{minutes // 1440}\u00a0{'j' if language == 'fr' else 'd'}"


def seconds(value: float, language: str = "fr") -> str:
    """``1,4 s``."""
    written = f"{value:.1f}\u00a0s"
    return written if language == "en" else written.replace(".", ",")


def phone(number: str | None) -> str:
    """``+2250700000199`` -> ``07 00 00 01 99``; other countries stay as they are."""
    if number and number.startswith("+225") and len(number) == 14:
        digits = number[4:]
        return "\u00a0".join(digits[i : i + 2] for i in range(0, 10, 2))
    return number or ""


def initials(name: str) -> str:
    """One or two letters for a round picture."""
    words = [word for word in name.split() if word[:1].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"


def address(written: str) -> tuple[str, str]:
    """An address as people read it: channel and the number or name in it."""
    scheme, _, value = written.partition(":")
    channel = "sms" if scheme == "tel" else scheme
    if scheme == "web":
        return channel, ""
    return channel, phone(value) if value.startswith("+") else value


def shown_name(name: str | None, addresses: list[str]) -> str:
    """A shopper's name, else the first number, else "Client"."""
    if name:
        return name
    for written in addresses:
        value = address(written)[1]
        if written.partition(":")[2].startswith("+"):
            return value
    return "Client sans nom"


_LINE_PROBLEMS = (
    (
        r"small letters, digits and single hyphens only",
        r"petites lettres, chiffres et tirets simples seulement",
    ),
    (r"1 to (\d+) characters", r"de 1 à \1 caractères"),
    (r"not a whole number from 0 to (\d+)", r"pas un nombre entier de 0 à \1"),
    (r"(\d+) cells, there must be (\d+)", r"\1 cellules, il en faut \2"),
    (r"the columns must be (.*)", r"les colonnes doivent être \1"),
    (r"(.*): twice", r"\1 : deux fois"),
    (r"must read like (.*)", r"doit s'écrire comme \1"),
)


def line_problem(message: str) -> str:
    """What is wrong with a line of a CSV file, in French; an unknown message stays as it is."""
    for pattern, french in _LINE_PROBLEMS:
        found = re.fullmatch(pattern, message)
        if found is not None:
            return found.expand(french)
    return message
