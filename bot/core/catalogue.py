"""What a shop sells and where it delivers, and an index of the names shoppers may use for it.

Read from the ledger, never trained: products change daily. No price ever comes from a shopper.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from bot.core.words import STOP, fold, key, number, stem, tokens, without_show

NEAR = 72.0
"""Least similarity, 0 to 100, at which a product is worth offering for an unknown name."""

SURE = 86.0
"""Least similarity, 0 to 100, at which a misspelt word is taken for a known one."""
_SPELT = 5
"""Letters from which a word can be misspelt and still be told from others."""

_NOTE = re.compile(r"\(([^)]*)\)")
_WEAK_HEADS = frozenset({"petit", "grand", "bon", "longue", "maxi", "gros", "super"})


@dataclass(frozen=True, slots=True)
class Product:
    """One row of products.csv. ``options``: (("taille", ("S", "M")), ...); ``stock`` None is not counted.

    ``photo``: the picture's path below the public address, or an empty text.
    """

    id: str
    name: str
    category: str
    description: str
    aliases: tuple[str, ...]
    price_xof: int
    options: tuple[tuple[str, tuple[str, ...]], ...]
    stock: int | None
    photo: str = ""

    @property
    def sold_out(self) -> bool:
        return self.stock is not None and self.stock <= 0


@dataclass(frozen=True, slots=True)
class Zone:
    """One row of zones.csv: a commune served, its other names, the delivery fee in FCFA and when it comes."""

    commune: str
    aliases: tuple[str, ...]
    fee_xof: int
    eta_text: str


def without_brackets(name: str) -> str:
    """``Kit complet (6 serviettes)`` -> ``Kit complet``: what is in brackets is rarely typed."""
    return " ".join(name.split("(")[0].split())


@dataclass(frozen=True, slots=True)
class Index:
    """One version of a shop's catalogue, ready to be searched. Build it with ``index``."""

    products: Mapping[str, Product]
    phrases: Mapping[str, frozenset[str]]
    """Order-free key of a name or alias -> ids of the products called so."""
    words: Mapping[str, frozenset[str]]
    """Stem -> ids of the products with that word in a name or alias."""
    heads: Mapping[str, frozenset[str]]
    """Stem of a first word -> ids: "robe" heads "robe longue", "homme" heads nothing."""
    longest: int
    """Words in the longest phrase."""
    initials: Mapping[str, tuple[str, ...]]
    """First letter -> the words that begin with it: where a misspelt word is looked for."""
    holding: Mapping[str, tuple[str, ...]]
    """Stem -> the phrases with that word."""
    notes: frozenset[str]
    """What the names have in brackets, folded: "6 yards"."""

    def like(self, word: str) -> tuple[str, ...]:
        """Words of the catalogue that a typed stem may be, best first: itself, or those spelt nearly so."""
        if word in self.words:
            return (word,)
        if len(word) < _SPELT:
            return ()
        near = process.extract(
            word, self.initials.get(word[0], ()), scorer=fuzz.ratio, score_cutoff=SURE, limit=3
        )
        return tuple(found for found, _, _ in near)

    def phrases_like(self, words: Sequence[str]) -> tuple[str, ...]:
        """Phrases that share a word with these, spelt alike: all that a misspelt name can be."""
        shared = [self.holding[like] for word in words for like in self.like(word)]
        return tuple(dict.fromkeys(phrase for phrases in sorted(shared, key=len)[:2] for phrase in phrases))

    @property
    def categories(self) -> tuple[str, ...]:
        """In the order of the file, each once."""
        return tuple(dict.fromkeys(product.category for product in self.products.values()))

    def in_category(self, category: str) -> tuple[Product, ...]:
        """Products of a category, those in stock first."""
        found = [p for p in self.products.values() if fold(p.category) == fold(category)]
        return tuple(sorted(found, key=lambda product: product.sold_out))

    def category_named(self, text: str) -> str | None:
        """The category whose name stands in the text ("vos bijoux"), or None."""
        typed = {stem(token) for token in tokens(without_show(text))}
        for category in self.categories:
            names = {stem(t) for t in tokens(category) if t not in STOP and len(t) > 2}
            if names and names <= typed:
                return category
        return None

    def near(self, text: str, limit: int = 4) -> tuple[Product, ...]:
        """Products whose names look like the text, best first; empty when nothing does."""
        wanted = key(tokens(text))
        if len(wanted) < 3:
            return ()
        found: dict[str, None] = {}
        among = self.phrases_like(wanted.split()) or tuple(self.phrases)
        matches = process.extract(
            wanted, among, scorer=fuzz.token_set_ratio, score_cutoff=NEAR, limit=3 * limit
        )
        for phrase, _, _ in matches:
            found.update(dict.fromkeys(sorted(self.phrases[phrase])))
        return tuple(self.products[product_id] for product_id in found)[:limit]


