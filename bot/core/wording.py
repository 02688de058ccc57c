"""What Relais itself says (moves, links, late messages, opt-out), in French and English, and plain comparison text.

What the shop's dialogue says is in ``domain.yml``; these are the sentences no dialogue is asked for.
"""

from __future__ import annotations

import re
import unicodedata

from bot.core.addresses import ChannelName
from bot.core.basket import Basket
from bot.core.messages import Choice, Received
from bot.core.money import francs
from bot.core.payments import PROVIDERS

CHANNEL_LABELS = {
    ChannelName.WHATSAPP: "WhatsApp",
    ChannelName.TELEGRAM: "Telegram",
    ChannelName.SMS: "SMS",
    ChannelName.WEB: "la page web",
}


def plain(text: str) -> str:
    """Lower case, no accents, no punctuation at the ends, single blanks: for comparing words, never for showing."""
    bare = "".join(
        c
        for c in unicodedata.normalize("NFD", text.lower())
        if not unicodedata.combining(c)
    )
    return re.sub(r"\s+", " ", bare.replace("’", "'")).strip(" \t\n.!?,;:…")


def basket_line(basket: Basket, language: str = "fr") -> str:
    """``Votre panier : 2 x Pagne Uniwax (rouge), 1 x Foulard wax = 34 500 F.`` or "" when it is empty."""
    if not basket.lines or basket.closed:
        return ""
    items = ", ".join(f"{line.quantity} x {line.label}" for line in basket.lines)
    lead = "Your basket" if language == "en" else "Votre panier"
    return f"{lead} : {items} = {francs(basket.items_total_xof)}."


def basket_sum(basket: Basket, language: str = "fr") -> str:
    """``Panier : 3 articles, 34 500 F`` or "" when it is empty."""
    if not basket.lines or basket.closed:
        return ""
    if language == "en":
        return f"Basket: {basket.count} items, {francs(basket.items_total_xof)}"
    return f"Panier : {basket.count} articles, {francs(basket.items_total_xof)}"


def move_notice(
    shop: str,
    gone: ChannelName,
    basket: Basket,
    owed: tuple[str, ...],
    question: str,
    language: str,
) -> str:
    """The one message of a move: who, why, the basket, what was still owed, the pending question."""
    label = CHANNEL_LABELS[gone]
    if language == "en":
        head = f"{shop}: {label} is not working, let's go on here."
    else:
        head = f"{shop} : {label} ne passe plus, on continue ici."
    return "\n\n".join(
        part for part in (head, basket_line(basket, language), *owed, question) if part
    )


def call_script(shop: str, name: str | None, gone: ChannelName, about: tuple[str, ...]) -> str:
    """What a vendor says on the phone to a shopper whom no message reaches. French: the vendor reads it out."""
    greeting = f"Bonjour {name}, ici {shop}." if name else f"Bonjour, ici {shop}."
    reason = f"{CHANNEL_LABELS[gone]} ne passe plus, je vous appelle pour continuer."
    return " ".join(part.replace("\n", " ").strip() for part in (greeting, reason, *about) if part)


def order_on_its_way(number: str, total_xof: int, language: str) -> str:
    """To somebody who waits for a delivery while the channel is down."""
    if language == "en":
        return f"Your order {number} ({francs(total_xof)}) is being delivered as agreed."
    return f"Votre commande {number} ({francs(total_xof)}) sera livrée comme prévu."


def short_reason(gone: ChannelName, language: str) -> str:
    """For one-way SMS: ``WhatsApp en panne``."""
    return (
        f"{CHANNEL_LABELS[gone]} down"
        if language == "en"
        else f"{CHANNEL_LABELS[gone]} en panne"
    )


def cut_off(language: str) -> str:
    """For one-way SMS while the country's internet is gone: there is only the phone."""
    return "Internet down, call us" if language == "en" else "Internet coupé, appelez-nous"


def linked(channel: ChannelName, language: str) -> str:
    """Told on the proved channel when Telegram was linked, with the way to undo it."""
    if language == "en":
        return f"{CHANNEL_LABELS[channel]} linked. If it was not you: STOP"
    return f"{CHANNEL_LABELS[channel]} relié. Si ce n'est pas vous : STOP"


def welcome_back(shop: str, basket: Basket, question: str, language: str) -> str:
    """First words on a channel the shopper has just linked."""
    head = (
        f"{shop}: you are linked here too."
        if language == "en"
        else f"{shop} : vous êtes relié ici aussi."
    )
    return "\n\n".join(
        part for part in (head, basket_line(basket, language), question) if part
    )


def telegram_offer(url: str, language: str) -> str:
    if language == "en":
        return f"To go on over Telegram, open this link (it is yours alone): {url}"
    return f"Pour continuer sur Telegram, ouvrez ce lien (il est à vous seul) : {url}"


