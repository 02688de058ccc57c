"""Which option values a message names for a product: "une chemise lin noire en M"."""

from __future__ import annotations

from rapidfuzz import fuzz

from bot.core.basket import Options
from bot.core.catalogue import SURE, Product
from bot.core.words import SEPARATOR, STOP, number, stem, tokens

_VALUES = {
    "black": "noir", "white": "blanc", "red": "rouge", "blue": "bleu", "green": "vert", "yellow": "jaune",
    "pink": "rose", "purple": "violet", "brown": "marron", "gold": "dore", "golden": "dore", "gris": "gris",
    "silver": "argente", "small": "s", "medium": "m", "large": "l", "blanche": "blanc", "violette": "violet",
    "verte": "vert", "noire": "noir", "bleue": "bleu", "doree": "dore", "argentee": "argente", "2xl": "xxl",
    "rosee": "rose", "bordeau": "bordeaux",
}  # fmt: skip

Named = list[tuple[tuple[int, ...], str, str]]
"""(positions, option, value) in the text's order."""


def named_options(
    typed: tuple[str, ...], free: list[bool], span: tuple[int, int], product: Product, around: list[int]
) -> Named:
    """The values of the product's options among the free words ``around`` its name at ``span`` (start, end)."""
    start, end = span
    found: Named = []
    taken: set[int] = set()
    inside = {stem(token) for token in typed[start:end]}
    values = [(option, value) for option, options in product.options for value in options]
    for option, value in sorted(values, key=lambda pair: -len(tokens(pair[1]))):
        wanted = [_value(token) for token in tokens(value) if token not in STOP]
        short = [word for word in wanted if word not in inside]
        for words in {tuple(wanted), tuple(short)} - {()}:
            for position in around:
                content = [p for p in range(position, len(typed)) if typed[p] not in STOP and p in around]
                if typed[position] == "l" and wanted == ["l"]:
                    content = [position]
                window = tuple(content[: len(words)])
                if not window or window[0] != position or len(window) < len(words) or taken & {*window}:
                    continue
                if not all(free[p] for p in window) or not _same(typed, window, words):
                    continue
                if len(words[0]) == 1 and position < start and typed[position - 1] != "taille":
                    continue
                taken |= {*window}
                found.append((window, option, value))
    return sorted(found)


def _value(token: str) -> str:
    plain = stem(token)
    return _VALUES.get(plain, plain)


def _same(typed: tuple[str, ...], window: tuple[int, ...], words: tuple[str, ...]) -> bool:
    for position, word in zip(window, words, strict=True):
        seen = _value(typed[position])
        close = len(word) >= 5 and len(seen) >= 4 and fuzz.ratio(seen, word) >= SURE
        if seen != word and not close:
            return False
    return True


def one_each(product: Product, named: Named) -> Options:
    """One value per option; an option named twice is left open, to be asked."""
    chosen: list[tuple[str, str]] = []
    for option, _ in product.options:
        values = {value for _, name, value in named if name == option}
        if len(values) == 1:
            chosen.append((option, values.pop()))
    return tuple(chosen)


_INSTEAD_OF = frozenset({"pas", "not", "lieu", "place", "instead"})
"""A value soon after one of these is what the shopper does not want."""


def wanted_options(text: str, product: Product) -> Options:
    """The product's values a text asks for, in the product's order: "pas rouge, bleu" wants blue, "M au lieu de S" M."""
    typed = tokens(text)
    named = named_options(typed, [True] * len(typed), (0, 0), product, list(range(len(typed))))
    wanted: dict[str, str] = {}
    for positions, option, value in named:
        before = [p for p in range(max(0, positions[0] - 3), positions[0]) if typed[p] in _INSTEAD_OF]
        if not before or any(typed[p] == SEPARATOR for p in range(before[-1], positions[0])):
            wanted[option] = value
    return tuple((option, wanted[option]) for option, _ in product.options if option in wanted)


def split(
    typed: tuple[str, ...], free: list[bool], product: Product, named: Named, after: int, quantity: int | None
) -> list[tuple[Options, int]]:
    """Several lines of one product, as (options, pieces); empty when it is one line or cannot be told.

    "2 M et 1 L"; "M 2 et L 1"; "1 orange M et 1 blanc L"; "2 t-shirts blancs, 1 M et 1 L": what is said before the first count
    belongs to all. ``after``: where the product's name ends. Numbers that were used are taken from ``free``.
    """
    groups: list[tuple[Named, int | None]] = []
    counted: list[int] = []
    for entry in named:
        own = _count_before(typed, free, entry[0][0], after)
        own = None if own in counted else own
        repeated = bool(groups) and any(entry[1] == option for _, option, _ in groups[-1][0])
        if not groups or own is not None or repeated:
            groups.append(([], None if own is None else number(typed[own])))
            counted += [] if own is None else [own]
        groups[-1][0].append(entry)
    groups = [_counted_after(typed, free, group, counted) for group in groups]
    shared = _shared(groups, quantity)
    parts = groups[1:] if shared else groups
    if len(parts) < 2 and not shared:
        return []
    counts = [1 if count is None else count for _, count in parts]
    if not shared and groups[0][1] is None and any(count is not None for _, count in groups[1:]):
        counts[0] = 1 if quantity is None else quantity
    elif quantity is not None and sum(counts) != quantity:
        return []
    for position in counted:
        free[position] = False
    common = groups[0][0] if shared else []
    return [
        (one_each(product, [*common, *values]), count) for (values, _), count in zip(parts, counts, strict=True)
    ]


def _count_before(typed: tuple[str, ...], free: list[bool], position: int, after: int) -> int | None:
    """Position of the number that counts the value at ``position``: right before it, or one word earlier."""
    for place in (position - 1, position - 2):
        if place >= after and free[place] and number(typed[place]) is not None:
            return place
    return None


def _counted_after(
    typed: tuple[str, ...], free: list[bool], group: tuple[Named, int | None], counted: list[int]
) -> tuple[Named, int | None]:
    """The group with the number that closes it ("M 2 et XL 1"), if none stood before it."""
    values, count = group
    place = values[-1][0][-1] + 1
    closes = place + 1 >= len(typed) or typed[place + 1] == SEPARATOR
    if count is None and closes and place < len(typed) and free[place] and place not in counted:
        count = number(typed[place])
        counted += [] if count is None else [place]
    return values, count


def _shared(groups: list[tuple[Named, int | None]], quantity: int | None) -> bool:
    """Do the first values belong to all the counted ones that follow, which add up?"""
    if len(groups) < 2 or groups[0][1] is not None or any(count is None for _, count in groups[1:]):
        return False
    said = [{option for _, option, _ in values} for values, _ in groups]
    apart = all(not said[0] & other for other in said[1:])
    return apart and (quantity is None or sum(count or 0 for _, count in groups[1:]) == quantity)
