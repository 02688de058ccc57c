"""From what a shopper typed to products, options and quantities. A doubtful name is several candidates, no guess."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from bot.core.basket import Options
from bot.core.catalogue import SURE, Index, Product
from bot.core.options import named_options, one_each, split
from bot.core.words import FILLER, MAX_READ, SEPARATOR, STOP, fold, key, number, stem, tokens, without_show

MARGIN = 4.0
"""Two products closer than this in similarity are both offered."""

_ENGLISH = {
    "dress": "robe", "scarf": "foulard", "shirt": "chemise", "skirt": "jupe", "trouser": "pantalon",
    "pant": "pantalon", "bag": "sac", "watch": "montre", "watche": "montre", "necklace": "collier",
    "earring": "boucle", "wallet": "portefeuille", "charger": "chargeur", "earphone": "ecouteur",
    "diaper": "couche", "pad": "serviette", "baby": "bebe", "short": "courte", "long": "longue",
    "men": "homme", "man": "homme", "women": "femme", "woman": "femme", "night": "nuit", "bamboo": "bambou",
    "wipe": "lingette", "leather": "cuir", "linen": "lin", "pearl": "perle", "cloth": "pagne", "fabric": "pagne",
    "scarve": "foulard", "dresse": "robe", "cotton": "coton",
}  # fmt: skip
_COMPOUNDS = (
    (re.compile(r"\bhand ?bag(s?)\b", re.IGNORECASE), r"sac\1 a main"),
    (re.compile(r"\bback ?pack(s?)\b", re.IGNORECASE), r"sac\1 a dos"),
    (re.compile(r"\bphone case(s?)\b", re.IGNORECASE), r"coque\1"),
)
"""English names that are several words in French."""
_UNITS = frozenset({"lot", "paire", "piece", "petit", "grand", "modele"})
"""Words that count or qualify; alone they are nobody's name."""
_BRACKETS = re.compile(r"\(([^)]*)(\)?)")
_NAMED = 4
"""Words that an unknown thing's name may have, and letters of its first."""
_NO_THINGS = _UNITS | {
    "jour", "heure", "minute", "semaine", "moi", "foi", "etage", "personne", "plateau", "tranche", "livraison", "seul",
    "chaque", "franc", "fcfa", "plutot", "finalement", "place", "lieu", "suffit", "merci",
}  # fmt: skip
"""What may follow a number without being ordered."""
_SHORT_SURE = 66.0
"""Similarity at which a word of three letters is taken for its neighbour's: one letter of them is another."""
_BETWEEN = 2
"""Other words that may stand between a number and its product: "trois beaux lots de lingettes"."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product a shopper may mean, with the options named for it, in the product's order."""

    product: Product
    options: Options


@dataclass(frozen=True, slots=True)
class Item:
    """One thing asked for. One candidate is sure; several must be asked. ``quantity`` None was not said."""

    candidates: tuple[Candidate, ...]
    quantity: int | None
    phrase: str
    """The shopper's own words for it."""

    @property
    def product(self) -> Product | None:
        """The product when there is no doubt."""
        return self.candidates[0].product if len(self.candidates) == 1 else None


@dataclass(frozen=True, slots=True)
class Found:
    """All items of a message, in its order, and the words that belong to none."""

    items: tuple[Item, ...]
    rest: str
    unknown: tuple[str, ...] = ()
    """Counted things that are none of the shop's: "3 attieke"."""


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    ids: tuple[str, ...]


def find_items(text: str, catalogue: Index) -> Found:
    """Find products, options and quantities in a message of any form: "2 foulards rose + 1 pagne uniwax"."""
    plain = _BRACKETS.sub(lambda match: _bracket(match, catalogue), without_show(text[:MAX_READ]))
    for english, french in _COMPOUNDS:
        plain = english.sub(french, plain)
    typed = tokens(plain)
    free = [True] * len(typed)
    spans = _exact(typed, free, catalogue)
    spans += _misspelt(typed, free, catalogue)
    spans = _absorbed(spans, _partial(typed, free, catalogue, spans), typed, catalogue)
    spans.sort(key=lambda span: span.start)
    before = [_number_before(typed, free, span, spans[i - 1].end if i else 0) for i, span in enumerate(spans)]
    items: list[Item] = []
    for i, span in enumerate(spans):
        until = len(typed)
        if i + 1 < len(spans):
            position = before[i + 1]
            until = spans[i + 1].start if position is None else position
        since = before[i]
        first = spans[i - 1].end if i else 0
        items += _items(typed, free, span, catalogue, (first if since is None else since + 1, until), since)
    rest = " ".join(
        token for token, is_free in zip(typed, free, strict=True) if is_free and token != SEPARATOR
    )
    return Found(tuple(items), rest, _unknown(typed, free))


