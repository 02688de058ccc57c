"""Titles of choices and words put into responses, in French and English. Whole sentences are in domain.yml."""

from __future__ import annotations

from bot.core.orders import OrderStatus

_TITLES: dict[str, tuple[str, str]] = {
    "browse_catalogue": ("Voir les produits", "See the products"),
    "product": ("Ajouter au panier", "Add to basket"),
    "checkout": ("Commander", "Order now"),
    "view_cart": ("Voir mon panier", "See my basket"),
    "confirm": ("Confirmer", "Confirm"),
    "modify_order": ("Modifier", "Change"),
    "cancel_order": ("Annuler", "Cancel"),
    "talk_to_human": ("Parler à quelqu'un", "Talk to someone"),
    "ask_order_status": ("Ma commande", "My order"),
    "field=items": ("Les articles", "The items"),
    "field=commune": ("La commune", "The area"),
    "field=landmark": ("Le repère", "The landmark"),
    "field=name": ("Le nom", "The name"),
    "field=phone": ("Le téléphone", "The phone"),
    "field=payment": ("Le paiement", "The payment"),
    "again=delivery": ("Oui, pareil", "Yes, the same"),
    "again=other": ("Autre adresse", "Another address"),
    "again=order": ("La même commande", "The same order"),
    "cancel_yes": ("Oui, annuler", "Yes, cancel"),
    "cancel_no": ("Non, garder", "No, keep it"),
    "remind_yes": ("Oui", "Yes"),
    "remind_no": ("Non", "No"),
    "remove_from_cart": ("Retirer un article", "Remove an item"),
}
_PAYMENTS = {
    "cash": ("A la livraison (espèces)", "Cash on delivery"),
    "wave": ("Wave", "Wave"),
    "orange_money": ("Orange Money", "Orange Money"),
    "mtn_momo": ("MTN MoMo", "MTN MoMo"),
    "moov_money": ("Moov Money", "Moov Money"),
}
_STATUS = {
    OrderStatus.CONFIRMED: ("confirmée, la boutique la prépare", "confirmed, the shop is preparing it"),
    OrderStatus.PACKED: ("prête, elle attend le livreur", "packed, waiting for the rider"),
    OrderStatus.OUT_FOR_DELIVERY: ("en route avec le livreur", "on its way with the rider"),
    OrderStatus.DELIVERED: ("livrée", "delivered"),
    OrderStatus.CANCELLED: ("annulée", "cancelled"),
}
_OPTIONS = {
    "taille": ("la taille", "the size"),
    "couleur": ("la couleur", "the colour"),
    "motif": ("le motif", "the pattern"),
    "modele": ("le modèle", "the model"),
}
CHANNELS = {"telegram": "Telegram", "sms": "SMS", "whatsapp": "WhatsApp", "web": "la page web"}


def _in(language: str, pair: tuple[str, str]) -> str:
    return pair[1] if language == "en" else pair[0]


def title(value: str, language: str) -> str:
    """The title of a bare choice."""
    return _in(language, _TITLES[value])


def payment(method: str, language: str) -> str:
    """A payment method as a shopper reads it."""
    return _in(language, _PAYMENTS[method])


def status(value: OrderStatus, language: str) -> str:
    """An order's status as a shopper reads it."""
    return _in(language, _STATUS[value])


def shared_place(language: str) -> str:
    """What stands for a landmark where the shopper shared a position."""
    return _in(language, ("position partagée", "shared position"))


def option(name: str, language: str) -> str:
    """An option with its article; an unknown one is quoted as the shop wrote it."""
    return _in(language, _OPTIONS.get(name, (f"l'option {name}", f"the option {name}")))
