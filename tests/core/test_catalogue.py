"""What shoppers type, matched to the demo shops' own products and communes."""

from __future__ import annotations

import pytest

from bot.core.catalogue import Index, Zone, index, match_commune
from bot.core.matching import find_items
from bot.core.words import asks_picture, hesitates, language
from tests.dialogue.memory_ledger import SHOPS, read_products, read_zones

INDEXES = {shop: index(read_products(SHOPS / shop)) for shop in ("awa-mode", "zoe-accessoires", "coton-doux")}
ZONES = read_zones(SHOPS / "awa-mode")

@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("montre moi le sac pagne", "sac-pagne"),
        ("Bonjour, montrez-moi le sac pagne", "sac-pagne"),
        ("MONTRE LE SAC PAGNE", "sac-pagne"),
        ("tu peux montrer le sac pagne", "sac-pagne"),
        ("la montre moi je la prends", "montre-femme|montre-homme"),
        ("la montre la moins chère", "montre-femme|montre-homme"),
        ("2 montres le collier doré", "montre-femme|montre-homme/collier-dore"),
        ("montre femme", "montre-femme"),
        ("montre moi la montre homme", "montre-homme"),
        ("montrez vos montres", "montre-femme|montre-homme"),
    ],
)
def test_the_verb_is_no_watch(text: str, named: str) -> None:
    assert "/".join(ids for ids, _, _ in seen(text, INDEXES["zoe-accessoires"])) == named


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("photo du sac", True), ("envoi limage", True), ("FOTO stp", True), ("le sac", False), ("photocopie", False)],
)
def test_a_picture_is_asked_for(text: str, wanted: bool) -> None:
    assert asks_picture(text) is wanted


Seen = list[tuple[str, str, int | None]]


def seen(text: str, catalogue: Index) -> Seen:
    """(product ids joined by |, options of the first, quantity)"""
    return [
        (
            "|".join(candidate.product.id for candidate in item.candidates),
            "/".join(value for _, value in item.candidates[0].options),
            item.quantity,
        )
        for item in find_items(text, catalogue).items
    ]


AWA: list[tuple[str, Seen]] = [
    ("mets moi une robe wax courte taille S", [("robe-wax-courte", "S", 1)]),
    (
        "2 foulards satin rose et 1 foulard wax, c'est pour Yop, je paye MoMo",
        [("foulard-satin", "rose", 2), ("foulard-wax", "", 1)],
    ),
    (
        "une chemise lin noire en M et une chemise wax en L",
        [("chemise-lin-homme", "M/noir", 1), ("chemise-wax-homme", "L", 1)],
    ),
    ("non attends, uniwax c'est 3 finalement", [("pagne-uniwax", "", 3)]),
    ("foulard wax 3, foulard satin noir 2", [("foulard-wax", "", 3), ("foulard-satin", "noir", 2)]),
    ("2foulards wax", [("foulard-wax", "", 2)]),
    ("foulard wax x3", [("foulard-wax", "", 3)]),
    ("une robbe longue taile M", [("robe-wax-longue", "M", 1)]),
    (
        "2 t-shirts elephant orange, 1 M et 1 L",
        [("tshirt-elephants", "M/orange", 1), ("tshirt-elephants", "L/orange", 1)],
    ),
    ("robe enfant 4 ans", [("robe-enfant-wax", "4 ans", None)]),
    ("l'ensemble femme L", [("ensemble-femme", "L", None)]),
    ("pagne hollandais fleur de mariage", [("pagne-wax-hollandais", "fleur de mariage", None)]),
    ("Pagne fancy (6 yards)", [("pagne-fancy", "", None)]),
    ("faut retirer le boubou dedans", [("boubou-homme|boubou-femme", "", None)]),
    ("3 robes", [("robe-wax-courte|robe-wax-longue|robe-enfant-wax", "", 3)]),
    ("je prends 0 foulard wax", [("foulard-wax", "", 0)]),
    ("-2 foulard wax", [("foulard-wax", "", -2)]),
    ("100000 foulard wax", [("foulard-wax", "", 100000)]),
    ("1 foulard wax à 10 F", [("foulard-wax", "", 1)]),
    ("je cherche un taxi pour Marcory", []),
    ("on continue ailleurs", []),
    ("1 robe wax courte s il vous plait", [("robe-wax-courte", "", 1)]),
    ("two wax scarves please", [("foulard-wax", "", 2)]),
]
ZOE: list[tuple[str, Seen]] = [
    ("coque iphone 14 c'est arrivé ?", [("coque-iphone", "iPhone 14", None)]),
    ("2 coques iphone13", [("coque-iphone", "iPhone 13", 2)]),
    (
        "prends moi deux portefeuille noir + un collier doré",
        [("portefeuille-cuir", "noir", 2), ("collier-dore", "", 1)],
    ),
    ("g besoin de 4 cable type c", [("cable-typec", "", 4)]),
    ("La montre c'est à combien svp", [("montre-femme|montre-homme", "", None)]),
]
COTON: list[tuple[str, Seen]] = [
    ("Je voudrais trois lots de lingettes bébé s'il vous plaît", [("lingettes-bebe", "", 3)]),
    ("UN KIT DECOUVERTE ET DEUX SERVIETTES NUIT SVP", [("kit-decouverte", "", 1), ("serviette-nuit", "", 2)]),
    ("4 serviettes nuit et 2 jour", [("serviette-nuit", "", 4), ("serviette-jour", "", 2)]),
    ("j'avais dit 2 packs de couches pas 1", [("pack-couches", "", 2)]),
    ("Vous avez encore des couches bébé jaunes ?", [("couche-bebe", "jaune", None)]),
    ("i want 5 bamboo inserts", [("insert-bambou", "", 5)]),
]
CASES = [
    *(("awa-mode", *case) for case in AWA),
    *(("zoe-accessoires", *case) for case in ZOE),
    *(("coton-doux", *case) for case in COTON),
]


