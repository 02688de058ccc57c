"""A Rasa tokenizer that reads French as it is typed in Abidjan: "jveu 2 pagne c cmb" -> "je veux NB pagne c est combien".

A token keeps the place of what was typed, so entities come out in the shopper's own words; its lemma is the plain
spelling, from which the featurizers count. Knows no product and no place.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.training_data.message import Message

MAX_CHARACTERS = 600
"""What lies behind is not read: nobody orders in a longer message, and a turn must stay cheap."""

NUMBER = "NB"
MONEY = "MONTANT"
PHONE = "TEL"
QUESTION = "QMARK"

PLAIN = {
    # greetings, courtesies
    **dict.fromkeys(("slt", "salu", "salutt"), "salut"),
    **dict.fromkeys(("bjr", "bjour", "bonjr", "bjrr", "bonjou"), "bonjour"),
    **dict.fromkeys(("bsr", "bonsr", "bsoir"), "bonsoir"),
    **dict.fromkeys(("stp", "please", "plz", "pls", "svpl"), "svp"),
    **dict.fromkeys(("mrc", "mersi", "merki", "mci", "thx"), "merci"),
    "cc": "coucou",
    "bcp": "beaucoup",
    "bne": "bonne",
    # pronouns and verbs run together
    "j": "je", "g": "j ai", "jai": "j ai", "gai": "j ai", "jss": "je suis",
    **dict.fromkeys(("jveux", "jveu", "jvx", "jve", "jvoudrai"), "je veux"),
    "jvoulais": "je voulais", "jprend": "je prends", "jprends": "je prends", "jpren": "je prends",
    **dict.fromkeys(("jsuis", "chuis", "chui", "jsui", "jui", "chu"), "je suis"),
    "jpaie": "je paie", "jpaye": "je paie", "jpeux": "je peux", "jpeu": "je peux", "jsais": "je sais",
    "jcherche": "je cherche", "jcomprend": "je comprends", "jaimerai": "j aimerais", "jhabite": "j habite",
    "jattend": "j attends", "jattends": "j attends", "jmappelle": "je m appelle", "jannule": "j annule",
    "jconfirme": "je confirme", "jvalide": "je valide", "jcommande": "je commande", "jarrive": "j arrive",
    "cest": "c est", "ces": "c est", "sest": "c est", "cetait": "c etait", "ct": "c etait",
    "veu": "veux", "voudrai": "voudrais", "pren": "prends", "prend": "prends", "peu": "peux", "fe": "fait",
    "fau": "faut", "fo": "faut", "sui": "suis", "enlev": "enleve", "oter": "ote", "ajout": "ajoute",
    "kiff": "aime", "paye": "paie", "payer": "payer", "envoi": "envoie", "rajoute": "ajoute",
    # question words
    **dict.fromkeys(("cmb", "cb", "combi", "cbien", "kombien", "conbien", "cmbien", "kombi"), "combien"),
    **dict.fromkeys(("koi", "kwa", "qoi"), "quoi"), **dict.fromkeys(("kel", "kelle", "qel"), "quel"),
    "kels": "quels", "ki": "qui", "ke": "que", "q": "que", "kan": "quand", "qd": "quand", "kand": "quand",
    **dict.fromkeys(("pk", "pq", "pkoi", "prkoi", "pourkoi"), "pourquoi"),
    **dict.fromkeys(("cmt", "cmnt", "koman", "coment"), "comment"), "kelkun": "quelqu un",
    "keske": "qu est ce que", "eske": "est ce que", "esk": "est ce que", "kelke": "quelque",
    # small words
    "pr": "pour", "ds": "dans", "vs": "vous", "ns": "nous", "pa": "pas", "plu": "plus", "tt": "tout",
    "sa": "ca", "avk": "avec", "av": "avec", "tjrs": "toujours", "tjr": "toujours", "mnt": "maintenant",
    "mtn": "mtn", "dmn": "demain", "dm1": "demain", "auj": "aujourd hui", "ojd": "aujourd hui", "ya": "y a",
    "yen": "y en", "yavait": "y avait", "bi1": "bien", "bn": "bon", "ts": "tous", "m": "m", "ossi": "aussi",
    "finalmt": "finalement", "finalemen": "finalement", "vrmt": "vraiment", "msg": "message", "rdv": "rendez vous",
    "num": "numero", "tel": "telephone", "adr": "adresse", "livr": "livraison", "livrezon": "livraison",
    "cmd": "commande", "cmde": "commande", "komande": "commande", "kommande": "commande", "qte": "quantite",
    "pri": "prix", "modif": "modifier", "dispo": "disponible", "coulr": "couleur", "tail": "taille",
    "taile": "taille", "articl": "article", "annul": "annule", "1er": "premier", "promo": "promo",
    # yes and no
    **dict.fromkeys(("we", "wi", "wai", "ouai", "ouais", "oui", "ui", "yep", "yeah"), "oui"),
    **dict.fromkeys(("nn", "nan", "nonn", "nope"), "non"),
    **dict.fromkeys(("dac", "dacc", "acc", "dakor", "dacord", "daccord", "dak"), "d accord"),
    **dict.fromkeys(("oki", "okay", "okk", "okey", "k"), "ok"),
    # money, as it is called here
    **dict.fromkeys(("wari", "dje", "djete", "djai", "jeton", "jetons", "gblin", "feuilles", "tune"), "argent"),
    "pia": "argent", "momo": "momo",
    # English run together
    "whats": "what s", "im": "i m", "ill": "i ll", "dont": "don t", "wanna": "want to", "u": "you", "ur": "your",
    "thanx": "thanks", "lets": "let s", "id": "i d",
}  # fmt: skip
"""Typed word -> plain spelling, which may be several words."""

_NUMBERS = frozenset(
    "deux trois quatre cinq six sept huit neuf dix onze douze quinze vingt trente cinquante cent dizaine douzaine"
    " two three four five seven eight nine ten twelve twenty".split()
)
_FACES = {
    "👍": "oui", "👌": "oui", "✅": "oui", "🆗": "oui", "👎": "non", "❌": "non", "👋": "salut", "🙏": "merci",
    "😡": "fache", "😠": "fache", "🤬": "fache",
}  # fmt: skip
_TOKEN = re.compile(
    r"(?P<phone>\+?\d(?:[ .-]?\d){7,14}(?!\d))"
    r"|(?P<money>\d{1,3}(?:[ .]\d{3})+(?: ?(?:f|fr|frs|fcfa|cfa|francs?|xof))?(?![a-z0-9])"
    r"|\d+ ?(?:f|frs|fcfa|francs?|k)(?![a-z0-9])|\d{4,5}(?![a-z0-9]))"
    r"|(?P<number>(?:x ?)?\d+(?: ?x(?![a-z]))?)|(?P<word>[a-z]+)|(?P<mark>\?+)|(?P<face>[^\w\s])"
)
_REPEATED = re.compile(r"([a-z])\1{2,}")


def folded(text: str) -> str:
    """Lower case without accents, one character for each of the text's, so that places stay."""
    return "".join(_fold(character) for character in text)


