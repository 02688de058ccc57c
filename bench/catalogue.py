"""``python -m bench.catalogue``: matching in a catalogue of 5,000 products: milliseconds, and how often it is right first time.

The products and the slips are invented from a fixed seed. Right: exactly one candidate, the one meant, with its options
and quantity. A choice that holds the product is counted apart: it costs the shopper a tap, not a wrong parcel.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from bot.core.catalogue import Index, Product, index
from bot.core.matching import find_items

KINDS = (
    "robe", "jupe", "chemise", "pantalon", "ensemble", "boubou", "pagne", "foulard", "turban", "veste", "tunique", "sandale",
    "mocassin", "escarpin", "sac", "pochette", "valise", "cartable", "ceinture", "montre", "bracelet", "collier", "parure",
    "chargeur", "casque", "enceinte", "tablette", "lampe", "marmite", "assiette", "drap", "rideau", "parfum", "savon", "pommade",
)  # fmt: skip
STYLES = (
    "wax", "bazin", "lin", "coton", "satin", "dentelle", "cuir", "simili", "denim", "velours", "soie", "raphia", "bambou", "acier",
)  # fmt: skip
NAMES = (
    "abidjan", "bassam", "korhogo", "sassandra", "tabou", "odienne", "bondoukou", "divo", "lagune", "harmattan", "cascade",
    "papillon", "colibri", "hibiscus", "baobab", "karite", "savane", "corail", "perle", "orchidee", "flamboyant",
)  # fmt: skip
COLOURS = ("noir", "blanc", "rouge", "bleu", "vert", "jaune", "rose", "marron")
SIZES = ("S", "M", "L", "XL")
SLIPS: tuple[tuple[str, Callable[[str, random.Random], str]], ...] = (
    ("as named", lambda text, _: text),
    ("words in another order", lambda text, chance: " ".join(chance.sample(text.split(), len(text.split())))),
    ("plural", lambda text, _: " ".join(f"{word}s" for word in text.split())),
    ("one slip", lambda text, chance: slipped(text, chance)),
    ("two slips", lambda text, chance: slipped(slipped(text, chance), chance)),
)


def catalogue(count: int) -> list[Product]:
    """``count`` products with different names of three words."""
    named = itertools.islice(itertools.product(NAMES, STYLES, KINDS), count)
    return [
        Product(
            id=f"p{number}",
            name=f"{kind} {style} {name}".capitalize(),
            category=kind,
            description="",
            aliases=(f"{kind} {name} {style}", f"{kind} en {style} {name}"),
            price_xof=5000,
            options=(("taille", SIZES), ("couleur", COLOURS)) if number % 2 else (),
            stock=10,
        )
        for number, (name, style, kind) in enumerate(named)
    ]


def slipped(text: str, chance: random.Random) -> str:
    """With one letter lost, doubled or swapped in a word of four or more."""
    words = text.split()
    place = chance.choice([number for number, word in enumerate(words) if len(word) >= 4])
    word = words[place]
    at = chance.randint(1, len(word) - 2)
    words[place] = chance.choice(
        (
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        )
    )
    return " ".join(words)


def measure(shop: Index, count: int, seed: int) -> list[dict[str, float | str]]:
    """One row a kind of slip: share right, share put as a choice, p50 and p99 in ms for a message of two items.

    CPU time beside the time by the clock: on a busy machine the slowest hundredth waited for others.
    """
    rows: list[dict[str, float | str]] = []
    products = list(shop.products.values())
    for title, slip in SLIPS:
        chance = random.Random(seed)
        right = choice = 0
        took: list[float] = []
        worked: list[float] = []
        for _ in range(count):
            pair = chance.sample(products, 2)
            meant, parts = [], []
            for product in pair:
                options = tuple((name, chance.choice(values)) for name, values in product.options)
                quantity = chance.randint(1, 9)
                parts.append(" ".join([str(quantity), slip(product.name.lower(), chance), *(v for _, v in options)]))
                meant.append((product.id, options, quantity))
            text = f"slt jveux {parts[0]} et {parts[1]} livraison yop je paie wave"
            began, busy = time.perf_counter(), time.thread_time()
            found = find_items(text, shop).items
            took.append(1000 * (time.perf_counter() - began))
            worked.append(1000 * (time.thread_time() - busy))
            read = [(i.candidates[0].product.id, i.candidates[0].options, i.quantity) for i in found if i.product]
            right += sum(line in read for line in meant)
            offered = [{c.product.id for c in item.candidates} for item in found if item.product is None]
            choice += sum(any(line[0] in ids for ids in offered) for line in meant if line not in read)
        centiles = statistics.quantiles(took, n=100)
        busy_centiles = statistics.quantiles(worked, n=100)
        rows.append(
            {
                "typed": title,
                "right_first_time": right / (2 * count),
                "put_as_choice": choice / (2 * count),
                "p50_ms": centiles[49],
                "p99_ms": centiles[98],
                "p99_cpu_ms": busy_centiles[98],
            }
        )
    return rows


def main() -> None:
    """Print the table and write ``var/bench/catalogue.json``."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--products", type=int, default=5000)
    arguments.add_argument("--messages", type=int, default=400, help="per row")
    arguments.add_argument("--seed", type=int, default=4)
    given = arguments.parse_args()
    products = catalogue(given.products)
    began = time.perf_counter()
    shop = index(products)
    built = 1000 * (time.perf_counter() - began)
    print(f"{len(products)} products, index built in {built:.0f} ms, seed {given.seed}")
    rows = measure(shop, given.messages, given.seed)
    print(f"{'typed':24} {'right first time':>16} {'as a choice':>12} {'p50 ms':>8} {'p99 ms':>8} {'p99 CPU ms':>11}")
    for row in rows:
        print(
            f"{row['typed']:24} {row['right_first_time']:16.1%} {row['put_as_choice']:12.1%}"
            f" {row['p50_ms']:8.2f} {row['p99_ms']:8.2f} {row['p99_cpu_ms']:11.2f}"
        )
    target = Path("var/bench/catalogue.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"products": len(products), "index_ms": built, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