@pytest.mark.parametrize(("shop", "text", "items"), CASES)
def test_items_are_found_in_what_shoppers_type(shop: str, text: str, items: Seen) -> None:
    assert seen(text, INDEXES[shop]) == items


@pytest.mark.parametrize("shop", INDEXES)
def test_every_name_and_alias_leads_to_its_product(shop: str) -> None:
    names = [
        (name, product)
        for product in INDEXES[shop].products.values()
        for name in (product.name, *product.aliases)
    ]
    assert len(names) > 50
    lost = [name for name, product in names if product.id not in seen(name, INDEXES[shop])[0][0].split("|")]
    assert lost == []


@pytest.mark.parametrize(
    ("text", "commune"),
    [
        ("chuis a treichville", "Treichville"),
        ("C'est pour la Palmeraie", "Cocody"),
        ("moi c'est Adjamé Bracodi", "Adjamé"),
        ("Plateau Dokui", "Abobo"),
        ("port-bouët 2", "Yopougon"),
        ("PORT BOUET", "Port-Bouët"),
        ("yopougonn", "Yopougon"),
        ("livr bassam demain", "Grand-Bassam"),
        ("je suis à San Pedro", None),
        ("bonsoir la famille", None),
        ("kouma", None),
    ],
)
def test_communes_are_found_by_name_alias_and_near_spelling(text: str, commune: str | None) -> None:
    zone = match_commune(text, ZONES)
    assert (zone.commune if zone else None) == commune


def test_every_alias_of_a_zone_leads_to_it() -> None:
    names = [(name, zone) for zone in ZONES for name in (zone.commune, *zone.aliases)]
    assert len(names) > 90
    assert [name for name, zone in names if match_commune(name, ZONES) != zone] == []


def test_the_beginning_of_a_commune_is_enough_when_it_was_asked() -> None:
    zone = match_commune("kouma", ZONES, asked=True)
    assert isinstance(zone, Zone)
    assert zone.commune == "Koumassi"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("I want two scarves please", "en"),
        ("2 foulards", None),
        ("bonjour je veux le kita", "fr"),
        ("ok", None),
    ],
)
def test_the_language_is_told_only_by_clear_words(text: str, told: str | None) -> None:
    assert language(text) == told


@pytest.mark.parametrize(
    ("text", "doubt"), [("oui", False), ("ok mais attends", True), ("oui ?", True), ("oui pas encore", True)]
)
def test_a_yes_with_a_but_is_no_yes(text: str, doubt: bool) -> None:
    assert hesitates(text) is doubt


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("2 foulards wax + 3 attieke", ("3 attieke",)),
        ("mets moi 3 attieke poisson svp", ("3 attieke poisson",)),
        ("2 foulards wax, livraison dans 2 jours", ()),
        ("2 foulards wax 1 kita", ()),
        ("je veux prendre deux", ()),
    ],
)
def test_counted_things_that_are_not_sold_are_named(text: str, unknown: tuple[str, ...]) -> None:
    assert find_items(text, INDEXES["awa-mode"]).unknown == unknown


@pytest.mark.parametrize(
    ("text", "seen_as"),
    [
        ("la moitié d'un pagne kita", [("pagne-kita", "", 0)]),
        ("1 t-shirt éléphants orange M et 1 blanc L", [("tshirt-elephants", "M/orange", 1), ("tshirt-elephants", "L/blanc", 1)]),
        ("une robe taille XL", [("robe-wax-courte|robe-wax-longue", "XL", 1)]),
        ("2 t-shirts M et L", [("tshirt-elephants", "M", 1), ("tshirt-elephants", "L", 1)]),
    ],
)
def test_parts_lists_and_options_narrow_what_is_meant(text: str, seen_as: Seen) -> None:
    assert seen(text, INDEXES["awa-mode"]) == seen_as


@pytest.mark.parametrize(
    ("text", "commune"),
    [("pas Cocody, Marcory plutôt", "Marcory"), ("Yop au lieu de Bassam", "Yopougon"), ("pas à Abobo", None)],
)
def test_a_commune_that_is_refused_is_not_the_place(text: str, commune: str | None) -> None:
    zone = match_commune(text, ZONES)
    assert (zone.commune if zone else None) == commune