def _unknown(typed: tuple[str, ...], free: list[bool]) -> tuple[str, ...]:
    """What stands right after a number that counts nothing known, up to the next separator, number or known thing."""
    found: list[str] = []
    for at, token in enumerate(typed):
        if not free[at] or token in ("un", "une") or number(token) is None:
            continue
        words: list[str] = []
        for after in range(at + 1, min(at + 1 + _NAMED, len(typed))):
            word = typed[after]
            if not free[after] or word == SEPARATOR or word in FILLER or number(word) is not None:
                break
            words.append(word)
        named = [word for word in words if word not in STOP]
        if named and len(named[0]) >= _NAMED and stem(named[0]) not in _NO_THINGS:
            found.append(" ".join([token, *words]))
    return tuple(found)


def _bracket(match: re.Match[str], catalogue: Index) -> str:
    """What a product's own name has in brackets ("(6 serviettes et pochette)") is no order; other brackets are words."""
    content, closed = fold(match[1]).strip(" ."), match[2]
    own = content in catalogue.notes if closed else any(note.startswith(content) for note in catalogue.notes)
    return " " if own else f" {match[1]} "


def _word(token: str, catalogue: Index) -> str:
    """The stem; an English word is translated unless the shop itself uses it."""
    plain = stem(token)
    return plain if plain in catalogue.words else _ENGLISH.get(plain, plain)


def _runs(typed: tuple[str, ...], free: list[bool]) -> list[list[int]]:
    """Positions of free content words, cut at separators and at words already taken."""
    runs: list[list[int]] = [[]]
    for position, token in enumerate(typed):
        if token == SEPARATOR or not free[position]:
            runs.append([])
        elif token not in STOP:
            runs[-1].append(position)
    return [run for run in runs if run]


def _take(free: list[bool], start: int, end: int) -> None:
    for position in range(start, end):
        free[position] = False


def _windows(run: list[int], size: int) -> list[list[int]]:
    return [run[i : i + size] for i in range(len(run) - size + 1)]


def _exact(typed: tuple[str, ...], free: list[bool], catalogue: Index) -> list[_Span]:
    spans: list[_Span] = []
    for size in range(catalogue.longest, 0, -1):
        for run in _runs(typed, free):
            for window in _windows(run, size):
                words = [_word(typed[position], catalogue) for position in window]
                ids = catalogue.phrases.get(key(words))
                if ids is None:  # "shirt" is a word of the shop's own t-shirts, and English for another thing
                    ids = catalogue.phrases.get(key([_ENGLISH.get(word, word) for word in words]))
                if ids and all(free[position] for position in window):
                    spans.append(_Span(window[0], window[-1] + 1, tuple(sorted(ids))))
                    _take(free, window[0], window[-1] + 1)
    return spans


def _misspelt(typed: tuple[str, ...], free: list[bool], catalogue: Index) -> list[_Span]:
    spans: list[_Span] = []
    for size in range(min(4, catalogue.longest), 0, -1):
        for run in _runs(typed, free):
            for window in _windows(run, size):
                words = [_word(typed[position], catalogue) for position in window]
                phrase = key(words)
                if len(phrase) < 5 or number(words[0]) is not None or number(words[-1]) is not None:
                    continue
                if not all(free[position] for position in window):
                    continue
                likely = catalogue.phrases_like(words)
                near = process.extract(phrase, likely, scorer=fuzz.ratio, score_cutoff=SURE, limit=5)
                near = [match for match in near if len(match[0].split()) == size or size > 1]
                if not near:
                    continue
                best = near[0][1]
                ids = {i for name, score, _ in near if score > best - MARGIN for i in catalogue.phrases[name]}
                spans.append(_Span(window[0], window[-1] + 1, tuple(sorted(ids))))
                _take(free, window[0], window[-1] + 1)
    return spans


def _absorbed(
    sure: list[_Span], partial: list[_Span], typed: tuple[str, ...], catalogue: Index
) -> list[_Span]:
    """All spans, without the partial ones that only repeat the name beside them ("pagne" in "pagne super wax")."""

    def repeats(span: _Span) -> bool:
        for other in sure:
            gap = typed[other.end : span.start] if other.end <= span.start else typed[span.end : other.start]
            if not all(token in STOP for token in gap):
                continue
            if set(other.ids) <= set(span.ids) or _misnames(typed[span.start : span.end], other, catalogue):
                return True
        return False

    return [*sure, *(span for span in partial if not repeats(span))]