def index(products: Iterable[Product]) -> Index:
    """Build the index of a catalogue; once per version, about a millisecond per twenty products."""
    by_id = {product.id: product for product in products}
    phrases: dict[str, set[str]] = {}
    words: dict[str, set[str]] = {}
    heads: dict[str, set[str]] = {}
    holding: dict[str, list[str]] = {}
    longest = 1
    for product in by_id.values():
        for name in (without_brackets(product.name), *product.aliases):
            typed = [stem(token) for token in tokens(name) if token not in STOP]
            if not typed:
                continue
            phrase = key(typed)
            if phrase not in phrases:
                for word in dict.fromkeys(phrase.split()):
                    holding.setdefault(word, []).append(phrase)
            phrases.setdefault(phrase, set()).add(product.id)
            longest = max(longest, len(typed))
            for word in typed:
                words.setdefault(word, set()).add(product.id)
            if typed[0] not in _WEAK_HEADS:
                heads.setdefault(typed[0], set()).add(product.id)
    initials: dict[str, list[str]] = {}
    for word in words:
        initials.setdefault(word[0], []).append(word)
    notes = (fold(note).strip() for p in by_id.values() for note in _NOTE.findall(p.name))
    return Index(
        products=by_id,
        phrases=_frozen(phrases),
        words=_frozen(words),
        heads=_frozen(heads),
        longest=longest,
        initials=_listed(initials),
        holding=_listed(holding),
        notes=frozenset(notes),
    )


def _frozen(sets: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    return {name: frozenset(values) for name, values in sets.items()}


def _listed(lists: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in lists.items()}


_NOT_HERE = (("pas",), ("pas", "a"), ("not",), ("not", "in"), ("lieu", "de"), ("plus", "a"), ("instead", "of"))
"""Words before a commune that is not, or no longer, meant."""


def match_commune(text: str, zones: Sequence[Zone], asked: bool = False) -> Zone | None:
    """The zone a text names ("chuis a yop", "Adjamé Bracodi"), the longest name first; None if none is meant.

    ``asked``: it answers the question where to deliver, so the beginning of a name is enough ("kouma").
    """
    typed = tuple(token for token in tokens(text) if token != ",")
    names = {tuple(tokens(name)): zone for zone in reversed(zones) for name in (zone.commune, *zone.aliases)}
    longest = max(map(len, names), default=0)
    spans = [(at, at + size) for size in range(longest, 0, -1) for at in range(len(typed) - size + 1)]
    for start, end in spans:
        zone = names.get(typed[start:end])
        if zone is not None and not any(typed[max(0, start - len(w)) : start] == w for w in _NOT_HERE):
            return zone
    spelled = {" ".join(name): zone for name, zone in names.items()}
    for start, end in spans:
        phrase = " ".join(typed[start:end])
        if (
            end - start > 3
            or len(phrase) < 5
            or phrase in spelled
            or any(number(token) is not None for token in typed[start:end])
        ):
            continue
        best = process.extractOne(phrase, list(spelled), scorer=fuzz.ratio, score_cutoff=85)
        if best is not None and len(best[0]) >= 5:
            return spelled[best[0]]
    begun = [z for z in zones if asked and any(len(t) >= 4 and fold(z.commune).startswith(t) for t in typed)]
    return begun[0] if len(begun) == 1 else None
