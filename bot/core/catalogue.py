"""What a shop sells and where it delivers, and an index of the names shoppers may use for it.

Read from the ledger, never trained: products change daily. No price ever comes from a shopper.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from rapidfuzz import fuzz, process

from bot.core.words import STOP, fold, key, number, stem, tokens

NEAR = 72.0
"""Least similarity, 0 to 100, at which a product is worth offering for an unknown name."""

_WEAK_HEADS = frozenset({"petit", "grand", "bon", "longue", "maxi", "gros", "super"})


@dataclass(frozen=True, slots=True)
class Product:
    """One row of products.csv. ``options``: (("taille", ("S", "M")), ...); ``stock`` None is not counted."""

    id: str
    name: str
    category: str
    description: str
    aliases: tuple[str, ...]
    price_xof: int
    options: tuple[tuple[str, tuple[str, ...]], ...]
    stock: int | None

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
        typed = {stem(token) for token in tokens(text)}
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
        matches = process.extract(
            wanted, list(self.phrases), scorer=fuzz.token_set_ratio, score_cutoff=NEAR, limit=3 * limit
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
    longest = 1
    for product in by_id.values():
        for name in (without_brackets(product.name), *product.aliases):
            typed = [stem(token) for token in tokens(name) if token not in STOP]
            if not typed:
                continue
            phrases.setdefault(key(typed), set()).add(product.id)
            longest = max(longest, len(typed))
            for word in typed:
                words.setdefault(word, set()).add(product.id)
            if typed[0] not in _WEAK_HEADS:
                heads.setdefault(typed[0], set()).add(product.id)
    return Index(by_id, _frozen(phrases), _frozen(words), _frozen(heads), longest)


def _frozen(sets: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    return {name: frozenset(values) for name, values in sets.items()}


def match_commune(text: str, zones: Sequence[Zone], asked: bool = False) -> Zone | None:
    """The zone a text names ("chuis a yop", "Adjamé Bracodi"), the longest name first; None if none is meant.

    ``asked``: it answers the question where to deliver, so the beginning of a name is enough ("kouma").
    """
    typed = tuple(token for token in tokens(text) if token != ",")
    names = {tuple(tokens(name)): zone for zone in reversed(zones) for name in (zone.commune, *zone.aliases)}
    spans = sorted(combinations(range(len(typed) + 1), 2), key=lambda span: span[0] - span[1])
    for start, end in spans:
        zone = names.get(typed[start:end])
        if zone is not None:
            return zone
    spelled = {" ".join(name): zone for name, zone in names.items()}
    for start, end in spans:
        phrase = " ".join(typed[start:end])
        if end - start > 3 or len(phrase) < 5 or any(number(token) is not None for token in typed[start:end]):
            continue
        best = process.extractOne(phrase, list(spelled), scorer=fuzz.ratio, score_cutoff=85)
        if best is not None and len(best[0]) >= 5:
            return spelled[best[0]]
    begun = [z for z in zones if asked and any(len(t) >= 4 and fold(z.commune).startswith(t) for t in typed)]
    return begun[0] if len(begun) == 1 else None
