"""Products with their stock, the CSV in and out with a preview, and the delivery zones."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote

from sanic import HTTPResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.catalogue import Product, Zone
from bot.core.words import fold
from bot.ledger import views
from bot.ledger.catalogue import LedgerCatalogue, put_product, put_zone
from bot.ledger.csv_files import MOST_PIECES, MOST_XOF, read_products, write_products
from bot.ledger.problems import Problem as LineProblem
from bot.ledger.product_import import Counts, import_products
from bot.ledger.times import instant
from bot.web.console.page import Page
from bot.web.console.rights import Right
from bot.web.console.visit import Visit
from bot.web.problems import Problem

MOST_CSV = 200_000
"""Characters; a request has 256 kB at most."""
ATTEMPTS = 5
_HYPHENS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Change:
    """What an import would do to one product. ``fields``: name, old, new."""

    product: Product
    new: bool
    fields: tuple[tuple[str, str, str], ...]


async def page(visit: Visit) -> HTTPResponse:
    catalogue = LedgerCatalogue(visit.console.ledger)
    return visit.page(
        "catalogue.html",
        shop=await visit.shop_facts(),
        products=await catalogue.catalogue(visit.shop),
        zones=await catalogue.zones(visit.shop),
    )


async def stock(visit: Visit) -> HTTPResponse:
    """Count anew: a number, or nothing for "not counted"."""
    written = visit.form("stock", 10)
    if written and not _counts(written):
        return visit.go("/catalogue", "bad-value")
    counted = int(written) if written else None
    before = await _change_product(visit, lambda product: replace(product, stock=counted))
    await visit.note("catalogue.stock", before.id, old=before.stock, new=counted)
    return visit.go("/catalogue", "saved")


async def edit(visit: Visit) -> HTTPResponse:
    return visit.page(
        "product.html",
        shop=await visit.shop_facts(),
        product=await product_in(visit),
        public=visit.gateway.public_url,
    )


async def save(visit: Visit) -> HTTPResponse:
    product_id, form = visit.parameters["product_id"], _form(visit)
    if form is None:
        return visit.go(f"/catalogue/products/{quote(product_id)}", "bad-value")

    def changed(product: Product) -> Product:
        return replace(form, id=product.id, options=product.options, stock=product.stock)

    await _change_product(visit, changed)
    await visit.note("catalogue.product", product_id)
    return visit.go("/catalogue", "saved")


async def new(visit: Visit) -> HTTPResponse:
    return visit.page("product.html", shop=await visit.shop_facts(), product=None)


async def add(visit: Visit) -> HTTPResponse:
    """A new product; its id is made of its name. Options come by the CSV file."""
    form, stock = _form(visit), visit.form("stock", 10)
    if form is None or (stock and not _counts(stock)):
        return visit.go("/catalogue/new", "bad-value")
    known = {product.id for product in await LedgerCatalogue(visit.console.ledger).catalogue(visit.shop)}
    stem = _HYPHENS.sub("-", fold(form.name)).strip("-")[:40].strip("-") or "produit"
    numbered = (f"{stem}-{n}" for n in range(2, len(known) + 3))
    product_id = stem if stem not in known else next(one for one in numbered if one not in known)
    made = replace(form, id=product_id, stock=int(stock) if stock else None)
    ledger, by = visit.console.ledger, visit.user.login
    if await put_product(ledger, visit.shop, made, by, expected=lambda there: there is None) is None:
        raise Problem("wrong-state")
    await visit.note("catalogue.added", product_id)
    return visit.go("/catalogue", "created")


def _form(visit: Visit) -> Product | None:
    """What the form says of a product, without id, options and stock; None when it is not valid."""
    price = visit.form("price_xof", 12).replace(" ", "").replace("\u202f", "")
    name, category = visit.form("name", 100), visit.form("category", 60)
    if not name or not category or not re.fullmatch(r"[0-9]{1,9}", price) or int(price) > MOST_XOF:
        return None
    aliases = tuple(dict.fromkeys(part.strip() for part in visit.form("aliases").split(",") if part.strip()))
    return Product("", name, category, visit.form("description", 2000), aliases, int(price), (), None)


def _counts(written: str) -> bool:
    return written.isascii() and written.isdigit() and int(written) <= MOST_PIECES


async def preview(visit: Visit) -> HTTPResponse:
    """What a file would change, and every line that is wrong; nothing is written."""
    text = _uploaded(visit)
    problems: list[LineProblem] = []
    found = read_products("products.csv", text, problems) if text else []
    known = {
        product.id: product for product in await LedgerCatalogue(visit.console.ledger).catalogue(visit.shop)
    }
    changes = [change for product in found if (change := _change(known.get(product.id), product)) is not None]
    return visit.page(
        "import.html",
        422 if problems or not text else 200,
        shop=await visit.shop_facts(),
        text=text,
        problems=problems,
        changes=changes,
        unchanged=len(found) - len(changes),
        missing=[product for id_, product in known.items() if id_ not in {one.id for one in found}],
    )


async def bring(visit: Visit) -> HTTPResponse:
    """The previewed file, for good. It is read again: what the browser sends back is not trusted."""
    problems: list[LineProblem] = []
    found = read_products("products.csv", visit.form("text", MOST_CSV), problems)
    if problems or not found:
        return visit.go("/catalogue", "bad-value")
    stocks = visit.form("stocks", 1) == "1"

    async def work(connection: AsyncConnection) -> Counts:
        at = instant(visit.now)
        by = visit.user.login
        return await import_products(connection, visit.shop, found, by, at, set_stocks=stocks, dry_run=False)

    counts = await visit.console.ledger.write(work)
    await visit.note("catalogue.imported", created=counts.created, updated=counts.updated)
    return visit.go("/catalogue", "imported" if counts.created or counts.updated else "unchanged")


async def export(visit: Visit) -> HTTPResponse:
    body = write_products(await LedgerCatalogue(visit.console.ledger).catalogue(visit.shop))
    headers = {"Content-Disposition": 'attachment; filename="products.csv"', "Cache-Control": "no-store"}
    return HTTPResponse(body, headers=headers, content_type="text/csv; charset=utf-8")


async def zone(visit: Visit) -> HTTPResponse:
    """Change a zone's fee and promise, or add one."""
    fee, commune = visit.form("fee_xof", 9), visit.form("commune", 60)
    old = {one.commune: one for one in await LedgerCatalogue(visit.console.ledger).zones(visit.shop)}.get(
        commune
    )
    if not re.fullmatch(r"[0-9]{1,9}", fee) or int(fee) > MOST_XOF or not commune:
        return visit.go("/catalogue", "bad-value")
    made = Zone(commune, old.aliases if old else (), int(fee), visit.form("eta_text", 120))
    await put_zone(visit.console.ledger, visit.shop, made, visit.user.login)
    await visit.note("catalogue.zone", commune, fee=made.fee_xof)
    return visit.go("/catalogue", "saved")