def contact_offer(language: str) -> tuple[str, str]:
    """To a newcomer on Telegram, and the title of the button: the number finds the conversation they have already."""
    if language == "en":
        text = "Already our customer on WhatsApp? Share your number and we go on here with the same basket."
        return text, "Share my number"
    text = "Déjà client sur WhatsApp ? Partagez votre numéro et on continue ici avec le même panier."
    return text, "Partager mon numéro"


def page_offer(url: str, language: str) -> str:
    if language == "en":
        return f"Your conversation goes on here: {url}"
    return f"Votre conversation continue ici : {url}"


def no_such_road(channel: ChannelName, language: str) -> str:
    label = CHANNEL_LABELS[channel]
    return (
        f"{label} is not available for you yet."
        if language == "en"
        else f"{label} n'est pas encore possible pour vous."
    )


def going_on(channel: ChannelName, language: str) -> str:
    label = CHANNEL_LABELS[channel]
    return (
        f"We go on over {label}." if language == "en" else f"On continue sur {label}."
    )


def late_question(
    messages: tuple[Received, ...], titles: tuple[str, ...], language: str
) -> str:
    """``Sur WhatsApp vous aviez écrit : + 1 foulard / oui. On en tient compte ?``"""
    quoted = " / ".join(title[:80] for title in titles)
    channels = {message.channel for message in messages}
    label = CHANNEL_LABELS[messages[0].channel] if len(channels) == 1 else ""
    if language == "en":
        where = f"On {label}" if label else "Before"
        return f"{where} you had written: {quoted}. Shall we count it?"
    where = f"Sur {label}" if label else "Avant,"
    return f"{where} vous aviez écrit : {quoted}. On en tient compte ?"


def late_dropped(language: str) -> str:
    """The late messages do not count, and no question was interrupted by asking."""
    return "All right, it does not count." if language == "en" else "D'accord, on n'en tient pas compte."


def stopped(shop: str, language: str) -> str:
    if language == "en":
        return f"{shop}: no more messages here. Write START to come back."
    return f"{shop} : plus de messages ici. Écrivez START pour revenir."


def started(shop: str, language: str) -> str:
    return (
        f"{shop}: welcome back."
        if language == "en"
        else f"{shop} : bon retour parmi nous."
    )


def stop_question(language: str) -> str:
    if language == "en":
        return "What shall I stop: this order, or all messages?"
    return "Que faut-il arrêter : la commande ou les messages ?"


def apology(language: str) -> str:
    if language == "en":
        return "One moment please: your message is kept, we answer as soon as we can."
    return "Un instant s'il vous plaît : votre message est bien gardé, on vous répond dès que possible."


def not_handled(language: str) -> str:
    """A message failed for a reason of ours; the shop's people can still see it."""
    if language == "en":
        return "Sorry, I could not handle your last message. Please write it in other words."
    return "Désolé, je n'ai pas pu traiter votre dernier message. Écrivez-le autrement, s'il vous plaît."


def too_many(language: str) -> str:
    if language == "en":
        return "You write faster than I can read. The shop sees everything; please wait a minute, then tell me what you want."
    return (
        "Vous écrivez plus vite que je ne lis. La boutique voit tout ; "
        "attendez une minute, puis dites-moi ce que vous voulez."
    )


def given_back(language: str) -> str:
    return (
        "The shop's assistant is back."
        if language == "en"
        else "L'assistant de la boutique est de retour."
    )


_ORDER_WORDS = {
    "packed": ("est prête", "is packed"),
    "out_for_delivery": ("est en route", "is on its way"),
    "delivered": ("est livrée. Merci", "was delivered. Thank you"),
    "cancelled": ("est annulée", "is cancelled"),
}
_PAYMENT_WORDS = {
    "paid": ("paiement reçu, merci.", "payment received, thank you."),
    "refunded": ("paiement remboursé.", "payment refunded."),
}


def order_updated(
    number: str, status: str | None, payment: str | None, language: str
) -> str:
    """``Votre commande AM-1001 est en route.``, or "" when there is nothing to tell."""
    english = language == "en"
    parts: list[str] = []
    if status in _ORDER_WORDS:
        lead = "Your order" if english else "Votre commande"
        parts.append(f"{lead} {number} {_ORDER_WORDS[status][english]}.")
    if payment in _PAYMENT_WORDS:
        lead = "Order" if english else "Commande"
        words = _PAYMENT_WORDS[payment][english]
        parts.append(words.capitalize() if parts else f"{lead} {number} : {words}")
    return " ".join(parts)


def payment_link(number: str, amount_xof: int, provider: str, link: str, language: str) -> str:
    """The link by which an order is paid. Nobody but the provider says that it was."""
    name = PROVIDERS.get(provider, provider)
    if language == "en":
        return (
            f"Order {number}: pay {francs(amount_xof)} with {name} here: {link}\n"
            'If the link no longer works, write "I want to pay".'
        )
    return (
        f"Commande {number} : payez {francs(amount_xof)} par {name} ici : {link}\n"
        "Si le lien ne marche plus, écrivez « je veux payer »."
    )


