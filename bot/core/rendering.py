"""A reply in a channel's form: buttons, list rows or numbers, split where it is too long. What is lost is reported.

Lengths are counted as the strictest provider counts them: septets where the channel is GSM-7, else UTF-16 units.
Knows no channel by name: ``Capabilities`` says all there is to know.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.core.gsm7 import GSM7_SINGLE, segments, to_gsm7, units
from bot.core.messages import Capabilities, Choice, Part, Rendered, Reply

LIST_LABEL = "Choisir"
CAPTION_LIMIT = 1024
"""A longer text does not fit under a picture, on WhatsApp and on Telegram alike."""
NOTHING_LEFT = "..."
"""Stands for a text of which the channel can write nothing (an emoji alone, by SMS): providers refuse empty ones."""
_SHOP_SHORT = 12
_BASKET_SHORT = 20

Sign = Callable[[int], str]
"""Gives the signed payload of the choice with that index, from 0."""


def render(reply: Reply, capabilities: Capabilities, sign: Sign) -> Rendered:
    """Put a reply into the form that ``capabilities`` allows; the choices are on the last part."""
    loss: list[str] = []
    text = _written(reply.text, capabilities)
    if reply.image_url is not None and not capabilities.images:
        loss.append("image")
    choices = [_plain_choice(choice, capabilities) for choice in reply.choices]
    if choices and not capabilities.two_way:
        # A list of answers would invite an answer that cannot come.
        loss.append("choices")
        choices = []
    parts = _with_choices(text, choices, capabilities, sign, loss)
    if reply.image_url is not None and capabilities.images:
        parts = _with_image(parts, reply.image_url, capabilities)
    if not parts:
        loss.append("text")
        parts = [Part(text=NOTHING_LEFT)]
    if reply.contact_title and capabilities.own_contact and not choices:
        parts[-1] = replace(parts[-1], contact_title=reply.contact_title)
    if capabilities.gsm7:
        parts = [replace(part, segments=segments(part.text)) for part in parts]
        parts[-1] = _with_link(parts[-1], reply.image_url)
    return Rendered(parts=tuple(parts), put_as_choice=bool(choices), loss=tuple(loss))


def numbered(text: str, titles: Sequence[str]) -> str:
    """The text with its choices as numbered lines below: ``1 Oui``, ``2 Non``."""
    return _join(text, "\n".join(f"{number} {title}" for number, title in enumerate(titles, 1)))


def split(text: str, limit: int, capabilities: Capabilities) -> list[str]:
    """Cut a text into pieces of at most ``limit``, between paragraphs, lines, sentences or words where it can.

    Only blanks at the borders are dropped. An empty text gives no piece.
    """
    pieces, rest = [], text.strip()
    while _length(rest, capabilities) > limit:
        end = _border(rest, _fitting(rest, limit, capabilities))
        pieces.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [piece for piece in [*pieces, rest] if piece]


def one_segment_notice(shop_name: str, reason: str, basket_line: str, link: str, phone: str) -> str:
    """At most 160 septets: shop, why, basket, where to go on, whom to call. It never asks for an answer.

    Link and phone stay whole. The shop's name is shortened first, then the basket line, then the reason; then the
    basket, the reason and the name are left out, in this order. ``link`` may be empty (the country's internet is
    down). A link so long that it leaves no room for the phone (over 140) is left out: a cut one leads nowhere.
    """
    shop, why, basket, link, phone = (
        " ".join(to_gsm7(words).split()) for words in (shop_name, reason, basket_line, link, phone)
    )
    if units(_notice("", "", "", link, phone)) > GSM7_SINGLE:
        link = ""
    brief_shop = _shortest(shop, _SHOP_SHORT)
    brief_basket = _shortest(basket, _BASKET_SHORT)
    for forms in (
        ((_shortest(shop, size), why, basket) for size in range(len(shop), _SHOP_SHORT, -1)),
        ((brief_shop, why, _shortest(basket, size)) for size in range(len(basket), _BASKET_SHORT, -1)),
        ((brief_shop, why, brief_basket), (brief_shop, "", brief_basket), (brief_shop, "", ""), ("", "", "")),
    ):
        for form in forms:
            text = _notice(*form, link, phone)
            if units(text) <= GSM7_SINGLE:
                return text
    raise ValueError("the shop's phone alone is longer than an SMS")


def _with_choices(
    text: str, choices: list[Choice], capabilities: Capabilities, sign: Sign, loss: list[str]
) -> list[Part]:
    if not choices:
        return [Part(text=piece) for piece in split(text, capabilities.max_text, capabilities)]
    part = _as_buttons(choices, capabilities, sign) or _as_rows(choices, capabilities, sign, loss)
    # Providers refuse buttons under an empty text.
    if part is None or not text:
        return _as_numbers(text, choices, capabilities)
    limit = capabilities.max_choice_text or capabilities.max_text
    pieces = split(text, capabilities.max_text, capabilities)
    pieces[-1:] = split(pieces[-1], limit, capabilities)
    return [*(Part(text=piece) for piece in pieces[:-1]), replace(part, text=pieces[-1])]


def _as_buttons(choices: list[Choice], capabilities: Capabilities, sign: Sign) -> Part | None:
    fits = len(choices) <= capabilities.max_buttons and all(
        0 < _length(choice.title, capabilities) <= capabilities.max_button_title for choice in choices
    )
    if not fits or not _distinct([choice.title for choice in choices]) or any(c.description for c in choices):
        return None
    return Part(text="", buttons=tuple((sign(index), choice.title) for index, choice in enumerate(choices)))


def _as_rows(choices: list[Choice], capabilities: Capabilities, sign: Sign, loss: list[str]) -> Part | None:
    if not 0 < len(choices) <= capabilities.max_list_rows:
        return None
    rows, cut = [], []
    for index, choice in enumerate(choices):
        title, description = choice.title, choice.description
        if _length(title, capabilities) > capabilities.max_row_title:
            # The whole title moves to the description; without room for it there, numbers lose nothing.
            description = f"{title} - {description}" if description else title
            title = _cut(title, capabilities.max_row_title, capabilities)
            cut.append(f"title cut: {choice.title}")
        if not title or _length(description, capabilities) > capabilities.max_row_description:
            return None
        rows.append((sign(index), title, description))
    if not _distinct([title for _, title, _ in rows]):
        return None
    loss += cut
    return Part(text="", rows=tuple(rows), list_label=LIST_LABEL)


def _as_numbers(text: str, choices: list[Choice], capabilities: Capabilities) -> list[Part]:
    titles = [f"{c.title} - {c.description}" if c.description else c.title for c in choices]
    lines = numbered("", titles)
    pieces = split(text, capabilities.max_text, capabilities)
    if pieces and _length(_join(pieces[-1], lines), capabilities) <= capabilities.max_text:
        pieces[-1] = _join(pieces[-1], lines)
    else:
        pieces += split(lines, capabilities.max_text, capabilities)
    return [Part(text=piece) for piece in pieces]


def _with_image(parts: list[Part], url: str, capabilities: Capabilities) -> list[Part]:
    first = parts[0] if parts else Part(text="")
    plain = not first.buttons and not first.rows
    if (plain or capabilities.pictured_choices) and _length(first.text, capabilities) <= CAPTION_LIMIT:
        return [replace(first, image_url=url), *parts[1:]]
    return [Part(text="", image_url=url), *parts]


def _with_link(part: Part, image_url: str | None) -> Part:
    """A text that cannot show its picture names the picture's address, where that costs no segment more."""
    linked = to_gsm7(_join(part.text, image_url)) if image_url is not None else part.text
    return replace(part, text=linked) if segments(linked) == part.segments else part


