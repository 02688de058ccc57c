"""Shoppers' spelling, made comparable: accents, elisions, numbers in letters, plurals, separators.

Knows no product and no place. Texts are French as typed in Abidjan, with some English.
"""

from __future__ import annotations

import re
import unicodedata

SEPARATOR = ","
MAX_READ = 600
"""Characters of a message that are read for what it orders: a longer one is an attack or a story."""

NUMBERS = {
    "zero": 0,
    **dict.fromkeys(("un", "une", "one"), 1),
    **dict.fromkeys(("deux", "two"), 2),
    **dict.fromkeys(("trois", "three"), 3),
    **dict.fromkeys(("quatre", "four"), 4),
    **dict.fromkeys(("cinq", "five"), 5),
    "six": 6,
    **dict.fromkeys(("sept", "seven"), 7),
    **dict.fromkeys(("huit", "eight"), 8),
    **dict.fromkeys(("neuf", "nine"), 9),
    **dict.fromkeys(("dix", "ten", "dizaine"), 10),
    "onze": 11,
    **dict.fromkeys(("douze", "douzaine", "twelve"), 12),
    "quinze": 15,
    **dict.fromkeys(("vingt", "twenty"), 20),
    "trente": 30,
    "cinquante": 50,
    "cent": 100,
}

STOP = frozenset(
    {"a", "au", "aux", "d", "de", "des", "du", "en", "la", "le", "les", "pour", "avec", "avk", "of", "the"}
    | {"svp", "stp", "please", "sur", "ce", "cette", "ces", "mon", "ma", "mes"}
)
"""Words that may stand inside or around a product's name without changing it."""

FILLER = frozenset(
    {
        "je",
        "j",
        "veux",
        "voudrais",
        "prends",
        "prend",
        "prendre",
        "mets",
        "met",
        "mettre",
        "moi",
        "besoin",
        "donne",
    }
    | {
        "ajoute",
        "commande",
        "commander",
        "il",
        "faut",
        "i",
        "want",
        "need",
        "me",
        "add",
        "please",
        "est",
        "c",
        "ca",
    }
    | {
        "combien",
        "cmb",
        "prix",
        "vous",
        "avez",
        "tu",
        "as",
        "ya",
        "y",
        "encore",
        "coute",
        "fait",
        "dispo",
        "reste",
    }
    | {
        "disponible",
        "how",
        "much",
        "is",
        "do",
        "you",
        "have",
        "price",
        "et",
        "que",
        "qui",
        "chez",
        "un",
        "une",
    }
    | {
        "bonjour",
        "bonsoir",
        "bjr",
        "bsr",
        "salut",
        "quel",
        "quelle",
        "quels",
        "quelles",
        "cherche",
        "svp",
        "stp",
    }
)
"""Words of asking and ordering, which name no product."""

_JOINERS = frozenset({"et", "and", "puis", "ensuite", "ou"})
_ELISION = re.compile(r"(?<![a-z0-9])(?:qu|[ljdcnsmt])'(?=[a-z])")
_POSSESSIVE = re.compile(r"(?<=[a-z])'s(?![a-z])|(?<![a-z])s il (?:vous|te) plait(?![a-z])")
"""English 's and a French courtesy: their "s" is no size."""
_PART = re.compile(
    r"(?<![a-z])(?:la |une )?(?:moitie|demie?s?|half)(?:\s+(?:de|du|of))?(?:\s+(?:un|une|la|le|a))?(?![a-z])"
)
"""Less than one piece: counted as 0, which is no quantity to sell."""
_TSHIRT = re.compile(r"(?<![a-z])(?:t|tee)[ -]?shirt(?=s?(?![a-z]))")
_COUNTED = re.compile(r"(?<=\d) ?:(?!\d)")
"""The colon of "6 : foulards" parts nothing."""
_THOUSANDS = re.compile(r"(?<!\d)(\d{1,3}) (\d{3})(?!\d)")
_AMOUNT = re.compile(r"(?<![\w-])\d+ ?(?:f|fr|frs|francs?|fcfa|cfa|xof)(?![a-z])")
_TIMES = re.compile(r"(?<![a-z0-9])(?:[x*] ?(\d+)|(\d+) ?[x*])(?![a-z0-9])")
_GLUED = re.compile(r"(?<![a-z0-9])(\d{1,3})(?=[a-z]{4})|(?<=[a-z]{4})(?=\d)")
_TOKEN = re.compile(r"(?<![\w-])-\d+|[a-z0-9]+|[,;+&/\n:.!?]")


def fold(text: str) -> str:
    """Lower case, without accents, with plain apostrophes: ``Œuf à l’eau`` -> ``oeuf a l'eau``."""
    plain = text.lower().replace("œ", "oe").replace("æ", "ae").replace("’", "'").replace("‘", "'")
    return "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))


def tokens(text: str) -> tuple[str, ...]:
    """Folded words and numbers; commas, plus signs and "et" become ``SEPARATOR``. Amounts of money are left out."""
    folded = _ELISION.sub(" ", _POSSESSIVE.sub(" ", fold(text[:MAX_READ])))
    folded = _TSHIRT.sub("tshirt", folded)
    folded = _COUNTED.sub(" ", _PART.sub(" 0 ", folded))
    folded = _THOUSANDS.sub(r"\1\2", folded)
    folded = _AMOUNT.sub(" ", folded)
    folded = _TIMES.sub(lambda m: f" {m[1] or m[2]} ", folded)
    folded = _GLUED.sub(lambda m: f"{m[1] or ''} ", folded)
    found = _TOKEN.findall(folded.replace("'", " "))
    return tuple(SEPARATOR if not token[-1].isalnum() or token in _JOINERS else token for token in found)