def _misnames(words: tuple[str, ...], span: _Span, catalogue: Index) -> bool:
    """Is it one short word, nearly that of the name beside it ("sak" before "banane")?"""
    if len(words) != 1 or len(span.ids) != 1:
        return False
    product = catalogue.products[span.ids[0]]
    own = {stem(token) for name in (product.name, *product.aliases) for token in tokens(name)}
    return any(fuzz.ratio(stem(words[0]), word) >= _SHORT_SURE for word in own)


def _partial(typed: tuple[str, ...], free: list[bool], catalogue: Index, sure: list[_Span]) -> list[_Span]:
    """Less than a whole name ("la robe", "boubou bleu"): all products that have those words."""
    spans: list[_Span] = []
    for run in _runs(typed, free):
        group: list[int] = []
        ids: frozenset[str] = frozenset()
        for position in [*run, -1]:
            known = _known(typed[position], catalogue) if position >= 0 else frozenset()
            both = ids & known if group else known
            if both:
                group, ids = [*group, position], both
                continue
            _close(typed, free, catalogue, group, ids, spans, sure)
            group, ids = ([position], known) if known else ([], frozenset())
        _close(typed, free, catalogue, group, ids, spans, sure)
    return spans


def _known(token: str, catalogue: Index) -> frozenset[str]:
    word = _word(token, catalogue)
    if number(word) is not None or len(word) < 3 or word in _UNITS:
        return frozenset()
    like = catalogue.like(word)
    return catalogue.words[like[0]] if like else frozenset()


def _close(
    typed: tuple[str, ...],
    free: list[bool],
    catalogue: Index,
    group: list[int],
    ids: frozenset[str],
    spans: list[_Span],
    sure: list[_Span],
) -> None:
    """Keep the group if one of its words heads a product: "homme" alone names nothing.

    After a number it may leave out the head said before: "4 serviettes nuit et 2 jour".
    """
    headed: set[str] = set()
    for position in group:
        for like in catalogue.like(_word(typed[position], catalogue)):
            headed |= catalogue.heads.get(like, frozenset()) & ids
    if group and not headed and group[0] > 0 and number(typed[group[0] - 1]) is not None:
        headed = _left_out(group[0], ids, catalogue, sure)
    if group and headed:
        order = {product_id: place for place, product_id in enumerate(catalogue.products)}
        spans.append(_Span(group[0], group[-1] + 1, tuple(sorted(headed, key=order.__getitem__))))
        _take(free, group[0], group[-1] + 1)


def _left_out(start: int, ids: frozenset[str], catalogue: Index, sure: list[_Span]) -> set[str]:
    """Products of the kind said last before ``start``, the narrowest kind that fits."""
    said = [span for span in sure if span.end < start]
    kinds = [set(kind & ids) for kind in catalogue.heads.values() if said and set(said[-1].ids) <= kind]
    return min((kind for kind in kinds if kind), key=len, default=set())


def _number_before(typed: tuple[str, ...], free: list[bool], span: _Span, first: int) -> int | None:
    """Position of the number that counts this item, if it stands before it in the same breath."""
    others = 0
    for position in range(span.start - 1, first - 1, -1):
        token = typed[position]
        if token == SEPARATOR or not free[position]:
            return None
        if number(token) is not None:
            free[position] = False
            return position
        others += token not in STOP
        if others > _BETWEEN:
            return None
    return None


def _items(
    typed: tuple[str, ...],
    free: list[bool],
    span: _Span,
    catalogue: Index,
    zone: tuple[int, int],
    counted_at: int | None,
) -> list[Item]:
    """The item of a span with its options; two when "1 M et 1 L" splits it."""
    quantity = None if counted_at is None else number(typed[counted_at])
    products = [catalogue.products[product_id] for product_id in span.ids]
    around = [*range(zone[0], span.start), *range(span.end, zone[1])]
    named = {
        product.id: named_options(typed, free, (span.start, span.end), product, around)
        for product in products
    }
    for values in named.values():
        for positions, _, _ in values:
            for position in positions:
                free[position] = False
    phrase = " ".join(typed[span.start : span.end])
    told = {product.id: len({option for _, option, _ in named[product.id]}) for product in products}
    products = [product for product in products if told[product.id] == max(told.values())]
    if len(products) == 1:
        parts = split(typed, free, products[0], named[products[0].id], span.end, quantity)
        if parts:
            return [Item((Candidate(products[0], options),), count, phrase) for options, count in parts]
    if quantity is None:
        quantity = _number_after(typed, free, span, zone[1])
    candidates = tuple(Candidate(p, one_each(p, named[p.id])) for p in products)
    return [Item(candidates, quantity, phrase)]


def _number_after(typed: tuple[str, ...], free: list[bool], span: _Span, until: int) -> int | None:
    for position in range(span.end, until):
        value = number(typed[position]) if free[position] else None
        if value is not None:
            free[position] = False
            return value
    return None
