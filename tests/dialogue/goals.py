"""What simulated shoppers want and how they write: goals and quirks, drawn from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

Line = tuple[str, tuple[str, ...], int]
"""(product id, option values, quantity)"""


@dataclass(frozen=True)
class Article:
    """A product as people in Abidjan ask for it. ``options``: values by which it may be told, in its own order."""

    id: str
    names: tuple[str, ...]
    options: tuple[tuple[str, ...], ...] = ()


ARTICLES = (
    Article("foulard-wax", ("foulard wax", "foular wax", "turban wax")),
    Article("foulard-satin", ("foulard satin", "foular satin"), (("noir", "rose", "doré"),)),
    Article("pagne-uniwax", ("uniwax", "pagne uniwax"), (("rouge", "jaune", "bleu"),)),
    Article("pagne-wax-woodin", ("woodin", "pagne woodin"), (("bleu", "orange", "vert"),)),
    Article("pagne-fancy", ("pagne fancy", "fancy"), (("rose", "bleu", "marron"),)),
    Article("robe-wax-courte", ("robe wax courte", "robe courte"), (("S", "M", "L", "XL"),)),
    Article("robe-wax-longue", ("robe longue", "robe wax longue"), (("S", "M", "L", "XL"),)),
    Article("chemise-wax-homme", ("chemise wax", "chemise en pagne"), (("M", "L", "XL", "XXL"),)),
    Article("chemise-lin-homme", ("chemise lin", "chemise en lin"), (("M", "L", "XL"), ("blanc", "beige", "noir"))),
    Article("jupe-wax", ("jupe wax", "jupe portefeuille"), (("S", "M", "L"),)),
    Article("bazin-riche", ("bazin riche",), (("blanc", "bleu ciel", "bordeaux"),)),
    Article("tshirt-elephants", ("tshirt elephant",), (("S", "M", "L", "XL"), ("orange", "blanc", "vert"))),
    Article("boubou-femme", ("boubou femme", "boubou dame"), (("bleu", "bordeaux", "doré"),)),
    Article("pagne-kita", ("kita", "pagne kita")),
)
COMMUNES = {
    "Yopougon": ("yop", "Yopougon", "a yop siporex", "chui a yop"),
    "Cocody": ("Cocody", "cocody angré", "riviera 2"),
    "Marcory": ("marcory", "zone 4"),
    "Abobo": ("abobo", "abobo gare"),
    "Treichville": ("treich", "Treichville"),
    "Koumassi": ("koumassi", "koumassi remblais"),
    "Adjamé": ("adjame", "williamsville"),
    "Grand-Bassam": ("bassam", "grand bassam"),
}
LANDMARKS = (
    "derrière la pharmacie", "carrefour solic", "en face de la mosquée", "immeuble bleu 2e étage",
    "à côté du maquis chez Tantie", "terminus 40", "pres de l'école primaire", "portail vert",
)  # fmt: skip
NAMES = ("Aya Koffi", "Fatou", "Serge Yao", "Mariam Traoré", "Konan", "Affoué Marie", "Ange", "Bakary Cissé")
PAYMENTS = {
    "wave": ("wave", "je paie wave", "par wave"),
    "cash": ("cash", "especes", "à la livraison"),
    "orange_money": ("orange money", "om"),
    "mtn_momo": ("momo", "mtn"),
    "moov_money": ("moov", "flooz"),
}
QUIRKS = (
    "all_at_once", "several_answers", "burst", "typos", "sms_spelling", "capitals", "wrong_commune_first",
    "wrong_quantity_first", "extra_then_removed", "asks_fee", "asks_what_else", "asks_hours", "voice_note",
    "sticker", "silence", "taps", "telegram", "mind_changed_at_recap", "thanks", "emoji",
)  # fmt: skip
QUESTIONS = {
    "asks_fee": "c combien livraison a bassam ?",
    "asks_what_else": "ya quoi d'autre ?",
    "asks_hours": "vous fermez à quelle heure ?",
}


@dataclass(frozen=True)
class Want:
    """One line of the goal, and how the shopper calls it."""

    article: Article
    options: tuple[str, ...]
    quantity: int
    name: str

    @property
    def line(self) -> Line:
        return self.article.id, self.options, self.quantity

    def said(self, quantity: int | None = None) -> str:
        """``2 foulard satin noir``."""
        size = [f"taille {value}" if len(value) == 1 else value for value in self.options]
        return " ".join([str(quantity or self.quantity), self.name, *size])


@dataclass(frozen=True)
class Goal:
    """An order as a shopper has it in mind."""

    number: int
    wants: tuple[Want, ...]
    commune: str
    commune_said: str
    landmark: str
    name: str
    payment: str
    payment_said: str
    phone: str
    quirks: frozenset[str]


def goals(count: int, seed: int) -> list[Goal]:
    """That many goals; the first ones have each quirk at least once, alone; later ones mix up to three."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        alone = QUIRKS[number] if number < len(QUIRKS) else None
        quirks = {alone} if alone else set(chance.sample(QUIRKS, chance.randint(0, 3)))
        wants = tuple(_want(article, chance) for article in chance.sample(ARTICLES, chance.randint(1, 3)))
        commune, payment = chance.choice(list(COMMUNES)), chance.choice(list(PAYMENTS))
        found.append(
            Goal(
                number,
                wants,
                commune,
                chance.choice(COMMUNES[commune]),
                chance.choice(LANDMARKS),
                chance.choice(NAMES),
                payment,
                chance.choice(PAYMENTS[payment]),
                f"+22507{seed % 1000:03d}{number:05d}",
                frozenset(quirks),
            )
        )
    return found


def _want(article: Article, chance: random.Random) -> Want:
    options = tuple(chance.choice(values) for values in article.options)
    return Want(article, options, chance.choice((1, 1, 2, 2, 3, 5)), chance.choice(article.names))


def misspelt(text: str, chance: random.Random) -> str:
    """Two letters swapped, doubled or lost in one longer word, as fast thumbs do it; numbers stay."""
    words = text.split()
    long = [place for place, word in enumerate(words) if len(word) >= 6 and word.isalpha()]
    if not long:
        return text
    place = chance.choice(long)
    word, at = words[place], chance.randint(2, len(words[place]) - 3)
    forms = (
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at] + word[at:],
        word[:at] + word[at + 1 :],
    )
    words[place] = chance.choice(forms)
    return " ".join(words)


def shortened(text: str) -> str:
    """SMS spelling."""
    for long, short in (("je veux", "jveux"), ("bonjour", "bjr"), ("s'il vous plait", "svp"), ("pour", "pr"),
                        ("livraison", "livr"), ("c'est", "c"), ("avec", "avk"), ("et ", "+ ")):  # fmt: skip
        text = text.replace(long, short)
    return text