def _written(text: str, capabilities: Capabilities) -> str:
    return to_gsm7(text).strip() if capabilities.gsm7 else text.strip()


def _plain_choice(choice: Choice, capabilities: Capabilities) -> Choice:
    """The choice in the channel's alphabet, each of its words on one line."""
    return replace(
        choice,
        title=" ".join(_written(choice.title, capabilities).split()),
        description=" ".join(_written(choice.description, capabilities).split()),
    )


def _distinct(titles: Sequence[str]) -> bool:
    return len({title.casefold() for title in titles}) == len(titles)


def _join(text: str, more: str) -> str:
    return f"{text}\n{more}" if text else more


def _length(text: str, capabilities: Capabilities) -> int:
    return units(text) if capabilities.gsm7 else len(text) + sum(ord(char) > 0xFFFF for char in text)


def _cut(text: str, limit: int, capabilities: Capabilities) -> str:
    mark = "..." if capabilities.gsm7 else "…"
    room = limit - _length(mark, capabilities)
    return text[: _fitting(text, room, capabilities)].rstrip() + mark if room > 0 else ""


def _fitting(text: str, limit: int, capabilities: Capabilities) -> int:
    """How many characters from the start fit, at least one; signs made of several are kept together."""
    used = end = 0
    for char in text:
        used += _length(char, capabilities)
        if used > limit:
            break
        end += 1
    whole = end
    while whole > 1 and whole < len(text) and _continues(text, whole):
        whole -= 1
    return max(whole if whole > 1 else end, 1)


def _continues(text: str, at: int) -> bool:
    """Does the character there belong to the one before it (accent, skin tone, joined emoji, flag)?"""
    char, before = text[at], text[at - 1]
    joined = "\u200d" in (char, before) or char in "\ufe0e\ufe0f" or "\U0001f3fb" <= char <= "\U0001f3ff"
    return joined or unicodedata.combining(char) != 0


def _border(text: str, end: int) -> int:
    """The best place to cut at or before ``end``: the strongest border that does not waste most of the room."""
    if end < len(text) and text[end].isspace():
        end += 1
    head = text[:end]
    for pattern, least in ((r"\n\s*\n", end // 2), (r"\n", end // 3), (r"[.!?…]\s", end // 3), (r"\s", 0)):
        places = [match.end() for match in re.finditer(pattern, head) if match.end() > least and match.start() > 0]
        if places:
            return places[-1]
    return end


def _notice(shop: str, why: str, basket: str, link: str, phone: str) -> str:
    news = " ".join(sentence for sentence in (_sentence(why), _sentence(basket)) if sentence)
    start = f"{shop}: {news}" if shop and news else shop or news
    ways = [way for way in (f"Suite: {link}" if link else "", f"Tel {phone}" if phone else "") if way]
    return " ".join(words for words in (start, *ways) if words)


def _sentence(words: str) -> str:
    return words if not words or words[-1] in ".!?" else f"{words}."


def _shortest(words: str, size: int) -> str:
    """At most ``size`` characters, cut at a blank where that keeps at least half."""
    if len(words) <= size:
        return words
    head = words[: size - 1]
    blank = head.rfind(" ")
    return (head[:blank] if blank >= size // 2 else head).rstrip(" ,;:.-") + "."
