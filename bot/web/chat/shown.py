"""What the light page may show of a conversation. Pure: record in, plain data out.

Shown is the basket, the pending question and what was said since the page was made: never older words, other
orders, or a phone number and place that were saved before. Who finds the link must learn no more than that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.addresses import ChannelName, Scheme
from bot.core.conversations import PAGE_SECONDS, Conversation, Question
from bot.core.deliveries import Delivery
from bot.core.money import francs
from bot.core.tokens import Tokens
from bot.web.ledger_port import HeardWords

MAX_TEXT = 1200
MAX_LINES = 25


@dataclass(frozen=True, slots=True)
class Words:
    """One message on the page. ``who``: shopper, bot, vendor or system."""

    id: str
    who: str
    text: str
    at: float
    photo: str = ""
    """Path of the picture shown with it."""


@dataclass(frozen=True, slots=True)
class Button:
    """A choice: ``payload`` is signed for this conversation and question."""

    payload: str
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Shown:
    """All the page prints of a conversation."""

    lines: tuple[tuple[str, str], ...]
    """(``2 x Pagne (rouge)``, ``9 000 F``)"""
    more_lines: int
    total: str
    said: tuple[Words, ...]
    question: str
    buttons: tuple[Button, ...]
    with_vendor: bool
    closed: bool
    """The shopper stopped messages here."""
    serial: int
    """Rises with whatever is new; the little frame compares it."""


def since(conversation: Conversation) -> float:
    """When this page was made: nothing older is shown."""
    page = conversation.page
    return conversation.created_at if page is None else page.expires_at - PAGE_SECONDS


def build(conversation: Conversation, heard: Sequence[HeardWords], tokens: Tokens, shop_phone: str) -> Shown:
    """Gather it. ``heard``: the shopper's own messages, where the ledger has them; older ones are left out."""
    mask = _mask(conversation, shop_phone)
    question = conversation.question
    start = since(conversation)
    asked = question.text if question else ""
    out = [
        (d, _without(d.reply.text, asked) if question and d.question == question.number else d.reply.text)
        for d in conversation.deliveries
        if _belongs(d, start)
    ]
    said = [
        Words(d.id, d.reply.author, _cut(mask(text)), d.created_at, photo)
        for d, text in out
        if (photo := _photo(d)) or text
    ]
    said += [
        Words(word.id, "shopper", _cut(word.text), word.at)
        for word in heard
        if word.at >= start and word.text
    ]
    basket = conversation.basket
    open_lines = () if basket.closed else basket.lines
    return Shown(
        lines=tuple(
            (f"{line.quantity} x {line.label}", francs(line.total_xof)) for line in open_lines[:MAX_LINES]
        ),
        more_lines=max(0, len(open_lines) - MAX_LINES),
        total=francs(sum(line.total_xof for line in open_lines)) if open_lines else "",
        said=tuple(sorted(said, key=lambda word: word.at)),
        question=_cut(mask(question.text)) if question else "",
        buttons=_buttons(conversation, question, tokens) if question else (),
        with_vendor=conversation.human,
        closed=any(k.address.scheme is Scheme.WEB and k.opted_out for k in conversation.customer.addresses),
        serial=conversation.serial,
    )


def _belongs(delivery: Delivery, start: float) -> bool:
    """Said on this page, or still owed when it was made."""
    if delivery.superseded_by is not None:
        return False
    newest = max(delivery.created_at, delivery.started_at or 0.0)
    return (newest >= start and delivery.channel in (None, ChannelName.WEB)) or delivery.created_at >= start


def _photo(delivery: Delivery) -> str:
    """Only pictures of our own: the page fetches nothing from elsewhere."""
    url = delivery.reply.image_url or ""
    return url if url.startswith("/photos/") else ""


def _without(text: str, question: str) -> str:
    """What was said beside the pending question, which has a place of its own on the page."""
    return text.removesuffix(question).strip()


def _buttons(conversation: Conversation, question: Question, tokens: Tokens) -> tuple[Button, ...]:
    return tuple(
        Button(
            tokens.sign_choice(conversation.id, conversation.epoch, question.number, index),
            choice.title,
            choice.description,
        )
        for index, choice in enumerate(question.choices)
    )


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _mask(conversation: Conversation, shop_phone: str) -> _Mask:
    checkout = conversation.basket.checkout
    phones = [known.address.msisdn for known in conversation.customer.addresses]
    phones.append(checkout.phone)
    numbers = [number for number in phones if number and number != shop_phone]
    return _Mask([_digits(number) for number in numbers], checkout.landmark)


def _digits(number: str) -> str:
    """A pattern for a number in any grouping, with or without its country code."""
    national = re.sub(r"\D", "", number).removeprefix("225")
    spaced = r"[\s.\-]*".join(national)
    return rf"(?:\+?(?:00)?225[\s.\-]*)?{spaced}"


class _Mask:
    """Takes a saved phone number and place out of what was written before the page existed or is repeated by a recap."""

    def __init__(self, numbers: Sequence[str], landmark: str | None) -> None:
        self._numbers = re.compile("|".join(numbers)) if numbers else None
        self._landmark = landmark if landmark and len(landmark.strip()) >= 3 else None

    def __call__(self, text: str) -> str:
        if self._numbers is not None:
            text = self._numbers.sub(lambda found: f"•• {found[0][-2:]}", text)
        return text.replace(self._landmark, "(lieu déjà donné)") if self._landmark else text