def _uploaded(visit: Visit) -> str:
    """The file's text (UTF-8, else what Excel writes in France), or what was pasted."""
    files = visit.request.files
    file = files.get("file") if files else None
    if file is not None and file.body:
        body: bytes = file.body
        try:
            return body.decode("utf-8-sig")[:MOST_CSV]
        except UnicodeDecodeError:
            return body.decode("cp1252", "replace")[:MOST_CSV]
    return visit.form("text", MOST_CSV)


def _change(old: Product | None, new: Product) -> Change | None:
    if old is None:
        return Change(new, True, ())
    fields = tuple(
        (name, _written(getattr(old, name)), _written(getattr(new, name)))
        for name in ("name", "category", "description", "aliases", "price_xof", "options", "stock")
        if getattr(old, name) != getattr(new, name)
    )
    return Change(new, False, fields) if fields else None


def _written(value: object) -> str:
    match value:
        case None:
            return "–"
        case tuple():
            return ", ".join(_written(part) for part in value)
        case _:
            return str(value)


async def product_in(visit: Visit) -> Product:
    """The product in the address. Raises a 404 problem."""
    wanted = visit.parameters["product_id"]
    for product in await LedgerCatalogue(visit.console.ledger).catalogue(visit.shop):
        if product.id == wanted:
            return product
    raise Problem("not-found")


async def _change_product(visit: Visit, change: Callable[[Product], Product]) -> Product:
    """Change it as it is now, and say how it was. An order may take from its stock meanwhile: then it is read again."""
    for _ in range(ATTEMPTS):
        before = await product_in(visit)

        def unsold(there: views.Json | None, stock: int | None = before.stock) -> bool:
            return there is not None and there["stock"] == stock

        if await put_product(
            visit.console.ledger, visit.shop, change(before), visit.user.login, expected=unsold
        ):
            return before
    raise Problem("wrong-state")


PAGES = (
    Page("GET", "/catalogue", Right.READ, page),
    Page("GET", "/catalogue/new", Right.CATALOGUE, new),
    Page("POST", "/catalogue/new", Right.CATALOGUE, add),
    Page("GET", "/catalogue/products.csv", Right.READ, export),
    Page("POST", "/catalogue/preview", Right.CATALOGUE, preview),
    Page("POST", "/catalogue/import", Right.CATALOGUE, bring),
    Page("POST", "/catalogue/zone", Right.CATALOGUE, zone),
    Page("GET", "/catalogue/products/<product_id:str>", Right.READ, edit),
    Page("POST", "/catalogue/products/<product_id:str>", Right.CATALOGUE, save),
    Page("POST", "/catalogue/products/<product_id:str>/stock", Right.STOCK, stock),
)
