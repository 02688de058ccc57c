"""products.csv and zones.csv to rows and back, with the line and column of whatever is wrong."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from bot.core.catalogue import Product, Zone
from bot.ledger.problems import Problem

PRODUCT_COLUMNS = (
    "product_id",
    "name",
    "category",
    "description",
    "aliases",
    "price_xof",
    "options",
    "stock",
)
ZONE_COLUMNS = ("commune", "aliases", "fee_xof", "eta_text")
MOST_XOF = 100_000_000
MOST_PIECES = 1_000_000

ID = r"[a-z0-9]+(-[a-z0-9]+)*"
"""Form of a product id."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

T = TypeVar("T")


class _Cell(ValueError):
    """What is wrong with one cell."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


def read_products(file: str, text: str, problems: list[Problem]) -> list[Product]:
    """Rows of products.csv; what is wrong is added to ``problems``."""
    return _read(file, text, PRODUCT_COLUMNS, _product, lambda product: product.id, problems)


def read_zones(file: str, text: str, problems: list[Problem]) -> list[Zone]:
    """Rows of zones.csv; what is wrong is added to ``problems``."""
    return _read(file, text, ZONE_COLUMNS, _zone, lambda zone: zone.commune, problems)


def write_products(products: Iterable[Product]) -> str:
    """A products.csv that a spreadsheet opens without running anything, and that reads back the same."""
    return _write(
        PRODUCT_COLUMNS,
        (
            (
                product.id,
                product.name,
                product.category,
                product.description,
                "|".join(product.aliases),
                str(product.price_xof),
                ";".join(f"{name}={'|'.join(values)}" for name, values in product.options),
                "" if product.stock is None else str(product.stock),
            )
            for product in products
        ),
    )


def _write(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    # A cell that begins like a formula gets an apostrophe, which ``_read`` takes off again.
    writer.writerows(
        ["'" + cell if cell.startswith((*_FORMULA, "'")) else cell for cell in row] for row in rows
    )
    return out.getvalue()


def _read(
    file: str,
    text: str,
    columns: Sequence[str],
    build: Callable[[dict[str, str]], T],
    key: Callable[[T], str],
    problems: list[Problem],
) -> list[T]:
    found: dict[str, T] = {}
    rows = _rows(file, text, problems)
    header = next(rows, (1, []))[1]
    if sorted(header) != sorted(columns):
        problems.append(Problem(file, 1, "header", f"the columns must be {','.join(columns)}"))
        return []
    for line, cells in rows:
        if len(cells) != len(header):
            problems.append(Problem(file, line, "row", f"{len(cells)} cells, there must be {len(header)}"))
            continue
        values = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        values = {name: cell[1:] if cell.startswith("'") else cell for name, cell in values.items()}
        try:
            row = build(values)
        except _Cell as wrong:
            problems.append(Problem(file, line, wrong.column, str(wrong)))
            continue
        if key(row) in found:
            problems.append(Problem(file, line, columns[0], f"{key(row)}: twice"))
        found[key(row)] = row
    return list(found.values())


def _rows(file: str, text: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line each begins on; empty lines are skipped."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    line = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            problems.append(Problem(file, line, "row", str(error)))
            return
        if cells is None:
            return
        if cells:
            yield line, cells
        line = reader.line_num + 1


def _product(values: dict[str, str]) -> Product:
    if not re.fullmatch(ID, values["product_id"]):
        raise _Cell("product_id", "small letters, digits and single hyphens only")
    return Product(
        id=values["product_id"],
        name=_needed(values, "name", 100),
        category=_needed(values, "category", 60),
        description=values["description"],
        aliases=_list(values["aliases"]),
        price_xof=_whole(values, "price_xof", MOST_XOF),
        options=_options(values["options"]),
        stock=None if values["stock"] == "" else _whole(values, "stock", MOST_PIECES),
    )


def _zone(values: dict[str, str]) -> Zone:
    return Zone(
        commune=_needed(values, "commune", 60),
        aliases=_list(values["aliases"]),
        fee_xof=_whole(values, "fee_xof", MOST_XOF),
        eta_text=values["eta_text"],
    )


def _needed(values: dict[str, str], column: str, most: int) -> str:
    if not 1 <= len(values[column]) <= most:
        raise _Cell(column, f"1 to {most} characters")
    return values[column]


def _whole(values: dict[str, str], column: str, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", values[column]) or int(values[column]) > most:
        raise _Cell(column, f"not a whole number from 0 to {most}")
    return int(values[column])


def _list(cell: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in cell.split("|") if part.strip()))


def _options(cell: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    options: dict[str, tuple[str, ...]] = {}
    for part in filter(None, (part.strip() for part in cell.split(";"))):
        name, equals, values = part.partition("=")
        if not equals or not name.strip() or not _list(values):
            raise _Cell("options", 'must read like "taille=S|M;couleur=rouge|bleu"')
        if name.strip() in options:
            raise _Cell("options", f"{name.strip()}: twice")
        options[name.strip()] = _list(values)
    return tuple(options.items())