def payment_to_check(number: str, provider: str, language: str) -> str:
    """Money came that does not fit the order."""
    name = PROVIDERS.get(provider, provider)
    if language == "en":
        return f"Order {number}: what {name} tells us of your payment does not match it. Someone from the shop is checking and will answer you here."
    return (
        f"Commande {number} : le paiement annoncé par {name} ne correspond pas à la commande. "
        "Une personne de la boutique vérifie et vous répond ici."
    )


def payment_by_hand(
    number: str, amount_xof: int, provider: str, to: str, instructions: str, language: str
) -> str:
    """The provider gives no link: the order stands, and the shop's own instructions count."""
    name = PROVIDERS.get(provider, provider)
    tail = f" {instructions.rstrip('.')}." if instructions else ""
    if language == "en":
        return (
            f"Your order {number} is taken. {name} gives no link right now. To pay: {francs(amount_xof)}, {name} {to}."
            f'{tail}\nFor the link later, write "I want to pay".'
        )
    return (
        f"Votre commande {number} est bien enregistrée. Le lien {name} ne répond pas pour le moment. "
        f"Pour payer : {francs(amount_xof)}, {name} {to}.{tail}\nPour avoir le lien plus tard, écrivez « je veux payer »."
    )


def order_stands(number: str, language: str) -> str:
    """News that nobody has to answer, of an order that is under way."""
    if language == "en":
        return f"Your order {number} is being taken care of. Nothing to do."
    return f"Votre commande {number} suit son cours. Rien à faire de votre côté."


_SEEN = {
    "audio": ("Bien reçu, la boutique pourra écouter votre vocal.", "Well received, the shop can listen to it."),
    "image": ("Photo bien reçue, la boutique la verra.", "Picture received, the shop will see it."),
    "contact": ("Contact bien reçu, la boutique le verra.", "Contact received, the shop will see it."),
}
_ANY_SEEN = ("Bien reçu, la boutique le verra.", "Well received, the shop will see it.")
_WRITE = {
    "image": (
        "Moi je ne lis que le texte : écrivez-moi le nom de l'article.",
        "I read only text: please write me the item's name.",
    ),
    "contact": ("", ""),
}
_ANY_WRITE = (
    "Moi je ne lis que le texte : écrivez-moi votre demande.",
    "I read only text: please write me your request.",
)


def file_seen(kind: str, language: str) -> str:
    """One line: a file has come and is kept for the shop."""
    return _SEEN.get(kind, _ANY_SEEN)[language == "en"]


def file_kept(kind: str, language: str) -> str:
    """Answer to a voice note, a picture or a card without words: it is kept for the shop, the bot reads only text."""
    return f"{file_seen(kind, language)} {_WRITE.get(kind, _ANY_WRITE)[language == 'en']}".rstrip()


def edit_seen(language: str) -> str:
    """Answer to a message that was changed after it had been answered."""
    if language == "en":
        return "I saw that you changed a message. It changes nothing here: please write what you want now."
    return "J'ai vu que vous avez modifié un message. Cela ne change rien ici : écrivez-moi ce que vous voulez."


def person_late(opens: str | None, language: str) -> str:
    """Nobody of the shop has answered for a while. ``opens``: when the closed shop opens, as one says it."""
    if language == "en":
        if opens is not None:
            return f"The shop is closed and opens {opens}. Your message is kept for it."
        return "The shop has not answered yet, I am calling it again. Your message is kept."
    if opens is not None:
        return f"La boutique est fermée, elle ouvre {opens}. Votre message est gardé."
    return "La boutique n'a pas encore répondu, je la relance. Votre message est gardé."


def offer_to_go_on(language: str) -> str:
    """Nobody came: the bot may take over again."""
    if language == "en":
        return "Nobody could answer you yet. Shall we go on together meanwhile?"
    return "Personne n'a encore pu vous répondre. On continue ensemble en attendant ?"


RESUME_CHOICES = {
    "fr": (Choice("checkout", "Commander"), Choice("view_cart", "Voir mon panier")),
    "en": (Choice("checkout", "Order now"), Choice("view_cart", "See my basket")),
}


def reminder(shop: str, basket: Basket, language: str) -> str:
    """The one reminder of a basket that was left."""
    if language == "en":
        return f"{shop}: your basket is still here. {basket_sum(basket, language)}. Shall we finish your order?"
    return f"{shop} : votre panier vous attend. {basket_sum(basket, language)}. On termine votre commande ?"


def reminder_promised(yes: bool, language: str) -> str:
    """Answer to whether a reminder is wanted."""
    if language == "en":
        return "All right, I will remind you." if yes else "All right. See you soon!"
    return "D'accord, je vous le rappelle." if yes else "D'accord. À bientôt !"


def waits_on(language: str) -> str:
    """The shopper prefers to wait for a person."""
    return "All right, the shop will answer you here." if language == "en" else "D'accord, la boutique vous répondra ici."