def stem(token: str) -> str:
    """Without a plural ending; short words and numbers stay."""
    if len(token) > 3 and token[-1] in "sx" and token[-2] != "s" and token.isalpha():
        return token[:-1]
    return token


def number(token: str) -> int | None:
    """The quantity a token stands for: ``3``, ``-2``, ``trois``; None for other words."""
    if token.lstrip("-").isdigit():
        return int(token[:9])
    return NUMBERS.get(token)


def first_number(text: str) -> int | None:
    """The first quantity in a text; digits are preferred to "un" and "une", which are often articles."""
    found = [(token, number(token)) for token in tokens(text)]
    numbers = [(token, value) for token, value in found if value is not None]
    for token, value in numbers:
        if token not in ("un", "une", "one"):
            return value
    return numbers[0][1] if numbers else None


def key(words: tuple[str, ...] | list[str]) -> str:
    """Order-free form of a phrase: stems without stop words, sorted."""
    return " ".join(sorted(stem(word) for word in words if word not in STOP and word != SEPARATOR))


_ENGLISH = frozenset(
    {
        "the",
        "want",
        "need",
        "please",
        "how",
        "much",
        "what",
        "you",
        "your",
        "is",
        "are",
        "my",
        "hello",
        "hi",
        "thanks",
    }
    | {
        "thank",
        "order",
        "deliver",
        "delivery",
        "buy",
        "add",
        "remove",
        "yes",
        "it",
        "do",
        "have",
        "i",
        "to",
        "and",
    }
    | {
        "good",
        "morning",
        "evening",
        "can",
        "where",
        "price",
        "show",
        "would",
        "like",
        "pay",
        "speak",
        "someone",
        "for",
    }
)
_FRENCH = frozenset(
    {
        "le",
        "la",
        "les",
        "de",
        "des",
        "du",
        "je",
        "vous",
        "moi",
        "est",
        "et",
        "un",
        "une",
        "pour",
        "bonjour",
        "bjr",
    }
    | {
        "bonsoir",
        "bsr",
        "merci",
        "veux",
        "prends",
        "mets",
        "combien",
        "oui",
        "non",
        "svp",
        "stp",
        "c",
        "mon",
        "ma",
    }
    | {"ca", "ya", "sur", "dans", "avec", "au", "a", "salut", "chef", "commande", "faut", "livraison"}
)


def language(text: str) -> str | None:
    """``en`` or ``fr`` when at least two words say so and more than the other's; None when it cannot be told."""
    typed = re.findall(r"[a-z]+", fold(text))
    english, french = (sum(token in known for token in typed) for known in (_ENGLISH, _FRENCH))
    if english >= 2 and english > french:
        return "en"
    return "fr" if french >= 2 and french > english else None


def content(text: str) -> str:
    """What is left of a text without words of asking, numbers and separators: what might be a product's name."""
    kept = (t for t in tokens(text) if t not in FILLER and t not in STOP and t != SEPARATOR)
    return " ".join(token for token in kept if number(token) is None)


_QUESTION = frozenset(
    {
        "combien",
        "cmb",
        "cb",
        "frais",
        "tarif",
        "tarifs",
        "prix",
        "quand",
        "quel",
        "quelle",
        "quels",
        "ou",
        "comment",
    }
    | {"how", "when", "what", "which", "delai", "possible", "livrez-vous"}
)


def asks(text: str) -> bool:
    """Is it a question ("vous livrez Yop ?", "c'est combien") rather than a statement?"""
    return "?" in text or bool(_QUESTION & set(re.findall(r"[a-z]+", fold(text))))


_PICTURE = frozenset(
    {"photo", "photos", "foto", "fotos", "image", "images", "limage", "ressemble", "picture", "pictures", "pic", "pics"}
)


def asks_picture(text: str) -> bool:
    """Is a picture of something wanted?"""
    return bool(_PICTURE & set(tokens(text)))


_SHOW = re.compile(r"(\w+)?(^|[^\w]+)montre[zr]?(?=[\s-]+(?:moi|nous|le|la|les|l|vos|tes|ton|ta|des)\b)", re.IGNORECASE)
_BEFORE_A_WATCH = frozenset({"la", "une", "les", "des", "cette", "ma", "ta", "votre", "vos", "de", "d", "quelle"})


def without_show(text: str) -> str:
    """The text without the verb in "montre le sac": a shop that sells watches must not hear of one."""
    return _SHOW.sub(_unless_watch, text)


def _unless_watch(match: re.Match[str]) -> str:
    before = fold(match[1] or "")
    watch = before in _BEFORE_A_WATCH or number(before) is not None
    return match[0] if watch else f"{match[1] or ''}{match[2]}"


_DOUBT = frozenset(
    {
        "non",
        "nan",
        "pas",
        "mais",
        "attends",
        "attendez",
        "sauf",
        "annule",
        "changer",
        "change",
        "plutot",
        "avant",
    }
    | {"no", "not", "wait", "but", "except", "enleve", "modifier", "modifie", "finalement"}
)


def hesitates(text: str) -> bool:
    """Does a "yes" carry a no, a wait or a but? Then it confirms nothing yet."""
    return "?" in text or bool(_DOUBT & set(re.findall(r"[a-z]+", fold(text))))


_CODE = re.compile(
    r"^\s*/(?!(?:start|stop|help|aide|menu)\b)|[{}]|</?[a-z!]|(?:java|vb)script:|--\s*$", re.IGNORECASE
)


def is_code(text: str) -> bool:
    """Is it written for a machine (a command, JSON, HTML, SQL), or nothing but marks and controls? Nobody orders so.

    An emoji is a word.
    """
    return _CODE.search(text) is not None or not any(c.isalnum() or unicodedata.category(c) == "So" for c in text)
