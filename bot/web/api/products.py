"""Products: listed, put one by one, and as a whole products.csv in and out."""

from __future__ import annotations

import re

from bot.core.catalogue import Product
from bot.ledger.catalogue import put_product
from bot.ledger.csv_files import ID, read_products, write_products
from bot.ledger.problems import Problem as RowProblem
from bot.ledger.product_import import import_products
from bot.ledger.times import utc_now
from bot.web.api import models
from bot.web.api.operations import (
    CSV,
    TEXT,
    Call,
    Effect,
    Operation,
    Parameter,
    Result,
    invalid,
    listing,
    one,
)
from bot.web.ledger_port import ProductFilter
from bot.web.problems import FieldError, Problem

MOST_BYTES = 8 * 1024 * 1024
MOST_ERRORS = 100
_BOOLEAN = {"type": "boolean"}


async def list_(call: Call) -> Result:
    active = None if call.query("active") is None else call.flag("active")
    wanted = ProductFilter(call.text("category"), active, call.text("q"))
    return listing(await call.gateway.reads.products(call.shop, call.window(), wanted))


async def get(call: Call) -> Result:
    return one(await call.gateway.reads.product(call.shop, call.parameters["product_id"]))


async def put(call: Call) -> Result:
    """The whole product as given; 201 when it is new."""
    product_id, body = call.parameters["product_id"], call.body(models.ProductPut)
    if not re.fullmatch(ID, product_id) or len(product_id) > 100:
        raise invalid("product_id", "not_an_id", "small letters, digits and single hyphens only")
    options = tuple((name, tuple(dict.fromkeys(values))) for name, values in body.options.items())
    product = Product(
        id=product_id,
        name=body.name.strip(),
        category=body.category.strip(),
        description=body.description,
        aliases=tuple(dict.fromkeys(body.aliases)),
        price_xof=body.price_xof,
        options=options,
        stock=body.stock,
    )
    done = await put_product(
        call.gateway.ledger, call.shop, product, call.key.id, active=body.active, expected=call.demand
    )
    if done is None:
        raise Problem("changed-meanwhile")
    return Result(done.item, 201 if done.made else 200)


async def export(call: Call) -> Result:
    """A products.csv that reads back the same."""
    return Result(None, text=write_products(await call.gateway.reads.all_products(call.shop)))


async def import_(call: Call) -> Result:
    """All rows or none. With ``dry_run`` nothing is written and what is wrong with the rows is told in the answer."""
    dry_run, set_stocks = call.flag("dry_run"), call.flag("set_stock")
    try:
        text = (call.request.body or b"").decode("utf-8-sig")
    except UnicodeDecodeError:
        raise invalid("", "not_utf8", "the file must be UTF-8") from None
    if "\x00" in text:
        raise invalid("", "control_character", "must not contain U+0000")
    wrong: list[RowProblem] = []
    products = read_products("", text, wrong)
    errors = [_row_error(problem) for problem in wrong[:MOST_ERRORS]]
    if errors and not dry_run:
        raise Problem("invalid", "Nothing was imported.", errors=errors)
    counts = await import_products(
        call.transaction,
        call.shop,
        products,
        call.key.id,
        utc_now(),
        set_stocks=set_stocks,
        dry_run=dry_run,
    )
    return Result(
        {
            "dry_run": dry_run,
            "rows": len(products),
            "created": counts.created,
            "updated": counts.updated,
            "unchanged": counts.unchanged,
            "errors": [{"field": e.field, "code": e.code, "detail": e.detail} for e in errors],
        }
    )


def _row_error(problem: RowProblem) -> FieldError:
    """Line numbers are the file's. What stands in the cell is not repeated."""
    return FieldError(f"line {problem.line}, {problem.column}", "bad_cell", problem.message)


OPERATIONS = (
    Operation(
        "GET",
        "/products",
        "products:read",
        "List products, newest first",
        list_,
        models.Product,
        many=True,
        query=(
            Parameter("category", "Only of this category", "accessoires", TEXT),
            Parameter("active", "Only what is sold, or what is not", "true", _BOOLEAN),
            Parameter("q", "Somewhere in id, name or description", "wax", TEXT),
        ),
    ),
    Operation(
        "GET", "/products/{product_id}", "products:read", "Get a product", get, models.Product, etag=True
    ),
    Operation(
        "PUT",
        "/products/{product_id}",
        "products:write",
        "Make or replace a product",
        put,
        models.Product,
        body=models.ProductPut,
        example={
            "name": "Foulard wax",
            "category": "accessoires",
            "description": "À nouer, 1,80 m",
            "aliases": ["foulard"],
            "price_xof": 2500,
            "options": {"couleur": ["rouge", "bleu"]},
            "stock": 12,
            "active": True,
        },
        statuses=(201,),
        etag=True,
        description="Send If-Match with the ETag you read, so that neither a sale nor a colleague's change is lost; "
        "If-None-Match: * makes it only if it is new.",
    ),
    Operation(
        "GET",
        "/products.csv",
        "products:read",
        "Export all products as products.csv",
        export,
        None,
        media=CSV,
    ),
    Operation(
        "POST",
        "/products.csv",
        "products:write",
        "Import a products.csv",
        import_,
        models.ImportReport,
        query=(
            Parameter("dry_run", "Only tell what would be done", "true", _BOOLEAN),
            Parameter("set_stock", "Also set the stock of products that are there", "true", _BOOLEAN),
        ),
        takes=CSV,
        most_bytes=MOST_BYTES,
        seconds=14.0,
        effect=Effect.INSIDE,
        description="Columns: product_id,name,category,description,aliases,price_xof,options,stock. All rows or none; "
        "products that are not listed stay. A stock counts only for new products unless set_stock is true.",
    ),
)