def _fold(character: str) -> str:
    plain = unicodedata.normalize("NFKD", character.lower())[:1]
    return plain or " "


def spelled(text: str) -> list[tuple[str, int, int]]:
    """(plain spelling, start, end) of each word, number and question mark; of an emoji only where it stands alone.

    Beside words an emoji is politeness: "c'est tout 🙏" thanks nobody.
    """
    found: list[tuple[str, int, int]] = []
    faces: list[tuple[str, int, int]] = []
    for match in _TOKEN.finditer(folded(text[:MAX_CHARACTERS])):
        kind, typed = match.lastgroup, match[0]
        if kind == "word":
            plain = _word(typed)
        elif kind == "face":
            if typed in _FACES:
                faces.append((_FACES[typed], match.start(), match.end()))
            continue
        else:
            plain = {"phone": PHONE, "money": MONEY, "number": NUMBER, "mark": QUESTION}[str(kind)]
        found.append((plain, match.start(), match.end()))
    return [_beside(found, position) for position in range(len(found))] or faces


def _word(typed: str) -> str:
    short = _REPEATED.sub(r"\1", typed)
    if short in _NUMBERS:
        return NUMBER
    return PLAIN.get(short, short)


def _beside(found: list[tuple[str, int, int]], position: int) -> tuple[str, int, int]:
    """A lone "c" is "c'est"; "c'", "j'", "d'" before a vowel stay what they are."""
    plain, start, end = found[position]
    following = found[position + 1][0] if position + 1 < len(found) else ""
    if plain == "c" and not following.startswith(("est", "etait")):
        plain = "c est"
    elif plain == "je" and end - start == 1 and following[:1] in tuple("aeiouhy"):
        plain = "j"
    return plain, start, end


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=False)
class SpellingTokenizer(Tokenizer):
    """Words as typed, with their plain spelling as text and lemma."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """What Rasa's tokenizers share."""
        return {
            "intent_tokenization_flag": False,
            "intent_split_symbol": "_",
            "token_pattern": None,
            "prefix_separator_symbol": None,
        }

    def tokenize(self, message: Message, attribute: str) -> list[Token]:
        """The tokens of a text; never none, since Rasa's featurizers need one."""
        words = spelled(str(message.get(attribute)))
        return [Token(plain, start, end, lemma=plain) for plain, start, end in words] or [Token("VIDE", 0, 1)]
